#!/bin/bash
# long.sh: the encrypted runs that take too long for test.sh, and a table of what they gave.
#
# Uses the release build that test.sh or demo.sh made. FHE_SHARED_MODELS=DIR adds the models that are
# not part of this repository. Options: names of rows to run only those.
#
# exact    every decrypted integer must equal the clear one
# rounded  --round-accumulators=6: scores may differ by rounding steps. A second run is looked into with
#          the secret key (end-to-end-rounding): each table output that differs must be what
#          the table has within 6 standard deviations of the noise, and their number must be as predicted
#
# simulate   10,000 images in simulated runs: how long they take
# noise      table inputs under searched sets of 3 to 8 bits against the formulas; 120,000 of each of two
#            widths at failure probabilities of 1e-2 and 1e-3
# reality    encrypted runs of compiled networks that may fail with 1e-2 or 1e-3, looked into with the secret
#            key (executor-noise): variance at every table input and output, failures (110 expected at
#            least), rounded tables more than one step off. Rows of their own: reality_3bit ...
# sets       keyswitch and bootstrap under searched sets (--p-error 2^-40, norm 2^5), ms of one core
# exhaustive the parameter search against trying every set of the grid, on every model
# large      import and checks of networks of 100 MB: seconds, peak memory (at most four times the file)
# fuzz       an hour of fuzzing on two processes (docs/fuzzing.md); FUZZ_SECONDS=N for less
#
# Every row is estimated first (fhe-compile --estimate, rates of this machine) and the estimate printed beside
# what was measured: key and ciphertext bytes must be equal, peak memory within 10 %; times are printed only.
#
# Then bootstraps under full keys of the named parameter sets (rows m1c1 .. p8, or "bootstraps" for all of
# them): 10,000 of each, 200 of the largest; failures as predicted, noise as in the formulas, no second copy of
# a key. The quick ones again with so much noise that one in 64 is predicted to fail. BOOTSTRAPS=N runs N of
# each. The keys of m4c4 take 9 GB.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
BIN=$PWD/build/release/bin
CHECK=$BIN/end-to-end-check
WORK=$PWD/build/long
MODELS=$PWD/test/models
SHARED=${FHE_SHARED_MODELS:-}
PATH=$BIN:$PATH
mkdir -p "$WORK"
FAILED=0
ONLY=" $* "

# wanted NAME: whether a row is to run.
wanted() { [ "$ONLY" = "  " ] || [[ $ONLY = *" $1 "* ]]; }

# field FILE POINTER: a number of a JSON file written by fhe-run.
field() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),*$/\1/p" "$1" | head -n 1; }

# estimated RUN.json ESTIMATE.json: prediction and measurement in one line; fails where a size is wrong.
estimated() {
  local bytes=ok field wrong=0
  for field in evaluation_key_bytes input_ciphertext_bytes output_ciphertext_bytes; do
    [ -n "$(field "$1" $field)" ] && [ "$(field "$1" $field)" = "$(field "$2" $field)" ] ||
      { bytes=FAILED wrong=1; }
  done
  awk -v t="$(field "$1" seconds_per_inference)" -v T="$(field "$2" seconds_per_inference)" \
    -v m="$(field "$1" peak_memory_bytes)" -v M="$(field "$2" peak_memory_bytes)" -v bytes=$bytes 'BEGIN {
      good = m > 0 && M / m < 1.1 && M / m > 0.9
      printf "    estimated: key and ciphertext bytes %s, peak %.1f MB (x %.3f) %s, %.2f s (x %.2f)\n", bytes,
        M / 1e6, M / m, good ? "ok" : "FAILED", T, T / t
      exit !good }' || wrong=1
  return $wrong
}

# row NAME FOLDER SAMPLES exact|rounded [flags of fhe-compile]
row() {
  local name=$1 folder=$2 samples=$3 kind=$4
  shift 4
  wanted "$name" || return 0
  local out=$WORK/$name result=ok labels=()
  [ ! -f "$folder/labels.npy" ] || labels=(--labels "$folder/labels.npy")
  if ! fhe-compile "$folder/model.onnx" "$@" --quiet -o "$out.so" 2>"$out.log" ||
    ! fhe-compile "$folder/model.onnx" "$@" --estimate --json --samples "$samples" \
      >"$out.estimate.json" 2>>"$out.log" ||
    ! fhe-run "$out.so" --mode=encrypted --samples "$samples" --inputs "$folder/inputs.npy" \
      "${labels[@]}" --json >"$out.run.json" 2>>"$out.log"; then
    printf '%-24s %7d  FAILED: %s\n' "$name" "$samples" "$(tail -n 1 "$out.log")"
    FAILED=$((FAILED + 1))
    return
  fi
  if [ "$kind" = rounded ] &&
    ! end-to-end-rounding "$out.so" "$out.json" "$folder/inputs.npy" "$samples" \
      >"$out.inspection" 2>&1; then
    result=FAILED
    FAILED=$((FAILED + 1))
  fi
  local differing
  differing=$(field "$out.run.json" integers_differing)
  if [ "$kind" = exact ] && [ "$differing" != 0 ]; then
    result=FAILED
    FAILED=$((FAILED + 1))
  fi
  printf '%-24s %7d %-8s %9s %10s %12.2f %10.1f %9.1f %9.1f  %s\n' "$name" "$samples" "$kind" \
    "$differing" "$(field "$out.run.json" same)" "$(field "$out.run.json" seconds_per_inference)" \
    "$(field "$out.run.json" tables_per_second)" "$(field "$out.run.json" key_generation_seconds)" \
    "$(awk -v b="$(field "$out.run.json" peak_memory_bytes)" 'BEGIN { print b / 1e6 }')" "$result"
  estimated "$out.run.json" "$out.estimate.json" || FAILED=$((FAILED + 1))
  # What the inspection says: how many table outputs differ, and how often the class agrees.
  [ "$kind" = exact ] || tail -n 2 "$out.inspection" | sed "s/^/    /"
}

calibrated() { echo --overflow=calibrated --calibration "$1/inputs.npy"; }

printf '%-24s %7s %-8s %9s %10s %12s %10s %9s %9s\n' network samples kind differing \
  'same class' 's/inference' 'tables/s' 'keygen s' 'peak MB'
row tiny_mlp "$MODELS/tiny_mlp_w3a3_control" 120 exact
for p in 10 30; do
  folder=$MODELS/checkerboard_qat_3bit_pruned$p
  # shellcheck disable=SC2046
  row checkerboard_pruned$p "$folder" 20 exact $(calibrated "$folder")
done
# Float networks, quantized from their calibration values.
quantized() { echo --calibration "$1/calibration.npy" --weight-bits "$2" --activation-bits "$2"; }
for n in 10 30; do
  # shellcheck disable=SC2046
  row checkerboard_fp32_$n "$MODELS/checkerboard_fp32_$n" 20 exact \
    $(quantized "$MODELS/checkerboard_fp32_$n" 3) --overflow=calibrated
done
# shellcheck disable=SC2046
row mnist_mlp_fp32 "$MODELS/mnist_mlp_fp32" 20 rounded $(quantized "$MODELS/mnist_mlp_fp32" 6) \
  --round-accumulators=6 --max-accumulator-bits=20 --overflow=calibrated
for name in digits_mlp_w3a3 breast_cancer_mlp_w4a4; do
  # shellcheck disable=SC2046
  row ${name%_w*} "$MODELS/$name" 20 rounded $(calibrated "$MODELS/$name") --round-accumulators=6
done
for version in 08 012; do
  name=iris_mlp_w4a4_brevitas$version
  # shellcheck disable=SC2046
  row iris_brevitas$version "$MODELS/$name" 20 rounded $(calibrated "$MODELS/$name") --round-accumulators=6
done
# shellcheck disable=SC2046
row digits_cnn "$MODELS/digits_cnn_w4a4" 5 rounded $(calibrated "$MODELS/digits_cnn_w4a4") \
  --round-accumulators=6
for name in digits_trunc_w4a4 digits_trunc_w4a4_brevitas012; do
  # shellcheck disable=SC2046
  row ${name/_w4a4/} "$MODELS/$name" 2 rounded $(calibrated "$MODELS/$name") --round-accumulators=6
done
if [ -n "$SHARED" ]; then
  # shellcheck disable=SC2046
  row zoo_tfc "$SHARED/zoo_tfc_2w2a" 20 rounded $(calibrated "$SHARED/zoo_tfc_2w2a") \
    --round-accumulators=6
  # shellcheck disable=SC2046
  row zoo_unsw "$SHARED/zoo_unsw_nb15_w2a2" 20 rounded $(calibrated "$SHARED/zoo_unsw_nb15_w2a2") \
    --round-accumulators=6 --input-bits=1 --input-range=-1:1
fi
# shellcheck disable=SC2046
row fashion_cnn "$MODELS/fashion_cnn_w2a2" 2 rounded $(calibrated "$MODELS/fashion_cnn_w2a2") \
  --round-accumulators=6
[ -n "$SHARED" ] ||
  echo "Skipped: zoo_tfc_2w2a and zoo_unsw_nb15_w2a2, which are not part of this repository (FHE_SHARED_MODELS=DIR)."

# simulate NAME FOLDER
simulate() {
  local out=$WORK/simulate_$1
  # shellcheck disable=SC2046
  if ! fhe-compile "$2/model.onnx" $(calibrated "$2") --round-accumulators=6 --quiet -o "$out.so" ||
    ! "$CHECK" tile "$2/inputs.npy" 10000 "$out.npy" ||
    ! fhe-run "$out.so" --mode=simulate --inputs "$out.npy" --quiet --json >"$out.run.json"; then
    echo "simulate $1: FAILED"
    FAILED=$((FAILED + 1))
    return
  fi
  awk -v n="$1" -v s="$(field "$out.run.json" seconds)" \
    'BEGIN { printf "simulate %-14s 10000 images in %.2f s, %.0f a second\n", n, s, 10000 / s }'
}
if wanted simulate; then
  for name in digits_mlp_w3a3 digits_cnn_w4a4 fashion_cnn_w2a2; do
    simulate ${name%_w*} "$MODELS/$name"
  done
  [ -z "$SHARED" ] || simulate zoo_tfc "$SHARED/zoo_tfc_2w2a"
fi
if wanted large; then
  test/large/large.sh "$BIN" "$WORK/large" 100 || FAILED=$((FAILED + 1))
fi
if wanted fuzz; then
  if cmake --preset fuzz >"$WORK/fuzz.log" 2>&1 && cmake --build --preset fuzz >>"$WORK/fuzz.log" 2>&1; then
    test/fuzz/run.sh "${FUZZ_SECONDS:-3600}" 2 || FAILED=$((FAILED + 1))
  else
    echo "fuzz: FAILED to build ($WORK/fuzz.log)"
    FAILED=$((FAILED + 1))
  fi
fi
if wanted noise; then
  searched-noise || FAILED=$((FAILED + 1))
  searched-noise --extended 3 5 6 7 || FAILED=$((FAILED + 1))
  searched-noise --samples=0 --failures=120000 3 5 || FAILED=$((FAILED + 1))
fi
# reality NAME FOLDER FLAGS...
reality() {
  local name=reality_$1 folder=$2
  shift 2
  wanted reality || wanted "$name" || return 0
  echo "$name: $(basename "$folder") $*"
  fhe-compile "$folder/model.onnx" "$@" --quiet -o "$WORK/$name.so" &&
    executor-noise "$WORK/$name.so" "$WORK/$name.json" "$folder/inputs.npy" --failures=110 ||
    FAILED=$((FAILED + 1))
}
# calibrated_reality NAME MODEL FLAGS...
calibrated_reality() {
  local name=$1 folder=$MODELS/$2
  shift 2
  # shellcheck disable=SC2046
  reality "$name" "$folder" $(calibrated "$folder") "$@"
}
calibrated_reality 3bit digits_mlp_w3a3 --round-accumulators=3 --p-error=1e-2
calibrated_reality 4bit digits_mlp_w3a3 --round-accumulators=4 --p-error=1e-3
calibrated_reality 5bit digits_cnn_w4a4 --round-accumulators=5 --p-error=1e-2
calibrated_reality residual fashion_cnn_w2a2 --round-accumulators=5 --p-error=1e-2
calibrated_reality 6bit checkerboard_qat_3bit_pruned10 --p-error=1e-2
calibrated_reality rounded digits_mlp_w3a3 --round-accumulators=6 --p-error=1e-2
calibrated_reality nested digits_mlp_w3a3 --round-accumulators=5 --p-error=1e-2 --key-assumptions=extended
reality 7bit "$MODELS/tiny_mlp_w3a3_control" --p-error=1e-2
calibrated_reality 8bit digits_cnn_w4a4 --p-error=1e-2
if wanted sets; then
  fhe_set_bench || FAILED=$((FAILED + 1))
fi
if wanted exhaustive; then
  model_parameters_test --gtest_also_run_disabled_tests --gtest_filter='*DISABLED_NoSet*' \
    --gtest_brief=1 | grep -v '^|' || FAILED=$((FAILED + 1))
fi

if wanted bootstraps; then
  fhe_tfhe_tests --gtest_also_run_disabled_tests --gtest_filter='DISABLED_Large*' --gtest_brief=1 ||
    FAILED=$((FAILED + 1))
fi
for set in m1c1 m2c2 m3c3 m4c4 p4 p5 p6 p7 p8; do
  wanted "$set" || wanted bootstraps || continue
  many-bootstraps --threads=2 ${BOOTSTRAPS:+--count="$BOOTSTRAPS"} $set || FAILED=$((FAILED + 1))
  case $set in
  m1c1 | m2c2 | p4 | p5 | p6)
    many-bootstraps --threads=2 --stress --count="${BOOTSTRAPS:-2000}" $set || FAILED=$((FAILED + 1))
    ;;
  esac
done
[ $FAILED = 0 ]
