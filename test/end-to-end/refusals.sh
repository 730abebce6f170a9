#!/bin/bash
# refusals.sh: every model under invalid/ is refused with exit status 1 and a message that names what
# is wrong; nothing is written. Called as SCRIPT BIN WORK INVALID.
. "$(dirname "$0")/common.sh"
INVALID=$1
shift

# What the message must contain: one extended regular expression a line.
names() {
  case $1 in
  accumulator_too_wide_w8a8) printf '%s\n' "node '/a/Gemm' \(Gemm\)" '24 bits' 'limit is 16' ;;
  dynamic_non_batch_shape) printf '%s\n' "input 'input'" 'symbolic' "'height'" ;;
  empty_file) printf '%s\n' 'file is empty' ;;
  external_data_path_traversal) printf '%s\n' 'etc/passwd' 'folder|directory' ;;
  fp32_no_calibration) printf '%s\n' 'quantiz' 'calibration' ;;
  inf_weight) printf '%s\n' 'infinit|[Ii]nf' "'[^']*weight[^']*'" ;;
  matmul_of_two_activations) printf '%s\n' '\(MatMul\)' 'encrypted' ;;
  nan_weight) printf '%s\n' 'NaN' "'[^']*weight[^']*'" ;;
  qat_missing_input_quant) printf '%s\n' "'input'" 'quantiz' 'QuantIdentity|--input-bits' ;;
  qat_missing_quant_before_add) printf '%s\n' '\(Add\)' 'QuantIdentity' 'scale|quantiz' ;;
  raw_data_wrong_length) printf '%s\n' "'[^']*weight[^']*'" '100' '256' ;;
  text_file | truncated) printf '%s\n' 'not an ONNX model|cannot be parsed as an ONNX model' ;;
  unknown_domain_op) printf '%s\n' 'com.example' 'MagicQuant' ;;
  unsupported_einsum) printf '%s\n' '\(Einsum\)' ;;
  unsupported_gathernd) printf '%s\n' '\(GatherND\)' ;;
  unsupported_lstm) printf '%s\n' '\(LSTM\)' ;;
  *_fp32*) printf '%s\n' 'not quantized' 'calibration' 'Q009' ;;
  zero_scale) printf '%s\n' '\(Quant\)' 'scale' ;;
  *) return 1 ;;
  esac
}

for folder in "$INVALID"/*/ "$@"; do
  name=$(basename "$folder")
  mkdir -p "$WORK/$name"
  DONE=$((DONE + 1))
  (cd "$WORK/$name" && timeout 20 fhe-compile "$folder/model.onnx" -o out.so) \
    >"$WORK/stdout" 2>"$WORK/message"
  status=$?
  [ $status = 1 ] || fail "$name: exit status $status, not 1"
  [ ! -s "$WORK/stdout" ] || fail "$name: wrote to stdout"
  [ -z "$(ls -A "$WORK/$name")" ] || fail "$name: left files: $(ls -A "$WORK/$name")"
  grep -q "model.onnx: error: .*\[[A-Z][0-9]*\]$" "$WORK/message" ||
    fail "$name: no error line with an identifier"
  names "$name" >"$WORK/patterns" || fail "$name: this script does not know what to expect"
  while IFS= read -r pattern; do
    grep -Eq -- "$pattern" "$WORK/message" || fail "$name: the message lacks /$pattern/"
  done <"$WORK/patterns"
  [ $FAILED = 0 ] || cat "$WORK/message" >&2
done
finish
