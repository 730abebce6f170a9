#!/bin/bash
# run.sh [SECONDS [WORKERS]]: fuzzes the readers of files (docs/fuzzing.md). Default: 25 seconds, one process
# for each target. With WORKERS the importer runs on so many processes, from all seeds and the corpus
# of earlier runs. Needs the preset fuzz (cmake --preset fuzz && cmake --build --preset fuzz).
# Prints executions and coverage; a finding is left in build/fuzz/found and makes the exit status 1.
set -u
cd "$(dirname "$0")/../.." || exit 1
BIN=$PWD/build/fuzz/bin
TIME=${1:-25} WORKERS=${2:-}
WORK=$PWD/build/fuzz/work
mkdir -p build/fuzz/found "$WORK/fuzz-import" "$WORK/fuzz-files"
rm -rf "$WORK/seeds"
test/fuzz/seeds.sh "$WORK/seeds" ${WORKERS:+all} || exit 1
FAILED=0

# target NAME MAX_LEN DICTIONARY [flags]
target() {
  local name=$1 length=$2 dictionary=$3
  shift 3
  # A run on a busy machine is slow, not endless: the time of one file is generous.
  if ! "$BIN/$name" -max_len="$length" -dict="test/fuzz/$dictionary" -timeout=120 -rss_limit_mb=4096 \
    -max_total_time="$TIME" -artifact_prefix=build/fuzz/found/ "$@" "$WORK/$name" "$WORK/seeds/$name" \
    >"$WORK/$name.log" 2>&1; then
    grep -E 'ERROR|SUMMARY|runtime error|^fuzz_|Test unit written' "$WORK/$name.log" >&2
    echo "$name: FINDING (the whole log is $WORK/$name.log)"
    return 1
  fi
  awk -v n="$name" '/^#[0-9]+.* cov: / { gsub(/[#:]/, "", $1); runs = $1
      for (i = 2; i < NF; ++i) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1) } }
    END { printf "%s: %d executions, %d edges, %d features, no finding\n", n, runs, cov, ft }' \
    "$WORK/$name.log"
}

target fuzz-files 16384 files.dict &
OTHER=$!
target fuzz-import 65536 onnx.dict ${WORKERS:+-fork="$WORKERS"} || FAILED=1
wait $OTHER || FAILED=1
exit $FAILED
