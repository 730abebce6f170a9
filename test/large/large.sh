#!/bin/bash
# large.sh BIN WORK [MB]: import and checks of networks of MB (100) megabytes, and of graphs that are large in
# another way (what the programs themselves take counts where files are small). Seconds are printed; memory above four times the file, or above 400 MB for the small files,
# fails, and so does a run without an end.
set -u
BIN=$1 WORK=$2 MB=${3:-100}
mkdir -p "$WORK"
FAILED=0

# measured FILE BYTES EXPECTED [flags]: one run of fhe-compile; exit status EXPECTED, at most BYTES resident.
measured() {
  local file=$1 limit=$2 expected=$3 status peak seconds result=ok
  shift 3
  read -r status peak seconds < <(cd "$WORK" && "$BIN/measure" 100 "$BIN/fhe-compile" "$file" "$@" 2>message)
  [ "$status" = "$expected" ] || result="FAILED: exit status $status, expected $expected"
  [ "$peak" -le "$limit" ] || result="FAILED: more memory than $((limit / 1000000)) MB"
  [ "$result" = ok ] || FAILED=1
  awk -v n="$file" -v b="$(cat "$WORK/$file"* | wc -c)" -v p="$peak" -v s="$seconds" -v r="$result" 'BEGIN {
    printf "%-16s %7.1f MB of file %7.1f MB peak %7.2f s  %s\n", n, b / 1e6, p / 1e6, s, r }'
}

weights() { # KIND FACTOR EXPECTED [flags]: at most FACTOR times the file
  local kind=$1 factor=$2 expected=$3 bytes
  shift 3
  "$BIN/make-model" "$kind" "$MB" "$WORK/$kind.onnx" || exit 1
  bytes=$(cat "$WORK/$kind.onnx"* | wc -c)
  measured "$kind.onnx" $((factor * bytes + (MB < 50 ? 120000000 : 0))) "$expected" "$@"
  rm -f "$WORK/$kind.onnx"*
}

graph() { # KIND SIZE EXPECTED
  "$BIN/make-model" "$1" "$2" "$WORK/$1.onnx" || exit 1
  measured "$1.onnx" 400000000 "$3" --check
  rm -f "$WORK/$1.onnx"
}

weights mlp 4 0 --check
weights cnn 4 0 --check
weights qcdq 4 0 --check
weights external 4 1 --check
graph chain 20000 0
graph branches 2000 0
graph quantizers 2000 0
graph wide 20000 1
graph inputs 20000 1
graph attributes 100000 1
graph names 100000 1
graph dead 200000 0
graph splits 4000 0
graph nested 30 1
graph nested 1000 1
exit $FAILED
