// RUN: fhe-opt --tfhe-verify-noise --split-input-file --verify-diagnostics %s | FileCheck %s

// The keys of tfhe-verify-noise.mlir, right for direct tables of 3 bits: a sign of 4 bits fails as seldom.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 60>> {tfhe.range = array<i64: 0, 3>})
    -> (tensor<1x!tfhe.lwe<@p::@g0, 60>> {tfhe.range = array<i64: -1, 1>}) {
  %a = tfhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> : tensor<2x!tfhe.lwe<@p::@g0, 60>> -> tensor<1x!tfhe.lwe<@p::@g0, 60>>
  // CHECK: tfhe.lookup {{.*}} {log2_failure = -{{4[0-9.]+}} : f64, noise_std = {{[0-9.E-]+}} : f64, realization = "negacyclic"}
  %h = tfhe.lookup %a keyswitch @p::@ks bootstrap @p::@bs lo -8 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1]]]> : tensor<1x1x12xi32> width 4 guard 0
      {realization = "negacyclic"} : tensor<1x!tfhe.lwe<@p::@g0, 60>> -> tensor<1x!tfhe.lwe<@p::@g0, 60>>
  return %h : tensor<1x!tfhe.lwe<@p::@g0, 60>>
}

// -----

// A direct table of 4 bits under the same keys does not.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 59>> {tfhe.range = array<i64: 0, 3>})
    -> (tensor<1x!tfhe.lwe<@p::@g0, 59>> {tfhe.range = array<i64: -1, 1>}) {
  %a = tfhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> : tensor<2x!tfhe.lwe<@p::@g0, 59>> -> tensor<1x!tfhe.lwe<@p::@g0, 59>>
  // expected-error @+3 {{a table of 4 bits fails with probability 2^-1}}
  // expected-note @+2 {{half a slot is 2^-6}}
  // expected-note @+1 {{help: }}
  %h = tfhe.lookup %a keyswitch @p::@ks bootstrap @p::@bs lo -8 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1]]]> : tensor<1x1x12xi32> width 4 guard 0
      : tensor<1x!tfhe.lwe<@p::@g0, 59>> -> tensor<1x!tfhe.lwe<@p::@g0, 59>>
  return %h : tensor<1x!tfhe.lwe<@p::@g0, 59>>
}

// -----

// Rounded: the slots behind the last entry hold its value as long as the lower half says so. Slots 2 to 29
// are entries, the threshold is at slot 14: right up to slot 29 and no further.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 59>> {tfhe.range = array<i64: 0, 3>})
    -> (tensor<1x!tfhe.lwe<@p::@g0, 59>> {tfhe.range = array<i64: -1, 1>}) {
  %a = tfhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> : tensor<2x!tfhe.lwe<@p::@g0, 59>> -> tensor<1x!tfhe.lwe<@p::@g0, 59>>
  // expected-error @+2 {{standard deviations of the noise from an end of its window, allowed are 6 [Q034]}}
  // expected-note @+1 {{guard 2, 28 entries, 32 slots}}
  %h = tfhe.lookup %a keyswitch @p::@ks bootstrap @p::@bs lo -12 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]]> : tensor<1x1x28xi32> width 5 guard 2
      {realization = "negacyclic", rounded_width = 4 : i64} : tensor<1x!tfhe.lwe<@p::@g0, 59>> -> tensor<1x!tfhe.lwe<@p::@g0, 59>>
  return %h : tensor<1x!tfhe.lwe<@p::@g0, 59>>
}
