// RUN: fhe-opt --convert-qnn-to-fhe %s | FileCheck %s

!s2 = !quant.uniform<i2:f32, 5.000000e-01>
!u2 = !quant.uniform<u2:f32, 2.500000e-01>

// Bias, normalization, activation and requantization are one table an element, one a channel here:
// channel 0: relu(a/4 + 1/2)/(1/4) = a + 2 clipped to [0, 3]; channel 1 has no bias.
module {
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<2x!fhe.int<-2:1>> {fhe.client = {integer_range = [-2, 1], name = "x", pre = [],
// CHECK-SAME: bits = 2 : i64, kind = "uniform", max = 1 : i64, min = -2 : i64, narrow = false
// CHECK-SAME: scale = 5.000000e-01 : f64, signed = true, zero_point = 0 : i64
// CHECK-SAME: -> (tensor<2x!fhe.int<0:3>> {fhe.client = {integer_range = [0, 3], name = "y", offset = [0.000000e+00], post = [], scale = [2.500000e-01], shape = [2]}})
func.func @main(%x: tensor<2xf32> {qnn.name = "x"}) -> (tensor<2x!u2> {qnn.name = "y"}) {
  // CHECK: %[[A:.*]] = fhe.linear %arg0 weights dense<{{\[}}[1, -1], [1, 0]]> : tensor<2x2xi32>
  // CHECK-SAME: channel_hi = array<i64: 3, 1>, channel_lo = array<i64: -3, -2>
  // CHECK-SAME: ranges = #fhe.ranges<interval = [-3, 3], proven = [-3, 3]>
  // CHECK-SAME: -> tensor<2x!fhe.int<-3:3>>
  // CHECK: %[[Z:.*]] = fhe.lut %[[A]] lo -3
  // CHECK-SAME: dense<{{\[\[}}[0, 0, 1, 2, 3, 3, 3]], {{\[\[}}0, 0, 0, 0, 1, 2, 3]]]> : tensor<2x1x7xi32> width 3
  // CHECK-SAME: table_of_element = array<i32: 0, 1>
  // CHECK: return %[[Z]]
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!s2>
  %w = qnn.constant dense<[[1, -1], [1, 0]]> : tensor<2x2xi32> -> tensor<2x2x!s2>
  %b = qnn.constant dense<[0.25, 0.0]> : tensor<2xf32> -> tensor<2xf32>
  %a = qnn.gemm %q, %w bias %b : (tensor<2x!s2>, tensor<2x2x!s2>, tensor<2xf32>) -> tensor<2xf32>
  %c = qnn.constant dense<[0.25, 0.0]> : tensor<2xf32> -> tensor<2xf32>
  %d = qnn.add %a, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %r = qnn.activation relu %d : tensor<2xf32> -> tensor<2xf32>
  %y = qnn.quantize %r : tensor<2xf32> -> tensor<2x!u2>
  return %y : tensor<2x!u2>
}
}
