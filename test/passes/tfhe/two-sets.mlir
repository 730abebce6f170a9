// RUN: fhe-opt --tfhe-verify-noise --tfhe-schedule --tfhe-plan-arena %s | FileCheck %s
// RUN: fhe-opt --tfhe-verify-noise --tfhe-schedule --tfhe-plan-arena --convert-tfhe-to-llvm %s | FileCheck %s --check-prefix=LLVM
// The plan holds after printing and reading back.
// RUN: fhe-opt --tfhe-verify-noise --tfhe-schedule --tfhe-plan-arena %s | fhe-opt --convert-tfhe-to-llvm | FileCheck %s --check-prefix=LLVM

// A residual branch across two parameter sets: 4 bits under g0, 5 bits under g1. The branch is
// converted where the two meet.

// CHECK: module attributes {tfhe.log2_failure = -{{[0-9.]+}} : f64}
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 830 log2_std -18.64
  tfhe.glwe_key @g0 k 1 log2_poly 11 log2_std -49.951
  tfhe.lwe_key @s1 dimension 880 log2_std -19.9 word_bits 32
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks00 from @g0 to @s0 base_log 2 levels 8
  tfhe.keyswitch_key @ks01 from @g0 to @s1 base_log 2 levels 8
  tfhe.keyswitch_key @ks11 from @g1 to @s1 base_log 2 levels 8
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 8 levels 3
  tfhe.bootstrap_key @bs0 from @s0 to @g0 base_log 23 levels 1 {switch_kind = "centred"}
  tfhe.bootstrap_key @bs1 from @s1 to @g1 base_log 15 levels 2 {switch_kind = "centred"}
}

// Arenas by key; the converted branch and the sum lie under g1.
// CHECK-LABEL: func.func @main
// CHECK-SAME: tfhe.arena_elements = {g0 = {{[0-9]+}} : i64, g1 = {{[0-9]+}} : i64}
func.func @main(%x: tensor<4x!tfhe.lwe<@p::@g0, 59>> {tfhe.range = array<i64: 0, 15>})
    -> (tensor<4x!tfhe.lwe<@p::@g1, 58>> {tfhe.range = array<i64: 0, 31>}) {
  // CHECK-DAG: tfhe.lookup %arg0 keyswitch @p::@ks00 {{.*}}log2_failure = -{{[0-9.]+}} : f64, noise_std = {{[0-9.E-]+}} : f64, slots
  %a = tfhe.lookup %x keyswitch @p::@ks00 bootstrap @p::@bs0 lo 0 tables dense<1> : tensor<1x1x16xi32> width 4 guard 0
      : tensor<4x!tfhe.lwe<@p::@g0, 59>> -> tensor<4x!tfhe.lwe<@p::@g0, 58>>
  // CHECK-DAG: tfhe.lookup %arg0 keyswitch @p::@ks01 bootstrap @p::@bs1
  %b = tfhe.lookup %x keyswitch @p::@ks01 bootstrap @p::@bs1 lo 0 tables dense<2> : tensor<1x1x16xi32> width 4 guard 0
      : tensor<4x!tfhe.lwe<@p::@g0, 59>> -> tensor<4x!tfhe.lwe<@p::@g1, 58>>
  // CHECK-DAG: tfhe.convert %{{.*}} keyswitch @p::@c01 {slots = array<i64: {{[0-9]+}}>} : tensor<4x!tfhe.lwe<@p::@g0, 58>> -> tensor<4x!tfhe.lwe<@p::@g1, 58>>
  %c = tfhe.convert %a keyswitch @p::@c01 : tensor<4x!tfhe.lwe<@p::@g0, 58>> -> tensor<4x!tfhe.lwe<@p::@g1, 58>>
  // The noise a conversion adds is not in the norm over sources: sqrt(4 + 1).
  // CHECK: tfhe.combine {{.*}} norm2 = 2.2360679774997898 : f64
  %s = tfhe.combine %c, %b {coefficients = array<i64: 2, 1>, log2_factors = array<i64: 0, 0>}
      : (tensor<4x!tfhe.lwe<@p::@g1, 58>>, tensor<4x!tfhe.lwe<@p::@g1, 58>>) -> tensor<4x!tfhe.lwe<@p::@g1, 58>>
  // CHECK: tfhe.lookup %{{.*}} keyswitch @p::@ks11 bootstrap @p::@bs1
  %y = tfhe.lookup %s keyswitch @p::@ks11 bootstrap @p::@bs1 lo 0 tables dense<3> : tensor<1x1x32xi32> width 5 guard 0
      : tensor<4x!tfhe.lwe<@p::@g1, 58>> -> tensor<4x!tfhe.lwe<@p::@g1, 58>>
  return %y : tensor<4x!tfhe.lwe<@p::@g1, 58>>
}

// Executor field 7 is convert; four keys, six conversions.
// LLVM-DAG: llvm.mlir.global internal constant @model.keys() {{.*}} !llvm.array<4 x
// LLVM-DAG: llvm.mlir.global internal constant @model.conversions() {{.*}} !llvm.array<6 x
// LLVM-LABEL: llvm.func internal @model.entry
// LLVM: llvm.getelementptr %{{.*}}[0, 7]
