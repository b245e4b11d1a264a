# shellcheck shell=bash
#
# A private RabbitMQ node for this checkout, and the Debian packages that it and the build need.
# Source it from bash; everything is a function, nothing runs by itself.
#
#   broker_install_packages          install what is missing (says first what that is)
#   broker_start [--tls]             start the node, or reuse it when it is up
#   broker_stop                      stop the node and its epmd
#   broker_restart [--tls]           stop, start: same ports, same data
#   broker_is_up                     status 0 when the node answers on its AMQP port
#   broker_ctl ARGUMENT…             rabbitmqctl against this node
#   broker_export_test_environment   OSTLER_TEST_… for the test suites
#   broker_uri | broker_tls_uri | broker_pid | broker_dir
#
# Choices, all by environment and all optional:
#   OSTLER_BROKER_NAME               a second node next to the first: the folder becomes .ostler/broker-NAME
#   OSTLER_BROKER_PORT               AMQP port to try first (5682); the distribution port is 20000 above the one taken
#   OSTLER_BROKER_TLS_PORT           AMQPS port to try first (10000 above the AMQP port)
#   OSTLER_BROKER_EPMD_PORT          epmd port to try first (4379)
#   OSTLER_BROKER_CONF               lines added to rabbitmq.conf (read when the node starts)
#   OSTLER_BROKER_TIMEOUT            seconds to wait for the node to come up (90)
#   OSTLER_RABBITMQ_SBIN             folder with rabbitmq-server and rabbitmqctl (/usr/lib/rabbitmq/bin)
#
# The node is the checkout's own: its name, ports, data, logs and cookie are in the git-ignored folder, it runs as
# whoever started it, and everything that listens (AMQP, AMQPS, epmd, distribution) does so on 127.0.0.1 only.
# The RabbitMQ service of the machine is neither used nor needed. A port that somebody else has is left alone and
# the next free one is taken; the choice is written down in ports.env and kept from then on while it is free.

BROKER_PROJECT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# The packages that the build and the private node need.
BROKER_PACKAGES=(librabbitmq-dev libsqlite3-dev libssl-dev pkg-config rabbitmq-server)

broker__say() { printf '%s\n' "$*" >&2; }

broker__fail() {
  broker__say "broker: $*"
  return 1
}

# --- packages ---------------------------------------------------------------------------------------------------------

broker__package_installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

broker_missing_packages() {
  local package
  for package in "${BROKER_PACKAGES[@]}"; do
    broker__package_installed "$package" || printf '%s\n' "$package"
  done
}

broker_install_packages() {
  command -v dpkg-query >/dev/null ||
    broker__fail "this is not Debian or Ubuntu; install the equivalents of: ${BROKER_PACKAGES[*]}" || return 1
  local -a missing as_root=()
  mapfile -t missing < <(broker_missing_packages)
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      broker__fail "missing packages: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" || return 1
    as_root=(sudo)
  fi
  broker__say "Installing the missing Debian packages: ${missing[*]}"
  # policy-rc.d or not, whether the package starts its own service does not matter: we never use it.
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet)
  "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >&2 && return 0
  broker__say "Refreshing the package lists and trying once more"
  "${apt[@]}" update >&2
  "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >&2
}

# --- where things are -------------------------------------------------------------------------------------------------

broker_dir() {
  printf '%s/.ostler/broker%s\n' "$BROKER_PROJECT_DIR" "${OSTLER_BROKER_NAME:+-$OSTLER_BROKER_NAME}"
}

broker__sbin() {
  local sbin="${OSTLER_RABBITMQ_SBIN:-/usr/lib/rabbitmq/bin}"
  [[ -x "$sbin/rabbitmq-server" ]] ||
    broker__fail "no rabbitmq-server in $sbin; install the package rabbitmq-server or set OSTLER_RABBITMQ_SBIN" ||
    return 1
  printf '%s\n' "$sbin"
}

# Reads the ports that were chosen; status 1 when none were.
broker__load_ports() {
  BROKER_AMQP_PORT='' BROKER_DIST_PORT='' BROKER_EPMD_PORT='' BROKER_TLS_PORT=''
  local file
  file="$(broker_dir)/ports.env"
  [[ -f "$file" ]] || return 1
  # shellcheck source=/dev/null
  source "$file"
}

broker_pid() { broker__live_pid broker.pid "$(broker_dir)"; }

# The process of a pid file, if it is alive and really is the one that was started for this folder.
broker__live_pid() {
  local file pid
  file="$(broker_dir)/$1"
  [[ -s "$file" ]] || return 1
  pid="$(<"$file")"
  [[ -r "/proc/$pid/cmdline" ]] || return 1
  # Followed by a blank or a slash: .ostler/broker is not .ostler/broker-NAME.
  case "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)" in
    *"$2 "* | *"$2/"*) printf '%s\n' "$pid" ;;
    *) return 1 ;;
  esac
}

broker_uri() {
  broker__load_ports || broker__fail "the broker was never started here" || return 1
  printf 'amqp://guest:guest@127.0.0.1:%s/%%2F\n' "$BROKER_AMQP_PORT"
}

broker_tls_uri() {
  { broker__load_ports && [[ -n "$BROKER_TLS_PORT" ]]; } ||
    broker__fail "the broker was started without --tls" || return 1
  printf 'amqps://guest:guest@localhost:%s/%%2F\n' "$BROKER_TLS_PORT"
}

# --- ports ------------------------------------------------------------------------------------------------------------

broker__port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

broker__free_port() {
  local port="$1" last=$(($1 + 200))
  while broker__port_taken "$port" || { [[ -n "${2:-}" ]] && broker__port_taken $((port + $2)); }; do
    ((++port <= last)) || broker__fail "no free port between $1 and $last" || return 1
  done
  printf '%s\n' "$port"
}

broker__choose_ports() {
  local tls="$1" amqp epmd tls_port=''
  broker__load_ports || true
  amqp="$(broker__free_port "${BROKER_AMQP_PORT:-${OSTLER_BROKER_PORT:-5682}}" 20000)" || return 1
  epmd="$(broker__free_port "${BROKER_EPMD_PORT:-${OSTLER_BROKER_EPMD_PORT:-4379}}")" || return 1
  if [[ "$tls" == tls ]]; then
    # Far away, so that it does not meet the AMQP port of the next checkout.
    tls_port="$(broker__free_port "${BROKER_TLS_PORT:-${OSTLER_BROKER_TLS_PORT:-$((amqp + 10000))}}")" || return 1
  fi
  cat >"$(broker_dir)/ports.env" <<END
BROKER_AMQP_PORT=$amqp
BROKER_DIST_PORT=$((amqp + 20000))
BROKER_EPMD_PORT=$epmd
BROKER_TLS_PORT=$tls_port
END
  broker__load_ports
}

# --- files of the node ------------------------------------------------------------------------------------------------

broker__write_configuration() {
  local dir
  dir="$(broker_dir)"
  {
    cat <<END
listeners.tcp.1 = 127.0.0.1:$BROKER_AMQP_PORT
log.console = false
log.file.level = info
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.relative = 0.4
END
    if [[ -n "$BROKER_TLS_PORT" ]]; then
      cat <<END
listeners.ssl.1 = 127.0.0.1:$BROKER_TLS_PORT
ssl_options.cacertfile = $dir/tls/ca.pem
ssl_options.certfile = $dir/tls/server.pem
ssl_options.keyfile = $dir/tls/server.key
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
END
    fi
    printf '%s\n' "${OSTLER_BROKER_CONF:-}"
  } >"$dir/rabbitmq.conf"
  printf '[].\n' >"$dir/enabled_plugins"
  : >"$dir/rabbitmq-env.conf"
}

# The environment that server and rabbitmqctl share. The name in front of the @ needs no resolving beyond "localhost".
broker__write_environment() {
  local dir="$1"
  cat >"$dir/environment" <<END
export HOME='$dir'
export RABBITMQ_CONF_ENV_FILE='$dir/rabbitmq-env.conf'
export RABBITMQ_CONFIG_FILE='$dir/rabbitmq.conf'
export RABBITMQ_ADVANCED_CONFIG_FILE='$dir/advanced.config'
export RABBITMQ_ENABLED_PLUGINS_FILE='$dir/enabled_plugins'
export RABBITMQ_NODENAME='ostler@localhost'
export RABBITMQ_MNESIA_BASE='$dir/data'
export RABBITMQ_LOG_BASE='$dir/log'
export RABBITMQ_PID_FILE='$dir/rabbitmq.pid'
export RABBITMQ_DIST_PORT='$BROKER_DIST_PORT'
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
export RABBITMQ_CTL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
export ERL_EPMD_ADDRESS='127.0.0.1'
export ERL_EPMD_PORT='$BROKER_EPMD_PORT'
export ERL_CRASH_DUMP='$dir/log/erl_crash.dump'
export LANG='C.UTF-8' LC_ALL='C.UTF-8'
# The server script then becomes the Erlang process instead of its parent, so that one pid says it all.
export RUNNING_UNDER_SYSTEMD=true
unset RABBITMQ_NODE_PORT RABBITMQ_NODE_IP_ADDRESS RABBITMQ_MNESIA_DIR NOTIFY_SOCKET
END
}

broker__write_ctl() {
  local dir="$1" sbin="$2"
  cat >"$dir/rabbitmqctl" <<END
#!/bin/sh
# rabbitmqctl against the node of this folder.
. '$dir/environment'
exec '$sbin/rabbitmqctl' "\$@"
END
  chmod +x "$dir/rabbitmqctl"
}

# A CA of this folder's own and a certificate for localhost and 127.0.0.1.
broker__write_certificates() {
  local dir
  dir="$(broker_dir)/tls"
  [[ -s "$dir/server.pem" ]] && return 0
  command -v openssl >/dev/null || broker__fail "--tls needs openssl" || return 1
  mkdir -p "$dir"
  (
    umask 077
    cd "$dir"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=Ostler test CA' -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile server.ext -out server.new
    mv server.new server.pem
  ) >"$dir/openssl.log" 2>&1 || broker__fail "openssl failed, see $dir/openssl.log"
}

# --- start and stop ---------------------------------------------------------------------------------------------------

# Up means: the process is ours and its AMQP port, the last thing that a starting node opens, is open.
broker_is_up() {
  broker_pid >/dev/null && broker__load_ports && broker__port_taken "$BROKER_AMQP_PORT" && broker_pid >/dev/null
}

# Runs a command as a session of its own and leaves its pid (kept over exec) in a file.
broker__spawn() {
  local pid_file="$1" output="$2"
  shift 2
  # shellcheck disable=SC2016
  setsid sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$pid_file" "$@" </dev/null >>"$output" 2>&1 8>&- 9>&- &
}

broker_start() {
  local dir sbin tls=plain
  broker__load_ports || true
  [[ "${1:-}" == --tls ]] && tls=tls
  dir="$(broker_dir)"
  mkdir -p "$dir/log"
  # 8: one start at a time for this folder; 9: one at a time for this user, because ports are probed before they are taken.
  (
    flock --timeout 300 8 || broker__fail "another start of $dir does not come to an end" || exit 1
    if broker_is_up; then
      [[ "$tls" == plain || -n "$BROKER_TLS_PORT" ]] && exit 0
      broker__say "The broker is up without TLS; restarting it with TLS"
    fi
    sbin="$(broker__sbin)" || exit 1
    broker__stop_processes || exit 1
    flock --timeout 300 9 || broker__fail "the start of another checkout's broker does not come to an end" || exit 1
    broker__launch "$dir" "$sbin" "$tls"
  ) 8>"$dir/lock" 9>"${TMPDIR:-/tmp}/ostler-broker-ports-$UID.lock"
}

broker__launch() {
  local dir="$1" sbin="$2" tls="$3" timeout="${OSTLER_BROKER_TIMEOUT:-90}" started=$SECONDS
  broker__choose_ports "$tls" || return 1
  if [[ "$tls" == tls ]]; then broker__write_certificates || return 1; fi
  broker__write_configuration
  broker__write_environment "$dir"
  broker__write_ctl "$dir" "$sbin"
  printf 'Starting a private RabbitMQ on 127.0.0.1:%s (%s)\n' "$BROKER_AMQP_PORT" "$dir" >&2
  broker__spawn "$dir/epmd.pid" "$dir/log/epmd.out" epmd -address 127.0.0.1 -port "$BROKER_EPMD_PORT"
  : >"$dir/log/server.out"
  # shellcheck disable=SC2016
  broker__spawn "$dir/broker.pid" "$dir/log/server.out" sh -c '. "$1"; exec "$2"' sh "$dir/environment" "$sbin/rabbitmq-server"
  until broker_is_up; do
    if ((SECONDS - started > 2)) && ! broker_pid >/dev/null; then
      broker__show_logs "$dir"
      broker__fail "RabbitMQ ended while it was starting; the log is in $dir/log"
      return 1
    fi
    if ((SECONDS - started > timeout)); then
      broker__show_logs "$dir"
      broker__stop_processes
      broker__fail "RabbitMQ was not up after $timeout s (OSTLER_BROKER_TIMEOUT); the log is in $dir/log"
      return 1
    fi
    sleep 0.2
  done
}

broker__show_logs() {
  local file
  for file in "$1"/log/server.out "$1"/log/ostler@localhost.log; do
    [[ -s "$file" ]] || continue
    broker__say "--- the end of $file"
    tail --lines=40 "$file" >&2
  done
}

# Ends one of our processes: asked politely, then not.
broker__end() {
  local pid="$1" seconds="$2" deadline
  deadline=$((SECONDS + seconds))
  kill -CONT "$pid" 2>/dev/null || true
  kill -TERM "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do
    if ((SECONDS > deadline)); then
      kill -KILL "$pid" 2>/dev/null || true
      deadline=$((SECONDS + 10))
    fi
    sleep 0.1
  done
}

broker__stop_processes() {
  local dir pid
  dir="$(broker_dir)"
  if pid="$(broker_pid)"; then broker__end "$pid" 20; fi
  if broker__load_ports && pid="$(broker__live_pid epmd.pid "-port $BROKER_EPMD_PORT")"; then broker__end "$pid" 5; fi
  rm -f "$dir/broker.pid" "$dir/epmd.pid"
}

broker_stop() {
  local dir
  dir="$(broker_dir)"
  [[ -d "$dir" ]] || return 0
  (
    flock --timeout 300 8 || broker__fail "a start of $dir does not come to an end" || exit 1
    broker__stop_processes
  ) 8>"$dir/lock"
}

broker_restart() {
  broker_stop && broker_start "$@"
}

# --- using it ---------------------------------------------------------------------------------------------------------

broker_ctl() {
  local ctl
  ctl="$(broker_dir)/rabbitmqctl"
  [[ -x "$ctl" ]] || broker__fail "the broker was never started here" || return 1
  "$ctl" "$@"
}

broker_export_test_environment() {
  local dir
  dir="$(broker_dir)"
  OSTLER_TEST_AMQP_URI="$(broker_uri)" || return 1
  OSTLER_TEST_BROKER_PID="$(broker_pid)" || broker__fail "the broker is not running" || return 1
  OSTLER_TEST_RABBITMQCTL="$dir/rabbitmqctl"
  export OSTLER_TEST_AMQP_URI OSTLER_TEST_BROKER_PID OSTLER_TEST_RABBITMQCTL
  broker__load_ports || return 1
  if [[ -n "$BROKER_TLS_PORT" ]]; then
    OSTLER_TEST_AMQPS_URI="$(broker_tls_uri)"
    OSTLER_TEST_CA="$dir/tls/ca.pem"
    export OSTLER_TEST_AMQPS_URI OSTLER_TEST_CA
  fi
}
