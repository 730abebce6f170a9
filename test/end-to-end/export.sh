#!/bin/bash
# export.sh: what --emit=qonnx and --emit=qcdq write of every network, the float ones quantized on 4 bits, is read
# back and gives the same numbers to the last bit; onnxruntime agrees with the QCDQ files on the samples. The npm
# package onnxruntime-node is looked for in NODE_PATH (build/node/node_modules by default:
# npm install --prefix build/node --ignore-scripts onnxruntime-node); without it that part is skipped.
. "$(dirname "$0")/common.sh"
export NODE_PATH=${NODE_PATH:-$BIN/../../node/node_modules}
COMPARE=$(cd "$(dirname "$0")" && pwd)/onnxruntime.js
RUNTIME=
if command -v node >/dev/null && node -e "require('onnxruntime-node')" 2>/dev/null; then RUNTIME=1; fi

for folder in "$@"; do
  [ -f "$folder/model.onnx" ] || continue
  name=$(basename "$folder")
  flags=$(flags_of "$folder")
  [ ! -f "$folder/calibration.npy" ] ||
    flags="--calibration $folder/calibration.npy --weight-bits 4 --activation-bits 4"
  run() { fhe-run "$1" --quiet --inputs "$folder/inputs.npy" --outputs "$2" "${@:3}"; }
  # shellcheck disable=SC2086
  check "$name in the clear" run "$folder/model.onnx" "$WORK/$name.npy" $flags || continue
  # shellcheck disable=SC2086
  check "$name to QONNX" fhe-compile "$folder/model.onnx" $flags --emit=qonnx -o "$WORK/$name.qonnx.onnx" &&
    check "$name from QONNX" run "$WORK/$name.qonnx.onnx" "$WORK/$name.qonnx.npy" &&
    check "$name from QONNX" cmp "$WORK/$name.npy" "$WORK/$name.qonnx.npy" || continue
  case $name in *_trunc_*) continue ;; esac # QCDQ has no Trunc
  check "$name to QCDQ" fhe-compile "$WORK/$name.qonnx.onnx" --emit=qcdq -o "$WORK/$name.qcdq.onnx" &&
    check "$name from QCDQ" run "$WORK/$name.qcdq.onnx" "$WORK/$name.qcdq.npy" &&
    check "$name from QCDQ" cmp "$WORK/$name.npy" "$WORK/$name.qcdq.npy" || continue
  [ -n "$RUNTIME" ] || continue
  check "$name in onnxruntime" node "$COMPARE" "$WORK/$name.qcdq.onnx" "$folder/inputs.npy" "$WORK/$name.npy" &&
    echo "$name: $(cat "$WORK/out")"
done
[ -n "$RUNTIME" ] || echo "onnxruntime-node is not installed: not compared with onnxruntime"
finish
