# shellcheck shell=bash
#
# What scripts/run, scripts/test and .ci/run have in common. Sourced after broker.sh.

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$(basename "$0"): $*"
  exit 1
}

need_swift() {
  command -v swift >/dev/null ||
    fail "no 'swift' on the PATH; install Swift 6.2 or newer (see CONTRIBUTING.md) and try again"
}

# PYTHON becomes a Python that has pika; status 1 where there is none.
choose_python() {
  local candidate
  for candidate in "${OSTLER_TEST_PYTHON:-}" /usr/bin/python3 python3; do
    if [[ -n "$candidate" ]] && "$candidate" -c 'import pika' 2>/dev/null; then
      # shellcheck disable=SC2034 # for whoever sources this
      PYTHON="$candidate"
      return
    fi
  done
  return 1
}

# Where the runs against this broker (3 or 4) report what they found.
reports_of() {
  if [[ $1 == 4 ]]; then printf '.ostler/reports/broker-4\n'; else printf '.ostler/reports\n'; fi
}

# Under which conditions tests ran, for scripts/matrix: write_conditions FOLDER BUILD. The broker is up.
write_conditions() {
  {
    printf 'date=%s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')"
    printf 'rabbitmq=%s\n' "$(broker_ctl version 2>/dev/null)"
    printf 'sqlite=%s\n' "$(pkg-config --modversion sqlite3)"
    printf 'swift=%s\n' "$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)"
    printf 'build=%s\n' "$2"
    printf 'cores=%s\n' "$(nproc)"
  } >"$1/conditions.txt"
}

# GET http://ADDRESS PATH: the status code, or 000. (curl need not be there.)
http_status() {
  local host="${1%:*}" port="${1##*:}" line=''
  {
    exec 3<>"/dev/tcp/$host/$port" &&
      printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3 &&
      IFS=' ' read -r -t 5 _ line _ <&3
    exec 3>&-
  } 2>/dev/null
  printf '%s\n' "${line:-000}"
}

# The first free port from this one on.
free_port() {
  local port="$1"
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do ((port++)); done
  printf '%s\n' "$port"
}

# Waits until the worker's /readyz answers 200: wait_ready ADDRESS PID SECONDS.
wait_ready() {
  local deadline=$((SECONDS + $3))
  until [[ "$(http_status "$1" /readyz)" == 200 ]]; do
    kill -0 "$2" 2>/dev/null || return 1
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}
