#!/bin/bash
# operators.sh: networks of many operators, encrypted with real keys, give exactly the integers of the
# clear run; those are the interpreter's, and where no scale is rounded to another (the line "as in
# float" of a network) what ONNX says in f32. Outputs that must be the same are in the line "equal".
# Called as SCRIPT BIN WORK SAMPLES INPUTS.npy MODEL.textproto...
. "$(dirname "$0")/common.sh"
SAMPLES=$1 INPUTS=$2
shift 2

cd "$WORK" || exit 1
line() { sed -n "s/^# $2: *//p" "$1"; }
for text in "$@"; do
  name=$(basename "$text" .textproto)
  check "$name: encode" bash -c "protoc -I /usr/include --encode=onnx.ModelProto onnx/onnx.proto \
    < '$text' > $name.onnx" || continue
  read -ra flags <<<"$(line "$text" flags)"
  read -ra outputs <<<"$(line "$text" outputs)"
  write() { # the files of all outputs of one run
    local kind=$1 output
    for output in "${outputs[@]}"; do echo "--outputs=$output=$name.$output.$kind.npy"; done
  }
  check "$name: compile" fhe-compile "$name.onnx" "${flags[@]}" --quiet -o "$name.so" || continue
  check "$name: clear" fhe-run "$name.so" --inputs "$INPUTS" $(write clear) --quiet
  # fhe-run writes --outputs to files; the form of results has a name of its own there.
  check "$name: interpreter" fhe-run "$name.onnx" "${flags[@]/#--outputs=/--output-form=}" --inputs "$INPUTS" $(write exact) --quiet
  check "$name: float" fhe-run "$name.onnx" --mode=float --inputs "$INPUTS" $(write float) --quiet
  for output in "${outputs[@]}"; do
    check "$name: $output equals the interpreter's" "$CHECK" npy "$name.$output.clear.npy" \
      "$name.$output.exact.npy" 0
  done
  for output in $(line "$text" "as in float"); do
    check "$name: $output equals the float network's" "$CHECK" npy "$name.$output.clear.npy" \
      "$name.$output.float.npy" 1e-4
  done
  for pair in $(line "$text" equal); do
    check "$name: $pair" "$CHECK" npy "$name.${pair%=*}.clear.npy" "$name.${pair#*=}.clear.npy" 0
  done
  check "$name: encrypted" fhe-run "$name.so" --mode=encrypted --inputs "$INPUTS" \
    --samples "$SAMPLES" --json && {
    cp out "$name.json"
    check "$name: encrypted equals clear" "$CHECK" json "$name.json" \
      /agreement_with_clear/integers_differing 0
    check "$name: all samples" "$CHECK" json "$name.json" /samples "$SAMPLES"
  }
done
finish
