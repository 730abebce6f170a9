// What must not be fused stays as it is.
// RUN: fhe-opt --fhe-fuse-luts --split-input-file %s | FileCheck %s

// The inner value has another use: the outer table keeps working on the narrow value.
// CHECK-LABEL: func.func @used_twice
// CHECK-COUNT-2: fhe.lut
// CHECK: fhe.add
func.func @used_twice(%x: tensor<2x!fhe.int<0:7>>) -> tensor<2x!fhe.int<0:4>> {
  %a = fhe.lut %x lo 0 tables dense<[[[0, 0, 0, 0, 1, 1, 1, 1]]]> : tensor<1x1x8xi32> width 3 guard 0
      : tensor<2x!fhe.int<0:7>> -> tensor<2x!fhe.int<0:1>>
  %b = fhe.lut %a lo 0 tables dense<[[[3, 1]]]> : tensor<1x1x2xi32> width 1 guard 0
      : tensor<2x!fhe.int<0:1>> -> tensor<2x!fhe.int<1:3>>
  %y = fhe.add %a, %b : (tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<1:3>>) -> tensor<2x!fhe.int<0:4>>
  return %y : tensor<2x!fhe.int<0:4>>
}

// -----

// Tables of different values have nothing in common.
// CHECK-LABEL: func.func @two_sources
// CHECK: fhe.lut %arg0
// CHECK: fhe.lut %arg1
func.func @two_sources(%x: tensor<1x!fhe.int<0:1>>, %z: tensor<1x!fhe.int<0:1>>) -> tensor<1x!fhe.int<0:2>> {
  %a = fhe.lut %x lo 0 tables dense<[[[1, 0]]]> : tensor<1x1x2xi32> width 1 guard 0
      : tensor<1x!fhe.int<0:1>> -> tensor<1x!fhe.int<0:1>>
  %b = fhe.lut %z lo 0 tables dense<[[[1, 0]]]> : tensor<1x1x2xi32> width 1 guard 0
      : tensor<1x!fhe.int<0:1>> -> tensor<1x!fhe.int<0:1>>
  %y = fhe.add %a, %b : (tensor<1x!fhe.int<0:1>>, tensor<1x!fhe.int<0:1>>) -> tensor<1x!fhe.int<0:2>>
  return %y : tensor<1x!fhe.int<0:2>>
}
