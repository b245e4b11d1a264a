# shellcheck shell=bash
#
# RabbitMQ 4.x for the private node, on a machine whose own package is still 3.x (Debian 12).
# Source it after broker.sh; everything is a function, nothing runs by itself.
#
#   broker4_prepare   unpack Debian 13's RabbitMQ, Erlang and what they link to (about 10 s, 160 MB, once per checkout)
#   broker4_use       let broker_start and the rest of broker.sh work on a second node, "4", of that version
#
# Nothing of the machine is touched: apt resolves and downloads with lists and a package database of its own in
# .ostler/rabbitmq4, the packages are unpacked there and none of their scripts run. The node is then started in a
# mount namespace of its own in which the unpacked /usr lies over the machine's, so that Erlang finds the libraries it
# was built against; folders, ports and processes stay those of the machine. That needs root or unprivileged user
# namespaces. Where there are neither (many containers), broker4_prepare says so and returns 77, "cannot be run here".
#
# Choices, by environment and optional:
#   OSTLER_DEBIAN_MIRROR    where to load from (default: what apt on this machine uses for Debian)
#   OSTLER_BROKER4_RELEASE  the Debian release (trixie)

BROKER4_UNAVAILABLE=77

# RabbitMQ itself, and what its start scripts call; /usr of the namespace has nothing else.
BROKER4_PACKAGES=(
  rabbitmq-server bash coreutils dash findutils grep hostname libc-bin mawk procps sed util-linux
)

broker4__dir() { printf '%s/.ostler/rabbitmq4\n' "$BROKER_PROJECT_DIR"; }

broker4__fail() {
  broker__say "broker 4: $*"
  return "$BROKER4_UNAVAILABLE"
}

# The words in front of a command that give it a mount namespace.
broker4__unshare() {
  if ((EUID == 0)) && unshare --mount --propagation private true 2>/dev/null; then
    printf '%s\n' 'unshare --mount --propagation private'
  elif unshare --user --map-root-user --mount --propagation private true 2>/dev/null; then
    printf '%s\n' 'unshare --user --map-root-user --mount --propagation private'
  else
    return 1
  fi
}

# Where this machine's apt has Debian's main archive from.
broker4__mirror() {
  [[ -z "${OSTLER_DEBIAN_MIRROR:-}" ]] || { printf '%s\n' "$OSTLER_DEBIAN_MIRROR"; return; }
  # shellcheck disable=SC2016 # the fields are apt's, not the shell's
  apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's|^\([^ ]*/debian/\{0,1\}\) main$|\1|p' | head -n 1
}

# An apt that knows nothing of this machine: own lists, own database (empty), own source.
broker4__write_apt_configuration() {
  local apt="$1" mirror="$2" keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial "$apt"/parts
  : >"$apt/status"
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "${OSTLER_BROKER4_RELEASE:-trixie}" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<END
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
Dir::Etc::preferences "$apt/parts/none";
Dir::Etc::preferencesparts "$apt/parts";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
END
}

broker4__download() {
  local apt="$1"
  (
    export APT_CONFIG="$apt/apt.conf" DEBIAN_FRONTEND=noninteractive
    apt-get --quiet update &&
      apt-get --quiet --yes --download-only --no-install-recommends -o Debug::NoLocking=true \
        install "${BROKER4_PACKAGES[@]}"
  ) >"$apt/download.log" 2>&1 && return 0
  tail --lines=20 "$apt/download.log" >&2
  return 1
}

# A script that runs one of the unpacked programs in its namespace, for OSTLER_RABBITMQ_SBIN.
broker4__write_program() {
  local dir="$1" unshare="$2" name="$3"
  cat >"$dir/sbin/$name" <<END
#!/bin/sh
# $name of RabbitMQ 4, with its own /usr over the machine's.
exec $unshare sh -c 'mount --bind "\$1" /usr && shift && exec "\$@"' sh \\
  '$dir/root/usr' /usr/lib/rabbitmq/bin/$name "\$@"
END
  chmod +x "$dir/sbin/$name"
}

broker4__unpack() {
  local dir="$1" mirror="$2" package
  rm -rf "$dir"
  mkdir -p "$dir/root" "$dir/sbin"
  broker4__write_apt_configuration "$dir/apt" "$mirror"
  broker4__download "$dir/apt" || broker4__fail "the packages of RabbitMQ 4 could not be downloaded from $mirror" || return
  for package in "$dir"/apt/cache/archives/*.deb; do
    dpkg --extract "$package" "$dir/root" || broker4__fail "$package could not be unpacked" || return
  done
  [[ -x "$dir/root/usr/lib/rabbitmq/bin/rabbitmq-server" ]] ||
    broker4__fail "the unpacked packages have no rabbitmq-server" || return
  rm -rf "$dir/apt"
}

broker4_prepare() {
  local dir unshare mirror status=0
  dir="$(broker4__dir)"
  command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
    broker4__fail "needs apt and dpkg, which this machine does not have" || return
  unshare="$(broker4__unshare)" ||
    broker4__fail "needs a mount namespace: run as root, or on a machine that permits user namespaces" || return
  mkdir -p "$dir"
  (
    flock --timeout 300 8 || broker4__fail "another preparation of $dir does not come to an end" || exit
    if [[ ! -e "$dir/ready" ]]; then
      mirror="$(broker4__mirror)"
      [[ -n "$mirror" ]] ||
        broker4__fail "apt on this machine has no Debian archive; set OSTLER_DEBIAN_MIRROR" || exit
      broker__say "Unpacking RabbitMQ 4 from Debian ${OSTLER_BROKER4_RELEASE:-trixie} into $dir"
      broker4__unpack "$dir" "$mirror" || exit
      : >"$dir/ready"
    fi
    mkdir -p "$dir/sbin"
    broker4__write_program "$dir" "$unshare" rabbitmq-server
    broker4__write_program "$dir" "$unshare" rabbitmqctl
  ) 8>"$dir.lock" || status=$?
  return "$status"
}

broker4_use() {
  export OSTLER_BROKER_NAME=4
  OSTLER_RABBITMQ_SBIN="$(broker4__dir)/sbin"
  export OSTLER_RABBITMQ_SBIN
}
