// RUN: fhe-opt --tfhe-verify-noise %s | FileCheck %s

// The cell of 3 bits at norm 2^0 with a norm of sqrt(1 + 4): two bits would be right far more often.
// Output -6..3 of a fresh encryption practically never fails.
// CHECK: module attributes {tfhe.log2_failure = -{{[0-9.]+}} : f64}
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
// CHECK-LABEL: func.func @main
// CHECK-SAME: tfhe.log2_failure = -1.000000e+06 : f64, tfhe.noise_std = {{[0-9.E-]+}}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 60>> {tfhe.range = array<i64: 0, 3>})
    -> (tensor<1x!tfhe.lwe<@p::@g0, 60>> {tfhe.range = array<i64: -6, 3>}) {
  // CHECK: tfhe.linear {{.*}} {norm2 = 2.2360679774997898 : f64}
  %a = tfhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> : tensor<2x!tfhe.lwe<@p::@g0, 60>> -> tensor<1x!tfhe.lwe<@p::@g0, 60>>
  // CHECK: tfhe.lookup {{.*}} {log2_failure = -{{4[0-9.]+}} : f64, noise_std = {{[0-9.E-]+}} : f64}
  %h = tfhe.lookup %a keyswitch @p::@ks bootstrap @p::@bs lo -4 tables dense<1> : tensor<1x1x8xi32> width 3 guard 0
      : tensor<1x!tfhe.lwe<@p::@g0, 60>> -> tensor<1x!tfhe.lwe<@p::@g0, 60>>
  // A table's result times 2 and an input times 1: sqrt(4 + 1).
  %g = tfhe.gather %x {source = array<i64: 0>} : (tensor<2x!tfhe.lwe<@p::@g0, 60>>) -> tensor<1x!tfhe.lwe<@p::@g0, 60>>
  // CHECK: tfhe.combine {{.*}} norm2 = 2.2360679774997898 : f64
  %y = tfhe.combine %h, %g {coefficients = array<i64: 2, 1>, log2_factors = array<i64: 0, 0>}
      : (tensor<1x!tfhe.lwe<@p::@g0, 60>>, tensor<1x!tfhe.lwe<@p::@g0, 60>>) -> tensor<1x!tfhe.lwe<@p::@g0, 60>>
  // CHECK: tfhe.combine {{.*}} norm2 = 1.000000e+00 : f64
  %z = tfhe.combine %x {coefficients = array<i64: 1>, log2_factors = array<i64: 0>}
      : (tensor<2x!tfhe.lwe<@p::@g0, 60>>) -> tensor<2x!tfhe.lwe<@p::@g0, 60>>
  return %a : tensor<1x!tfhe.lwe<@p::@g0, 60>>
}
