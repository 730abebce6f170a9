#!/bin/bash
# extended.sh: a network compiled with --key-assumptions=extended, as one parameter set and as two with
# a conversion between them. Its small keys are nested in partial GLWE keys; encrypted runs give the
# integers of the interpreter, in one process and with client and server apart (encrypted.sh: with keys,
# ciphertexts and memory as estimated). Nobody draws such keys without being asked for them.
# Called as SCRIPT BIN WORK SAMPLES MODEL.textproto INPUTS.npy.
. "$(dirname "$0")/common.sh"
SAMPLES=$1 TEXT=$2 INPUTS=$3
HERE=$(cd "$(dirname "$0")" && pwd)
# A failure probability at which several sets are cheaper with nested keys than with standard ones.
EXTENDED="--key-assumptions=extended --p-error=2^-50"

cd "$WORK" || exit 1
mkdir -p model
check "encode" bash -c "protoc -I /usr/include --encode=onnx.ModelProto onnx/onnx.proto \
  < '$TEXT' > model/model.onnx" || finish
cp "$INPUTS" model/inputs.npy
check "take" "$CHECK" take model/inputs.npy "$SAMPLES" x.npy
check "interpret" fhe-run model/model.onnx --inputs x.npy --outputs interpreted.npy --quiet
check "compile" fhe-compile model/model.onnx $EXTENDED --quiet -o several.so || finish
check "compile for one set" fhe-compile model/model.onnx $EXTENDED --max-parameter-sets=1 --quiet \
  -o one.so || finish
for name in several one; do
  check "$name says so" "$CHECK" json $name.json /parameter_sets/0/key_assumptions '"extended"'
  check "$name has a nested key" "$CHECK" json $name.json /parameter_sets/0/keys/0/nested_in '"g0"'
done
# The sets may share a GLWE key.
second_nested() {
  "$CHECK" json several.json /parameter_sets/0/keys/2/nested_in '"g0"' ||
    "$CHECK" json several.json /parameter_sets/0/keys/2/nested_in '"g1"'
}
check "the second set too" second_nested

for name in several one; do
  check "$name encrypted" fhe-run "$name.so" --mode=encrypted --inputs x.npy \
    --outputs "$name.npy" --quiet
  check "$name equals the interpreter" "$CHECK" npy "$name.npy" interpreted.npy 0
  check "$name simulated" fhe-run "$name.so" --mode=simulate --inputs x.npy \
    --outputs "$name.simulated.npy" --quiet
  check "$name simulated equals the interpreter" "$CHECK" npy "$name.simulated.npy" \
    interpreted.npy 0
done

# The standard key of the same network has more rows in each keyswitch.
check "standard" fhe-compile model/model.onnx --max-parameter-sets=1 --quiet -o standard.so || finish
check "no nested key is standard" bash -c '! grep -q nested standard.json'
refused() {
  fhe-keygen one.json -o no.key --evaluation-key no.eval 2>no.log
  [ $? = 1 ] && [ ! -e no.key ] && grep "nested keys rest on an assumption beyond standard LWE" no.log
}
check "keygen must be asked, and says why" refused
check "client and server apart" "$HERE/encrypted.sh" "$BIN" "$WORK/apart" "$SAMPLES" \
  "$WORK/model" $EXTENDED
finish
