// RUN: fhe-opt --tfhe-verify-noise --split-input-file %s | FileCheck %s

// A rounded table with a threshold between 3 and 4: the noise has 0.56 slots, so a value beside the
// threshold is on the other side with probability Q(0.5 / 0.56) = 0.186, one at the end (3.5 slots)
// never. One of two elements an inference sits beside the threshold; at worst both do.
// CHECK-LABEL: func.func @main
// CHECK: tfhe.lookup {{.*}} {expected_disagreements = 0.1859{{[0-9]+}} : f64, frequencies = {{.*}}, log2_failure = {{.*}}, most_disagreements = 0.3718{{[0-9]+}} : f64, noise_std = {{.*}}, rounded_width = 3 : i64}
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<2x!tfhe.lwe<@p::@g0, 60>> {
  %h = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<[[[0, 0, 0, 0, 1, 1, 1, 1]]]> : tensor<1x1x8xi32>
      width 6 guard 28 {rounded_width = 3 : i64, frequencies = dense<[[0.5, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.5]]> : tensor<1x8xf64>}
      : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<2x!tfhe.lwe<@p::@g0, 60>>
  return %h : tensor<2x!tfhe.lwe<@p::@g0, 60>>
}

// -----

// Without observed inputs there is only the worst case; an exact table has neither.
// CHECK-LABEL: func.func @main
// CHECK: tfhe.lookup
// CHECK-NOT: expected_disagreements
// CHECK: most_disagreements = 0.3718
// CHECK: tfhe.lookup
// CHECK-NOT: disagreements
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<2x!tfhe.lwe<@p::@g0, 60>> {
  %h = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<[[[0, 0, 0, 0, 1, 1, 1, 1]]]> : tensor<1x1x8xi32>
      width 6 guard 28 {rounded_width = 3 : i64} : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<2x!tfhe.lwe<@p::@g0, 60>>
  %i = tfhe.lookup %h keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<[[[0, 1]]]> : tensor<1x1x2xi32>
      width 3 guard 3 : tensor<2x!tfhe.lwe<@p::@g0, 60>> -> tensor<2x!tfhe.lwe<@p::@g0, 60>>
  return %i : tensor<2x!tfhe.lwe<@p::@g0, 60>>
}
