#!/bin/bash
# network.sh: a network compiled for a large failure probability, so that failures can be counted, run
# encrypted against the noise model. The same with a model of half as much noise must fail.
# Called as SCRIPT BIN WORK FOLDER OPTIONS... -- FLAGS...: options of executor-noise, flags of fhe-compile.
. "$(dirname "$0")/../end-to-end/common.sh"
FOLDER=$1
shift
OPTIONS=()
while [ "$1" != -- ]; do
  OPTIONS+=("$1")
  shift
done
shift

cd "$WORK" || exit 1
check "compile" fhe-compile "$FOLDER/model.onnx" "$@" --quiet -o model.so || finish
check "as predicted" executor-noise model.so model.json "$FOLDER/inputs.npy" "${OPTIONS[@]}" && cat out
halved() {
  ! executor-noise model.so model.json "$FOLDER/inputs.npy" "${OPTIONS[@]}" --tables=256 --keys=1 \
    --suppose-percent=50
}
check "half as much is refuted" halved
finish
