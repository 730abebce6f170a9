// RUN: fhe-opt --convert-fhe-to-tfhe --split-input-file %s | FileCheck %s
// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{clear-only})' --split-input-file %s | FileCheck %s --check-prefix=CLEAR

// A table's input sits at 2^(63-width), the raw output at 2^(64-w): -9..6 has 4 bits. The parameters
// are the cheapest for a table of 3 bits at a norm of 2^(1/2).
// CHECK-LABEL: tfhe.parameters @p security 128
// CHECK: tfhe.lwe_key @s0 dimension 752 log2_std {{.*}} word_bits 32
// CHECK: tfhe.glwe_key @g0 k 3 log2_poly 9
// CHECK: tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
// CHECK: tfhe.bootstrap_key @bs from @s0 to @g0 base_log 18 levels 1 {switch_kind = "centred"}
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<2x!tfhe.lwe<@p::@g0, 60>> {tfhe.client = {name = "x"}, tfhe.range = array<i64: 0, 3>}
// CHECK: %[[A:.*]] = tfhe.linear {{.*}} {layer = 0 : i64} : tensor<2x!tfhe.lwe<@p::@g0, 60>> -> tensor<2x!tfhe.lwe<@p::@g0, 60>>
// CHECK: %[[H:.*]] = tfhe.lookup %[[A]] keyswitch @p::@ks bootstrap @p::@bs lo 0 {{.*}} width 3 guard 0 {layer = 0 : i64}
// CHECK-SAME: -> tensor<2x!tfhe.lwe<@p::@g0, 60>>
// CHECK: tfhe.linear %[[H]] {{.*}} {layer = 1 : i64}
// CLEAR: tfhe.parameters @p security 128 clear_only
// CLEAR-NEXT: tfhe.clear_key @g0
// CLEAR-NOT: keyswitch
func.func @main(%x: tensor<2x!fhe.int<0:3>> {fhe.client = {name = "x"}}) -> tensor<1x!fhe.int<-9:6>> {
  %a = fhe.linear %x weights dense<[[1, 1], [1, 1]]> : tensor<2x2xi32> : tensor<2x!fhe.int<0:3>> -> tensor<2x!fhe.int<0:6>>
  %h = fhe.lut %a lo 0 tables dense<[[[0, 0, 1, 1, 2, 2, 3]]]> : tensor<1x1x7xi32> width 3 guard 0
      : tensor<2x!fhe.int<0:6>> -> tensor<2x!fhe.int<0:3>>
  %y = fhe.linear %h weights dense<[[2, -3]]> : tensor<1x2xi32> : tensor<2x!fhe.int<0:3>> -> tensor<1x!fhe.int<-9:6>>
  return %y : tensor<1x!fhe.int<-9:6>>
}

// -----

// Two consumers: the input is written at the smaller Delta, the other multiplies by 2^2.
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<2x!tfhe.lwe<@p::@g0, 59>>
// CHECK: tfhe.lookup {{.*}} width 4 guard 6 : tensor<2x!tfhe.lwe<@p::@g0, 59>>
// CHECK: tfhe.lookup {{.*}} width 2 guard 0 {log2_factor = 2 : i64} : tensor<2x!tfhe.lwe<@p::@g0, 59>>
// CHECK: tfhe.combine {{.*}} {coefficients = array<i64: 1, 3>, layer = 0 : i64, log2_factors = array<i64: 0, 0>}
func.func @main(%x: tensor<2x!fhe.int<0:3>>) -> tensor<2x!fhe.int<0:4>> {
  %a = fhe.lut %x lo 0 tables dense<[[[0, 0, 1, 1]]]> : tensor<1x1x4xi32> width 4 guard 6
      : tensor<2x!fhe.int<0:3>> -> tensor<2x!fhe.int<0:1>>
  %b = fhe.lut %x lo 0 tables dense<[[[0, 1, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0
      : tensor<2x!fhe.int<0:3>> -> tensor<2x!fhe.int<0:1>>
  %y = fhe.add %a, %b {rhs_factor = 3 : i64} : (tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<0:1>>) -> tensor<2x!fhe.int<0:4>>
  return %y : tensor<2x!fhe.int<0:4>>
}

// -----

// Layout operations cannot multiply: a combine does it for them. Pools are depthwise convolutions.
// Rounding: the window keeps its 9 bits, parameters are those of 3 bits.
// CHECK-LABEL: tfhe.parameters
// CHECK: tfhe.lwe_key @s0 dimension 767 log2_std {{.*}} word_bits 32
// CHECK: tfhe.glwe_key @g0 k 2 log2_poly 9
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<1x2x2x!tfhe.lwe<@p::@g0, 54>>
// CHECK: %[[R:.*]] = tfhe.combine %{{.*}} {coefficients = array<i64: 1>, log2_factors = array<i64: 8>}
// CHECK: tfhe.reshape %[[R]] : tensor<1x2x2x!tfhe.lwe<@p::@g0, 62>> -> tensor<4x!tfhe.lwe<@p::@g0, 62>>
// CHECK: tfhe.conv %arg0 weights dense<1> : tensor<1x1x2x2xi32> {layer = 0 : i64, strides = array<i64: 2, 2>}
// CHECK: tfhe.lookup {{.*}} width 9 guard 54 {layer = 0 : i64, rounded_width = 3 : i64}
func.func @main(%x: tensor<1x2x2x!fhe.int<0:3>>) -> (tensor<4x!fhe.int<0:3>>, tensor<1x1x1x!fhe.int<0:1>>) {
  %r = fhe.reshape %x : tensor<1x2x2x!fhe.int<0:3>> -> tensor<4x!fhe.int<0:3>>
  %s = fhe.sum_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<1x2x2x!fhe.int<0:3>> -> tensor<1x1x1x!fhe.int<0:12>>
  %t = fhe.lut %s lo 0 tables dense<1> : tensor<1x1x13xi32> width 9 guard 54 {rounded_width = 3 : i64}
      : tensor<1x1x1x!fhe.int<0:12>> -> tensor<1x1x1x!fhe.int<0:1>>
  return %r, %t : tensor<4x!fhe.int<0:3>>, tensor<1x1x1x!fhe.int<0:1>>
}

// -----

// Frequencies go with their table.
// CHECK-LABEL: func.func @main
// CHECK: tfhe.lookup {{.*}} {frequencies = dense<{{.*}}> : tensor<1x8xf64>, rounded_width = 2 : i64}
func.func @main(%x: tensor<2x!fhe.int<0:7>>) -> tensor<2x!fhe.int<0:1>> {
  %h = fhe.lut %x lo 0 tables dense<[[[0, 0, 0, 0, 1, 1, 1, 1]]]> : tensor<1x1x8xi32> width 4 guard 4
      {rounded_width = 2 : i64, frequencies = dense<0.25> : tensor<1x8xf64>}
      : tensor<2x!fhe.int<0:7>> -> tensor<2x!fhe.int<0:1>>
  return %h : tensor<2x!fhe.int<0:1>>
}
