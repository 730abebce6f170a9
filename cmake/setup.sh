# cmake/setup.sh: what demo.sh and test.sh share; sourced, not run. The caller sets LOG.
#
# step TEXT COMMAND...  runs a command, its output in $LOG, one line on the terminal; on failure
#                       shows the last 20 lines of the log and stops.
# install_packages S... installs what is missing of the sections S of cmake/packages.txt.
# configure_release     configures the release preset, once.

say() { printf '%s\n' "$*"; }

# die TEXT...: the last lines of the log, then what to do.
die() {
  {
    say ""
    say "Last lines of $LOG:"
    tail -n 20 "$LOG" | sed 's/^/  | /'
    say ""
    printf '%s\n' "$@"
  } >&2
  exit 1
}

step() {
  local text=$1 start=$SECONDS
  shift
  printf '%-58s' "$text ..."
  printf '\n== %s\n' "$text" >>"$LOG"
  if "$@" >>"$LOG" 2>&1; then
    printf ' done (%d s)\n' $((SECONDS - start))
  else
    printf ' FAILED\n'
    die "\"$text\" failed. The whole log is $LOG; when that is mended, run $0 again."
  fi
}

# The packages of one section of the list.
packages() { awk -v want="[$1]" '/^#/ || !NF {next} /^\[/ {on = ($0 == want); next} on' cmake/packages.txt; }

missing_packages() {
  local package section
  for package in $(for section; do packages "$section"; done); do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
      echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local missing
  command -v apt-get >/dev/null ||
    die "This script installs its tools with apt-get and found none: it is made for Debian 12." \
        "Elsewhere install the packages of cmake/packages.txt by hand and build with" \
        "  cmake --preset release && cmake --build --preset release"
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die "These packages are missing and only root can install them (there is no sudo):" \
        "  apt-get install $(echo $missing)"
  fi
  step "Reading the package lists" as_root apt-get update
  if ! LC_ALL=C apt-cache policy libmlir-22-dev 2>/dev/null | grep -q 'Candidate: [0-9]'; then
    die "No package libmlir-22-dev is on offer. On Debian 12 LLVM and MLIR 22 are in the security" \
        "archive; add this line to /etc/apt/sources.list and run $0 again:" \
        "  deb <your Debian mirror>/debian-security bookworm-security main"
  fi
  # shellcheck disable=SC2086
  step "Installing $(echo $missing | wc -w) packages" as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends $missing
}

configure_release() {
  step "Configuring" cmake --preset release -DFHE_BUILD_TESTS=ON "$@"
}
