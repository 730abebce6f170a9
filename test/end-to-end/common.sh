# common.sh: what the end-to-end scripts share; sourced, not run.
#
# The scripts are called as SCRIPT BIN WORK MODELS...: the folder of the commands, a scratch folder,
# and folders of models (each holds model*.onnx, inputs.npy, outputs.npy, meta.json).
set -u -o pipefail
BIN=$1 WORK=$2
shift 2
PATH=$BIN:$PATH
CHECK=$BIN/end-to-end-check
rm -rf "$WORK"
mkdir -p "$WORK"
FAILED=0 DONE=0

fail() { echo "FAILED: $*" >&2; FAILED=$((FAILED + 1)); }
# check TEXT COMMAND...: the command must succeed; its output is shown only if it does not.
check() {
  local text=$1
  shift
  DONE=$((DONE + 1))
  "$@" >"$WORK/out" 2>&1 || { fail "$text: $*"; tail -n 15 "$WORK/out" >&2; return 1; }
}
finish() {
  echo "$DONE checks, $FAILED failed"
  # A test that found nothing to do has not passed.
  [ $FAILED = 0 ] && [ $DONE -gt 0 ]
  exit
}

# The flags a model needs to be compiled at all (its own README names them).
flags_of() {
  case $1 in
  *zoo_unsw_nb15_w2a2) echo --input-bits=1 --input-range=-1:1 ;;
  esac
}
# Folders of quantized models under $@, one a line.
quantized() {
  local folder
  for folder in "$@"; do
    # Float models have calibration data and no quantizers.
    [ -f "$folder/model.onnx" ] && [ ! -f "$folder/calibration.npy" ] && echo "$folder"
  done
}
