#!/bin/bash
# objects.sh: compiling is quick, small and deterministic: two compilations of one model, into
# different folders, give the same bytes in all four files, for .o, .a and .so; the header is C11.
. "$(dirname "$0")/common.sh"
RUNTIME_INCLUDE=$(dirname "$0")/../../runtime/include

for folder in $(quantized "$@"); do
  name=$(basename "$folder")
  mkdir -p "$WORK/first" "$WORK/second"
  for run in first second; do
    # shellcheck disable=SC2046
    check "$name in 5 s and 1 GiB" "$CHECK" limits 5 1024 fhe-compile "$folder/model.onnx" \
      $(flags_of "$folder") --quiet --overflow=calibrated --calibration "$folder/inputs.npy" \
      --round-accumulators=6 -o "$WORK/$run/$name.o"
  done
  for extension in o h json report.json; do
    check "$name.$extension is the same twice" \
      cmp "$WORK/first/$name.$extension" "$WORK/second/$name.$extension"
  done
  printf '#include "%s.h"\nint main(void) { return %s_model.size == 0; }\n' "$name" "$name" >"$WORK/use.c"
  check "$name.h is C11" clang-22 -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
    -I "$RUNTIME_INCLUDE" -I "$WORK/first" "$WORK/use.c"
done
model=$1/model.onnx
for extension in a so; do
  for run in first second; do
    check "$extension" fhe-compile "$model" --quiet --clear-only -o "$WORK/$run/m.$extension"
  done
  check "m.$extension is the same twice" cmp "$WORK/first/m.$extension" "$WORK/second/m.$extension"
done
finish
