#!/bin/bash
# test.sh: installs the packages, builds everything, runs all tests. Quiet while all is well.
#
# Needs root or sudo for the packages. FHE_SHARED_MODELS=DIR adds the tests on further models.
# The noise goes to build/test.log; ctest's summary comes last.
set -u -o pipefail
cd "$(dirname "$0")" || exit 1
mkdir -p build
LOG=$PWD/build/test.log
: >"$LOG"
. cmake/setup.sh

SHARED=${FHE_SHARED_MODELS:-}
[ -z "$SHARED" ] || SHARED=$(cd "$SHARED" && pwd) || exit 1

install_packages core extras
configure_release "-DFHE_SHARED_MODELS=$SHARED"
step "Building" cmake --build --preset release
# Readers of files: a short time of fuzzing, with sanitizers.
step "Building the fuzz targets" sh -c "cmake --preset fuzz && cmake --build --preset fuzz"
FUZZED=0
test/fuzz/run.sh 25 || FUZZED=1
if [ -z "$SHARED" ]; then
  say "Skipped: the tests on the models zoo_tfc_2w2a and zoo_unsw_nb15_w2a2, which are not part of"
  say "this repository (FHE_SHARED_MODELS=DIR $0 runs them)."
fi
say "Not run here: test/long.sh (encrypted runs that take longer than a few minutes)."

printf '%s\n' "Testing ..."
ctest --preset release --output-on-failure >build/ctest.log 2>&1
RESULT=$?
if [ $RESULT != 0 ]; then
  grep -v '^ *[0-9]*/[0-9]* Test.*Passed\|^      Start ' build/ctest.log
else
  sed -n '/tests passed/,$p' build/ctest.log
fi
[ $FUZZED = 0 ] || exit 1
exit $RESULT
