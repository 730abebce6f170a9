#!/bin/bash
# two_sets.sh: a network for which two parameter sets and a conversion between them are cheaper than
# one. Encrypted runs give the integers of the interpreter, in one process and with client and server
# apart (encrypted.sh), and so they do with --max-parameter-sets=1.
# Called as SCRIPT BIN WORK SAMPLES MODEL.textproto INPUTS.npy.
. "$(dirname "$0")/common.sh"
SAMPLES=$1 TEXT=$2 INPUTS=$3
HERE=$(cd "$(dirname "$0")" && pwd)

cd "$WORK" || exit 1
mkdir -p model
check "encode" bash -c "protoc -I /usr/include --encode=onnx.ModelProto onnx/onnx.proto \
  < '$TEXT' > model/model.onnx" || finish
cp "$INPUTS" model/inputs.npy
check "take" "$CHECK" take model/inputs.npy "$SAMPLES" x.npy
check "interpret" fhe-run model/model.onnx --inputs x.npy --outputs interpreted.npy --quiet

check "compile" fhe-compile model/model.onnx --quiet -o several.so || finish
check "two sets" "$CHECK" json several.json /parameter_sets/0/keys/3/name '"g1"'
to_glwe() {
  "$CHECK" json several.json /parameter_sets/0/conversions/2/to '"g0"' ||
    "$CHECK" json several.json /parameter_sets/0/conversions/2/to '"g1"'
}
check "a conversion between GLWE keys" to_glwe
check "two bootstraps" "$CHECK" json several.json /parameter_sets/0/conversions/4/kind '"bootstrap"'
check "the last layer's tables have their set" "$CHECK" json several.report.json \
  /layers/1/parameter_set '"p::bs0"'
check "compile for one set" fhe-compile model/model.onnx --quiet --max-parameter-sets=1 \
  -o one.so || finish
check "one set" "$CHECK" json one.json /parameter_sets/0/conversions/1/kind '"bootstrap"'

for name in several one; do
  check "$name encrypted" fhe-run "$name.so" --mode=encrypted --inputs x.npy \
    --outputs "$name.npy" --quiet
  check "$name equals the interpreter" "$CHECK" npy "$name.npy" interpreted.npy 0
  check "$name simulated" fhe-run "$name.so" --mode=simulate --inputs x.npy \
    --outputs "$name.simulated.npy" --quiet
  check "$name simulated equals the interpreter" "$CHECK" npy "$name.simulated.npy" \
    interpreted.npy 0
done
check "client and server apart" "$HERE/encrypted.sh" "$BIN" "$WORK/apart" "$SAMPLES" "$WORK/model"
finish
