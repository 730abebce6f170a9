#!/bin/bash
# calibrated.sh: a network calibrated on one sample and run on all. Values that leave their tables do what
# TFHE does, and do the same in the interpreter and in the compiled object: outputs are equal to the
# last bit, and both count such values.
# Called as SCRIPT BIN WORK MODEL.
. "$(dirname "$0")/common.sh"
FOLDER=$1
HEADER=128

# The first sample of inputs.npy as a file of its own: the header keeps its length.
total=$(head -c $HEADER "$FOLDER/inputs.npy" | LC_ALL=C sed -n "s/.*'shape': (\([0-9]*\),.*/\1/p" | head -n 1)
bytes=$((($(wc -c <"$FOLDER/inputs.npy") - HEADER) / total))
{
  head -c $HEADER "$FOLDER/inputs.npy" |
    LC_ALL=C sed "s/(${total},\(.*\)}\( *\)$/(1,\1}\2$(printf '%*s' $((${#total} - 1)) '')/"
  tail -c +$((HEADER + 1)) "$FOLDER/inputs.npy" | head -c $bytes
} >"$WORK/one.npy"

cd "$WORK" || exit 1
flags=(--overflow=calibrated --calibration one.npy)
check "compile" fhe-compile "$FOLDER/model.onnx" "${flags[@]}" --quiet -o model.so || finish
check "object" fhe-run model.so --inputs "$FOLDER/inputs.npy" --outputs object.npy --json && cp out object.json
check "interpreter" fhe-run "$FOLDER/model.onnx" "${flags[@]}" --inputs "$FOLDER/inputs.npy" \
  --outputs interpreter.npy --json && cp out interpreter.json
check "equal" "$CHECK" npy object.npy interpreter.npy 0
# One sample cannot have shown all values there are: some must be counted, in both.
outside() { sed -n 's/^ *"outside": \([0-9]*\),*$/\1/p' "$1" | awk '{ n += $1 } END { print n + 0 }'; }
check "counted" test "$(outside object.json)" -gt 0
check "counted alike" test "$(outside object.json)" = "$(outside interpreter.json)"
finish
