#!/bin/bash
# encrypted.sh: a network on encrypted inputs gives exactly the integers of the clear run, all in one
# process (fhe-run) and with client and server apart (keygen, encrypt, evaluate, decrypt); one
# inference takes the memory that the manifest says.
# Called as SCRIPT BIN WORK SAMPLES MODEL [flags of fhe-compile].
. "$(dirname "$0")/common.sh"
SAMPLES=$1 FOLDER=$2
shift 2

# Who compiles for keys beyond the standard ones must ask for them again where they are drawn.
KEYS=()
for flag in "$@"; do
  case $flag in --key-assumptions=*) KEYS=("$flag") ;; esac
done

cd "$WORK" || exit 1
check "compile" fhe-compile "$FOLDER/model.onnx" "$@" --quiet -o model.so || finish
check "fhe-run" fhe-run model.so --mode=encrypted --inputs "$FOLDER/inputs.npy" \
  --samples "$SAMPLES" --json && {
  cp out run.json
  check "equal to clear" "$CHECK" json run.json /agreement_with_clear/integers_differing 0
  check "all samples" "$CHECK" json run.json /samples "$SAMPLES"
}

# The estimate made without a key: bytes to the byte, memory within 10 %.
number() { sed -n "s/^ *\"$2\": \([0-9]*\),*$/\1/p" "$1" | head -n 1; }
check "estimate" fhe-compile "$FOLDER/model.onnx" "$@" --estimate --json --kernel-rates=committed \
  --samples "$SAMPLES" && {
  cp out estimate.json
  for field in evaluation_key_bytes input_ciphertext_bytes output_ciphertext_bytes; do
    check "estimated $field" test "$(number run.json $field)" -eq "$(number estimate.json $field)"
  done
  measured=$(number run.json peak_memory_bytes) said=$(number estimate.json peak_memory_bytes)
  check "estimated memory $said, measured $measured" \
    test $((said * 10)) -gt $((measured * 9)) -a $((said * 10)) -lt $((measured * 11))
}

check "memory" end-to-end-memory model.so model.json "$FOLDER/inputs.npy" && cat out

check "take" "$CHECK" take "$FOLDER/inputs.npy" "$SAMPLES" x.npy
check "clear" fhe-run model.so --inputs x.npy --quiet --outputs clear.npy
mkdir -p client server
check "keygen" fhe-keygen "${KEYS[@]}" model.json -o client/client.key --evaluation-key eval.key
check "key is private" test "$(stat -c %a client/client.key)" = 600
check "encrypt" fhe-encrypt model.json --key client/client.key --inputs x.npy -o x.ct
check "encrypt again" fhe-encrypt model.json --key client/client.key \
  --inputs x.npy -o again.ct
check "two encryptions differ" bash -c '! cmp -s x.ct again.ct'
mv model.so eval.key x.ct server
check "evaluate" env -C server fhe-evaluate model.so --evaluation-key eval.key x.ct -o y.ct
check "decrypt" fhe-decrypt model.json --key client/client.key server/y.ct -o y.npy
check "equal to clear" "$CHECK" npy y.npy clear.npy 0
finish
