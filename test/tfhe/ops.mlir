// RUN: fhe-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: tfhe.parameters @p security 128
// CHECK: tfhe.lwe_key @s0 dimension 838 log2_std
// CHECK: tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std
// CHECK: tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
// CHECK: tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}

// CHECK-LABEL: tfhe.parameters @narrow security 128
// CHECK: tfhe.lwe_key @s0 dimension 838 log2_std {{.*}} word_bits 32{{$}}
module @other {
  tfhe.parameters @narrow security 128 {
    tfhe.lwe_key @s0 dimension 838 log2_std -18.857968 word_bits 32
    tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
    tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 8
    // CHECK: tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1 {switch_kind = "centred"}
    tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1 {switch_kind = "centred"}
  }
}

// Keys of two sets, and a conversion between the flattened GLWE keys.
module @two_sets {
  // CHECK-LABEL: tfhe.parameters @two security 128
  tfhe.parameters @two security 128 {
    tfhe.glwe_key @g0 k 1 log2_poly 11 log2_std -49.951
    tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
    // CHECK: tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3{{$}}
    tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  }
  // CHECK-LABEL: func @convert
  func.func @convert(%x: tensor<4x!tfhe.lwe<@two::@g0, 57>>) {
    // CHECK: tfhe.convert %{{.*}} keyswitch @two::@c01 : tensor<4x!tfhe.lwe<@two::@g0, 57>> -> tensor<4x!tfhe.lwe<@two::@g1, 57>>
    %0 = tfhe.convert %x keyswitch @two::@c01
        : tensor<4x!tfhe.lwe<@two::@g0, 57>> -> tensor<4x!tfhe.lwe<@two::@g1, 57>>
    // CHECK: tfhe.convert {{.*}} {layer = 3 : i64, slots = array<i64: 8>} :
    %1 = tfhe.convert %x keyswitch @two::@c01 {layer = 3 : i64, slots = array<i64: 8>}
        : tensor<4x!tfhe.lwe<@two::@g0, 57>> -> tensor<4x!tfhe.lwe<@two::@g1, 57>>
    return
  }
}

// CHECK-LABEL: func @ops
func.func @ops(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>, %i: tensor<1x3x3x!tfhe.lwe<@p::@g0, 57>>,
               %a: tensor<4x!tfhe.lwe<@p::@g0, 57>>, %b: tensor<4x!tfhe.lwe<@p::@g0, 55>>,
               %m: tensor<2x2x!tfhe.lwe<@p::@g0, 57>>, %l: tensor<4x!tfhe.lwe<@p::@g0, 60>>) {
  // CHECK: tfhe.linear %{{.*}} weights dense<{{.*}}> : tensor<1x2xi32> : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x!tfhe.lwe<@p::@g0, 57>>
  %0 = tfhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32>
      : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x!tfhe.lwe<@p::@g0, 57>>
  // CHECK: tfhe.linear {{.*}} {log2_factor = 2 : i64, slots = array<i64: 7>}
  %1 = tfhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> {log2_factor = 2 : i64, slots = array<i64: 7>}
      : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x!tfhe.lwe<@p::@g0, 59>>
  // CHECK: tfhe.conv
  %2 = tfhe.conv %i weights dense<1> : tensor<1x1x2x2xi32>
      : tensor<1x3x3x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x2x2x!tfhe.lwe<@p::@g0, 57>>
  // CHECK: tfhe.combine %{{.*}}, %{{.*}} {coefficients = array<i64: 1, -1>, log2_factors = array<i64: 0, 2>}
  %3 = tfhe.combine %a, %b {coefficients = array<i64: 1, -1>, log2_factors = array<i64: 0, 2>}
      : (tensor<4x!tfhe.lwe<@p::@g0, 57>>, tensor<4x!tfhe.lwe<@p::@g0, 55>>) -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  // CHECK: tfhe.gather
  %4 = tfhe.gather %x {source = array<i64: 0, -1>}
      : (tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<2x!tfhe.lwe<@p::@g0, 57>>
  // CHECK: tfhe.reshape
  %5 = tfhe.reshape %m : tensor<2x2x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  // CHECK: tfhe.constant dense<[1, 2]> : tensor<2xi64>
  %6 = tfhe.constant dense<[1, 2]> : tensor<2xi64> -> tensor<2x!tfhe.lwe<@p::@g0, 57>>
  // CHECK: tfhe.lookup %{{.*}} keyswitch @p::@ks bootstrap @p::@bs lo -2 tables dense<{{.*}}> : tensor<1x2x4xi32> width 2 guard 0 {log2_factor = 1 : i64}
  // CHECK-SAME: -> tensor<4x!tfhe.lwe<@p::@g0, 57>>, tensor<4x!tfhe.lwe<@p::@g0, 57>>
  %7:2 = tfhe.lookup %l keyswitch @p::@ks bootstrap @p::@bs
      lo -2 tables dense<[[[0, 0, 0, 1], [1, 0, 0, 0]]]> : tensor<1x2x4xi32> width 2 guard 0 {log2_factor = 1 : i64}
      : tensor<4x!tfhe.lwe<@p::@g0, 60>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>, tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// CHECK: tfhe.parameters @clear security 128 clear_only
tfhe.parameters @clear security 128 clear_only {
  // CHECK: tfhe.clear_key @g0
  tfhe.clear_key @g0
}

// CHECK-LABEL: func @clear_lookup
func.func @clear_lookup(%l: tensor<4x!tfhe.lwe<@clear::@g0, 61>>) {
  // CHECK: tfhe.lookup %{{.*}} lo -2 tables
  %0 = tfhe.lookup %l lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0
      : tensor<4x!tfhe.lwe<@clear::@g0, 61>> -> tensor<4x!tfhe.lwe<@clear::@g0, 57>>
  return
}

// TUniform noise, a partial key, small keys nested in it.
// CHECK-LABEL: tfhe.parameters @bounded security 132 key_assumptions "extended"
// CHECK-NEXT: tfhe.lwe_key @s0 dimension 879 log2_std -18.792481250360577 tuniform 46
// CHECK-NEXT: tfhe.lwe_key @s1 dimension 998 log2_std -21.792481164369256 tuniform 11 word_bits 32
// CHECK-NEXT: tfhe.lwe_key @s2 dimension 998 nested_in @g0 log2_std -21.792481164369256 tuniform 11 word_bits 32
// CHECK-NEXT: tfhe.lwe_key @s3 dimension 1791 nested_in @g0 log2_std -3.200000e+01
// CHECK-NEXT: tfhe.glwe_key @g0 k 1 log2_poly 14 live 1792 log2_std -40.792481250360581 tuniform 24
tfhe.parameters @bounded security 132 key_assumptions "extended" {
  tfhe.lwe_key @s0 dimension 879 log2_std -18.792481250360577 tuniform 46
  tfhe.lwe_key @s1 dimension 998 log2_std -21.792481164369256 tuniform 11 word_bits 32
  tfhe.lwe_key @s2 dimension 998 nested_in @g0 log2_std -21.792481164369256 tuniform 11 word_bits 32
  tfhe.lwe_key @s3 dimension 1791 nested_in @g0 log2_std -32.0
  tfhe.glwe_key @g0 k 1 log2_poly 14 live 1792 log2_std -40.792481250360581 tuniform 24
}
