#!/bin/bash
# clear.sh: every export of every quantized model, run in the clear by the interpreter (.onnx) and as
# an object compiled with --clear-only, gives outputs.npy on all samples.
. "$(dirname "$0")/common.sh"

for folder in $(quantized "$@"); do
  name=$(basename "$folder")
  for model in "$folder"/model*.onnx; do
    export=$name-$(basename "$model" .onnx)
    # shellcheck disable=SC2046
    check "$export interpreted" fhe-run "$model" $(flags_of "$folder") --quiet \
      --inputs "$folder/inputs.npy" --outputs "$WORK/$export.npy" &&
      check "$export interpreted" "$CHECK" npy "$WORK/$export.npy" "$folder/outputs.npy" 1e-4
    # shellcheck disable=SC2046
    check "$export compiled" fhe-compile "$model" $(flags_of "$folder") --quiet --clear-only \
      -o "$WORK/$export.so" &&
      check "$export object" fhe-run "$WORK/$export.so" --quiet --inputs "$folder/inputs.npy" \
        --outputs "$WORK/$export.so.npy" &&
      check "$export object" "$CHECK" npy "$WORK/$export.so.npy" "$folder/outputs.npy" 1e-4
  done
done
finish
