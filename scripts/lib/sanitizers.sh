# shellcheck shell=bash
#
# Builds with instruments, for scripts/fuzz and scripts/sanitize. Sourced after broker.sh and common.sh.
#
#   sanitizer_build thread|address    the part of the package that Package.swift keeps for it, in .build-thread or -address
#   sanitizer_folder thread|address   where its programs are
#   sanitizer_symbolizer              the part of …SAN_OPTIONS that makes addresses names

# The arguments that every 'swift' command of such a build must have, or it would build again. lld, because gold fails on
# the list of symbols that the sanitizers export.
sanitizer_arguments() {
  printf '%s\n' --scratch-path ".build-$1" --sanitize "$1" -Xswiftc -use-ld=lld
}

sanitizer_build() {
  local -a arguments
  mapfile -t arguments < <(sanitizer_arguments "$1")
  say "Building with the $1 sanitizer, in .build-$1"
  # Several times as much work and memory as a usual build: not at the cost of everything else on the machine.
  OSTLER_SANITIZER="$1" nice swift build "${arguments[@]}" --build-tests >&2 || fail "the build failed"
}

sanitizer_folder() { printf '%s/.build-%s/debug\n' "$PWD" "$1"; }

sanitizer_symbolizer() {
  local symbolizer
  symbolizer="$(dirname "$(readlink -f "$(command -v swift)")")/llvm-symbolizer"
  if [[ -x "$symbolizer" ]]; then printf 'external_symbolizer_path=%s' "$symbolizer"; fi
}
