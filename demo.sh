#!/bin/bash
# demo.sh: from a fresh Debian 12 to a neural network evaluated on encrypted images.
#
# Installs the packages, builds the release preset, compiles a network that Brevitas exported,
# encrypts three images, evaluates them in a process that has no secret key, decrypts, and
# compares with the clear result. Needs root or sudo for the packages, nothing outside this
# folder, and asks nothing. The noise goes to build/demo.log.
set -u -o pipefail
cd "$(dirname "$0")" || exit 1
mkdir -p build
LOG=$PWD/build/demo.log
: >"$LOG"
. cmake/setup.sh

BIN=build/release/bin
MODEL=test/models/digits_mlp_w3a3
OUT=build/demo
SAMPLES=3
ROWS=8
COLUMNS=8

# The NumPy header of $1 is $2 bytes long in all the files of test/models.
HEADER=128

# take FILE N OUT: the first N samples of a NumPy file.
take() {
  local total bytes
  total=$(head -c $HEADER "$1" | LC_ALL=C sed -n "s/.*'shape': (\([0-9]*\),.*/\1/p" | head -n 1)
  bytes=$((($(wc -c <"$1") - HEADER) / total * $2))
  # The header keeps its length: the shorter number is followed by more blanks.
  head -c $HEADER "$1" | LC_ALL=C sed "s/(${total},\(.*\)}\( *\)$/($2,\1}\2$(printf '%*s' $((${#total} - ${#2})) '')/" >"$3"
  tail -c +$((HEADER + 1)) "$1" | head -c $bytes >>"$3"
}

# picture FILE INDEX: one image, values 0..1, as text.
picture() {
  od -An -v -t f4 -w$((COLUMNS * 4)) -j $((HEADER + $2 * ROWS * COLUMNS * 4)) \
     -N $((ROWS * COLUMNS * 4)) "$1" |
    awk '{ line = ""; for (i = 1; i <= NF; i++) { c = substr(" .:-=+*#%@", int($i * 9 + 0.5) + 1, 1);
           line = line c c } print line }'
}

# argmax FILE CLASSES: the index of the largest of each row of float32 values.
argmax() {
  od -An -v -t f4 -w$(($2 * 4)) -j $HEADER "$1" |
    awk '{ best = 1; for (i = 2; i <= NF; i++) if ($i > $best) best = i; print best - 1 }'
}

bytes() { wc -c <"$1" | awk '{ if ($1 < 1e4) print $1 " bytes"; else if ($1 < 1e7) printf "%.1f kB\n", $1 / 1e3;
                               else printf "%.1f MB\n", $1 / 1e6 }'; }

# show COMMAND...: prints a command and runs it in sight.
show() {
  say "  \$ $*"
  printf '\n$ %s\n' "$*" >>"$LOG"
  "$@" || die "That command failed (exit $?). The whole log is $LOG."
}

install_packages core
configure_release
step "Building (a few minutes the first time)" cmake --build --preset release \
  --target fhe-compile fhe-run fhe-keygen fhe-encrypt fhe-evaluate fhe-decrypt
PATH=$PWD/$BIN:$PATH
rm -rf $OUT && mkdir -p $OUT/client

say ""
say "1. Compile: a digit classifier trained with Brevitas (3-bit weights and activations)"
show fhe-compile $MODEL/model.onnx -o $OUT/digits.so --overflow=calibrated \
  --calibration $MODEL/inputs.npy --round-accumulators=6

say ""
say "2. The client makes its keys and encrypts three images of the test set"
take $MODEL/inputs.npy $SAMPLES $OUT/images.npy
for ((i = 0; i < SAMPLES; i++)); do picture $OUT/images.npy $i >$OUT/picture.$i; done
paste -d '|' $OUT/picture.* | sed 's/|/     |     /g; s/^/     /'
rm -f $OUT/picture.*
show fhe-keygen $OUT/digits.json -o $OUT/client/client.key --evaluation-key $OUT/eval.key
show fhe-encrypt $OUT/digits.json --key $OUT/client/client.key --inputs $OUT/images.npy -o $OUT/images.ct
say "     $(bytes $OUT/images.npy) of images are now $(bytes $OUT/images.ct) of ciphertexts;" \
    "evaluation key: $(bytes $OUT/eval.key)"

say ""
say "3. The server gets the compiled network, the evaluation key and the ciphertexts, no secret key"
mkdir -p $OUT/server
cp $OUT/digits.so $OUT/eval.key $OUT/images.ct $OUT/server
(cd $OUT/server && show fhe-evaluate digits.so --evaluation-key eval.key images.ct -o scores.ct) || exit 1

say ""
say "4. The client decrypts"
show fhe-decrypt $OUT/digits.json --key $OUT/client/client.key $OUT/server/scores.ct -o $OUT/scores.npy
fhe-run $OUT/digits.so --inputs $OUT/images.npy --mode=clear --outputs $OUT/clear.npy >>"$LOG" 2>&1 ||
  die "Running the same object in the clear failed."
od -An -v -t d8 -w8 -j $HEADER -N $((SAMPLES * 8)) $MODEL/labels.npy >$OUT/true
argmax $OUT/scores.npy 10 >$OUT/predicted
argmax $OUT/clear.npy 10 >$OUT/predicted.clear
say "     image   predicted   true   predicted in clear"
paste $OUT/predicted $OUT/true $OUT/predicted.clear |
  awk '{ printf "     %5d   %9d   %4d   %18d   %s\n", NR, $1, $2, $3, ($1 == $3 ? "equal" : "DIFFERENT"); bad += $1 != $3 }
       END { exit bad > 0 }'
EQUAL=$?
if cmp -s <(tail -c +$((HEADER + 1)) $OUT/scores.npy) <(tail -c +$((HEADER + 1)) $OUT/clear.npy); then
  say "     All $((SAMPLES * 10)) decrypted scores equal the clear ones, bit for bit."
else
  say "     Some scores differ from the clear ones, as the approximate tables of --round-accumulators=6 allow."
fi

say ""
say "5. What cannot be computed is refused, with the node and the reason:"
say "  \$ fhe-compile test/models/invalid/qat_missing_input_quant/model.onnx -o $OUT/refused.so"
if fhe-compile test/models/invalid/qat_missing_input_quant/model.onnx -o $OUT/refused.so; then
  die "This model should have been refused."
fi

say ""
say "Try it on a file of your own ($BIN is where the commands are):"
say "  $BIN/fhe-compile your.onnx --check"
say "  $BIN/fhe-compile your.onnx -o your.so --overflow=calibrated --calibration x.npy --round-accumulators=6"
say "  $BIN/fhe-run your.so --inputs x.npy --mode=encrypted --samples 1"
[ $EQUAL = 0 ] || die "An encrypted prediction differs from the clear one."
