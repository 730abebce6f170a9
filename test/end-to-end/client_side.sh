#!/bin/bash
# client_side.sh: normalization, embedding, Softmax, Hardmax, ArgMax, TopK and a last activation are the client's.
# The interpreter, the object in the clear, simulated and encrypted, and client and server apart give
# what the float interpreter gives.
# Called as SCRIPT BIN WORK MODEL.textproto.
. "$(dirname "$0")/common.sh"
TEXT=$1
OUTPUTS="probabilities class best_scores best_classes signal winner"

cd "$WORK" || exit 1
check "encode" bash -c "protoc -I /usr/include --encode=onnx.ModelProto onnx/onnx.proto \
  < '$TEXT' > model.onnx" || finish
check "x" "$CHECK" write x.npy 3 0.1 0.7 0.55 0.9 0.3 0 1 0.45 0.8 0.6 0.2 0.35
check "ids" "$CHECK" write ids.npy 3 0 4 2 -2 1 3
check "wrong ids" "$CHECK" write wrong.npy 3 0 5 2 1 1 3
INPUTS="--inputs x=x.npy --inputs ids=ids.npy"
run() { # run NAME COMMAND...: all outputs as NAME.OUTPUT.npy
  local name=$1 output arguments=()
  shift
  for output in $OUTPUTS; do arguments+=(--outputs "$output=$name.$output.npy"); done
  check "$name" "$@" $INPUTS "${arguments[@]}" --quiet
}
run float fhe-run model.onnx --mode=float
run interpreted fhe-run model.onnx
check "compile" fhe-compile model.onnx --quiet -o model.so || finish
run clear fhe-run model.so
run simulated fhe-run model.so --mode=simulate
run encrypted fhe-run model.so --mode=encrypted
for output in $OUTPUTS; do
  check "$output, float" "$CHECK" npy "interpreted.$output.npy" "float.$output.npy" 1e-5
  for name in clear simulated encrypted; do
    check "$output, $name" "$CHECK" npy "$name.$output.npy" "interpreted.$output.npy" 1e-6
  done
done
check "one-hot" "$CHECK" json model.json /inputs/1/pre/0/op '"one_hot"'
check "argmax" "$CHECK" json model.json /outputs/1/post/0/keepdims false
check "hardmax" "$CHECK" json model.json /outputs/5/post/0/op '"hardmax"'
check "the header knows both sizes" grep -q "MODEL_OUTPUT_2_FLOAT_ELEMENTS 2" model.h
check "and that of the ciphertexts" grep -q "MODEL_OUTPUT_2_ELEMENTS 3" model.h

check "keys" fhe-keygen model.json -o client.key --evaluation-key eval.key
check "encrypt" fhe-encrypt model.json --key client.key $INPUTS -o x.ct
check "evaluate" fhe-evaluate model.so --evaluation-key eval.key x.ct -o y.ct
check "decrypt" fhe-decrypt model.json --key client.key y.ct -o best_classes=apart.npy
check "apart" "$CHECK" npy apart.npy interpreted.best_classes.npy 0
refused() { ! fhe-encrypt model.json --key client.key --inputs x=x.npy --inputs ids=wrong.npy -o z.ct 2>text; }
check "a class number too large is refused" refused
check "and named" grep -q "sample 0, element 1 is no class number from -5 to 4" text
finish
