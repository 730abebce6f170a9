// Options of the parameter choice: what is chosen, and that the module says what it is.
// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{shareable tuniform log2-p-error=-128},tfhe-verify-noise)' %s | FileCheck %s --check-prefix=SHAREABLE
// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{extended-keys},tfhe-verify-noise)' %s | FileCheck %s --check-prefix=EXTENDED
// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{log2-p-error=0 log2-global-p-error=-20},tfhe-verify-noise{log2-p-error=0 log2-global-p-error=-20})' %s | FileCheck %s --check-prefix=GLOBAL
// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{security=132},tfhe-verify-noise)' %s | FileCheck %s --check-prefix=STRICT
// RUN: not fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{max-key-bytes=1000000})' %s 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: not fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{shareable})' %s 2>&1 | FileCheck %s --check-prefix=OFTEN

// SHAREABLE: module attributes {tfhe.log2_failure = -1{{[2-9][0-9]}}.{{.*}}, tfhe.profile = "shareable"}
// SHAREABLE: tfhe.lwe_key @s0 {{.*}} tuniform
// SHAREABLE: tfhe.glwe_key @g0 {{.*}} tuniform
// EXTENDED: tfhe.parameters @p security 128 key_assumptions "extended" {
// EXTENDED: tfhe.lwe_key @s0 dimension {{[0-9]+}} nested_in @g0 log2_std
// EXTENDED: tfhe.glwe_key @g0 {{.*}} live {{[0-9]+}} log2_std
// GLOBAL: module attributes {tfhe.log2_failure = -2{{[0-9]}}.
// STRICT: tfhe.parameters @p security 132 {
// SMALL: error: no parameter set needs at most 1 MB of evaluation keys [Q037]
// SMALL: note: the fastest parameters have evaluation keys of
// OFTEN: error: results are shareable with failure probabilities of at most 2^-128, asked for 2^-40 [Q036]
func.func @main(%x: tensor<8x!fhe.int<0:7>>) -> tensor<2x!fhe.int<0:3>> {
  %a = fhe.linear %x weights dense<1> : tensor<2x8xi32> : tensor<8x!fhe.int<0:7>> -> tensor<2x!fhe.int<0:56>>
  %y = fhe.lut %a lo 0 tables dense<3> : tensor<1x1x57xi32> width 6 guard 3 : tensor<2x!fhe.int<0:56>> -> tensor<2x!fhe.int<0:3>>
  return %y : tensor<2x!fhe.int<0:3>>
}
