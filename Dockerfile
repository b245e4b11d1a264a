# The worker as an image: built on Debian 12 with the Swift toolchain, run on Debian 12 with the Swift runtime alone.
#
#   docker build --tag ostler .
#   docker run --rm --env OSTLER_AMQP_URI=amqps://… --volume ostler:/var/lib/ostler ostler

ARG SWIFT_VERSION=6.3
ARG DEBIAN_RELEASE=bookworm

FROM swift:${SWIFT_VERSION}-${DEBIAN_RELEASE} AS build
# Versions are those of the release, with its security updates: pinning them would only make the build fail later.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends librabbitmq-dev libsqlite3-dev libssl-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# The dependencies in a layer of their own: a change of the sources does not load them again.
COPY Package.* ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
# Package.swift names it, though it is not built here.
COPY Benchmarks/Sources/micro Benchmarks/Sources/micro
RUN swift build --configuration release --product ostler \
 && install -D --strip "$(swift build --configuration release --show-bin-path)/ostler" /out/ostler

# Debian's slim image with the Swift runtime, without compiler and headers.
FROM swift:${SWIFT_VERSION}-${DEBIAN_RELEASE}-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl librabbitmq4 libsqlite3-0 libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --home-dir /var/lib/ostler --shell /usr/sbin/nologin ostler \
 && install --directory --owner ostler --group ostler --mode 0750 /var/lib/ostler
COPY --from=build /out/ostler /usr/local/bin/ostler

USER 10001
# The default settings file is config/ostler.yaml below this folder; there is none, so settings are those of the
# environment. The store belongs on a volume: it is what must not be lost.
WORKDIR /var/lib/ostler
VOLUME /var/lib/ostler
ENV OSTLER_STORE_PATH=/var/lib/ostler/ostler.sqlite \
    OSTLER_LOG_FORMAT=json
EXPOSE 9120
# Ready: the broker is there, the store can be written, commands are consumed. A standby is alive and not ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "--max-time", "4", "http://127.0.0.1:9120/readyz"]
# The worker drains on SIGTERM; give it longer than shutdown.grace (30 s).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/ostler"]
CMD ["run"]
