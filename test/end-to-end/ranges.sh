#!/bin/bash
# ranges.sh: the accumulator intervals and bits of every quantized model are those of its meta.json,
# in every export; so is the observed interval where meta.json saw the same samples.
. "$(dirname "$0")/common.sh"

for folder in $(quantized "$@"); do
  name=$(basename "$folder")
  # These were observed over more samples than are stored.
  case $name in digits_* | fashion_cnn*) observed=inside ;; *) observed=same ;; esac
  for model in "$folder"/model*.onnx; do
    export=$name-$(basename "$model" .onnx)
    # shellcheck disable=SC2046
    check "$export" fhe-compile "$model" $(flags_of "$folder") --check --json \
      --calibration "$folder/inputs.npy" || continue
    cp "$WORK/out" "$WORK/$export.json"
    check "$export" "$CHECK" ranges "$WORK/$export.json" "$folder/meta.json" $observed
  done
done
finish
