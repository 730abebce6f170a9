// RUN: fhe-opt --convert-qnn-to-fhe --split-input-file %s | FileCheck %s

!s2 = !quant.uniform<i2:f32, 5.000000e-01>
!u2 = !quant.uniform<u2:f32, 2.500000e-01>

// A transpose between an accumulator and its quantizer moves behind the table; a result without
// quantizer gets the affine tail as scale and offset.
module {
// CHECK-LABEL: func.func @main
// CHECK-SAME: channel_axis = 0 : i64
// CHECK-SAME: offset = [1.000000e+00, -1.000000e+00], post = [], scale = [1.250000e-01]
func.func @main(%x: tensor<2x2xf32>) -> tensor<2xf32> {
  // CHECK: %[[A:.*]] = fhe.linear %arg0
  // CHECK: %[[L:.*]] = fhe.lut %[[A]] lo -4 tables dense<{{.*}}[0, 0, 0, 0, 0, 1, 2, 3]{{.*}}-> tensor<2x2x!fhe.int<0:3>>
  // CHECK: %[[G:.*]] = fhe.gather %[[L]] {source = array<i64: 0, 2, 1, 3>}
  // CHECK: %[[F:.*]] = fhe.reshape %[[G]] : tensor<2x2x!fhe.int<0:3>> -> tensor<4x!fhe.int<0:3>>
  // CHECK: fhe.linear %[[F]]
  %q = qnn.quantize %x : tensor<2x2xf32> -> tensor<2x2x!s2>
  %w = qnn.constant dense<[[1, -1], [1, 1]]> : tensor<2x2xi32> -> tensor<2x2x!s2>
  %a = qnn.gemm %q, %w : (tensor<2x2x!s2>, tensor<2x2x!s2>) -> tensor<2x2xf32>
  %t = qnn.transpose %a {permutation = array<i64: 1, 0>} : tensor<2x2xf32> -> tensor<2x2xf32>
  %r = qnn.activation relu %t : tensor<2x2xf32> -> tensor<2x2xf32>
  %z = qnn.quantize %r : tensor<2x2xf32> -> tensor<2x2x!u2>
  %f = qnn.reshape %z : tensor<2x2x!u2> -> tensor<4x!u2>
  %v = qnn.constant dense<[[1, -1, 0, 1], [0, 0, 1, -2]]> : tensor<2x4xi32> -> tensor<2x4x!s2>
  %b = qnn.constant dense<[1.0, -1.0]> : tensor<2xf32> -> tensor<2xf32>
  %y = qnn.gemm %f, %v bias %b : (tensor<4x!u2>, tensor<2x4x!s2>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
}

// -----

!s2 = !quant.uniform<i2:f32, 5.000000e-01>
!u2 = !quant.uniform<u2:f32, 2.500000e-01>

// A row without weights costs no table: its value, the quantized bias, is a constant.
module {
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<2xf32>) -> tensor<2x!u2> {
  // CHECK: %[[A:.*]] = fhe.linear
  // CHECK: %[[G:.*]] = fhe.gather %[[A]] {source = array<i64: 1>}
  // CHECK: %[[L:.*]] = fhe.lut %[[G]]
  // CHECK-SAME: tensor<1x!fhe.int<0:3>>
  // CHECK: %[[C:.*]] = fhe.constant dense<2> : tensor<1xi64>
  // CHECK: fhe.gather %[[L]], %[[C]] {source = array<i64: 1, 0>}
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!s2>
  %w = qnn.constant dense<[[0, 0], [1, -1]]> : tensor<2x2xi32> -> tensor<2x2x!s2>
  %b = qnn.constant dense<[0.5, 0.0]> : tensor<2xf32> -> tensor<2xf32>
  %a = qnn.gemm %q, %w bias %b : (tensor<2x!s2>, tensor<2x2x!s2>, tensor<2xf32>) -> tensor<2xf32>
  %y = qnn.quantize %a : tensor<2xf32> -> tensor<2x!u2>
  return %y : tensor<2x!u2>
}
}

// -----

!u1 = !quant.uniform<u1:f32, 2.000000e+00>
!s2 = !quant.uniform<i2:f32, 5.000000e-01>

// A declared input x = -1 + 2q, then (x + 1)/2 into the linear op: integer q, scale 1, offset 0.
module {
// CHECK-LABEL: func.func @main
// CHECK-SAME: pre = [{offset = [1.000000e+00], op = "affine", scale = [1.000000e+00]}]
// CHECK-SAME: offset = -1.000000e+00 : f64
// CHECK-SAME: offset = [0.000000e+00], post = [], scale = [5.000000e-01]
func.func @main(%x: tensor<2xf32>) -> tensor<1xf32> {
  // CHECK: %[[A:.*]] = fhe.linear %arg0 weights
  // CHECK: return %[[A]]
  %one = qnn.constant dense<1.0> : tensor<1xf32> -> tensor<1xf32>
  %minus = qnn.constant dense<-1.0> : tensor<1xf32> -> tensor<1xf32>
  %two = qnn.constant dense<2.0> : tensor<1xf32> -> tensor<1xf32>
  %shifted = qnn.add %x, %one : (tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  %q = qnn.quantize %shifted : tensor<2xf32> -> tensor<2x!u1>
  %back = qnn.add %q, %minus : (tensor<2x!u1>, tensor<1xf32>) -> tensor<2xf32>
  %a = qnn.add %back, %one : (tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  %d = qnn.div %a, %two : (tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  %w = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!s2>
  %y = qnn.gemm %d, %w : (tensor<2xf32>, tensor<1x2x!s2>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}
}

// -----

!u1 = !quant.uniform<u1:f32, 2.000000e+00>
!s2 = !quant.uniform<i2:f32, 5.000000e-01>

// The real offset of an operand is its sum of weights in the result's offset: -1 * 0.5*(1-2) = 0.5.
module {
// CHECK-LABEL: func.func @main
// CHECK-SAME: offset = [5.000000e-01], post = [], scale = [1.000000e+00]
func.func @main(%x: tensor<2xf32>) -> tensor<1xf32> {
  %minus = qnn.constant dense<-1.0> : tensor<1xf32> -> tensor<1xf32>
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!u1>
  %back = qnn.add %q, %minus : (tensor<2x!u1>, tensor<1xf32>) -> tensor<2xf32>
  %w = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!s2>
  %y = qnn.gemm %back, %w : (tensor<2xf32>, tensor<1x2x!s2>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}
}

// -----

!u4 = !quant.uniform<u4<0:15>:f32, 2.500000e-01:3>
!u2 = !quant.uniform<u2:f32, 2.500000e-01>

// Zero points are gone, a pool is a sum, its division lies in the table (ties to even: 2/4 to 0,
// 6/4 to 2).
module {
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<1x2x2x!fhe.int<-3:12>>
func.func @main(%x: tensor<1x2x2xf32>) -> tensor<1x1x1x!u2> {
  // CHECK: %[[P:.*]] = fhe.sum_pool %arg0 {{.*}}ranges = #fhe.ranges<interval = [-12, 48], proven = [-12, 48]>
  // CHECK-SAME: -> tensor<1x1x1x!fhe.int<-12:48>>
  // CHECK: fhe.lut %[[P]] lo -12 {{.*}}0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3
  %q = qnn.quantize %x : tensor<1x2x2xf32> -> tensor<1x2x2x!u4>
  %p = qnn.avg_pool %q {kernel = array<i64: 2, 2>} : tensor<1x2x2x!u4> -> tensor<1x1x1xf32>
  %y = qnn.quantize %p : tensor<1x1x1xf32> -> tensor<1x1x1x!u2>
  return %y : tensor<1x1x1x!u2>
}
}

// -----

!a = !quant.uniform<i2:f32, 5.000000e-01>
!b = !quant.uniform<i2:f32, 2.500000e-01>

// Scales meet by an exact ratio; the concatenation of two quantized tensors is a gather.
module {
// CHECK-LABEL: func.func @main
// CHECK-SAME: scale = [2.500000e-01]
func.func @main(%x: tensor<2xf32>, %z: tensor<2xf32>) -> (tensor<2xf32>, tensor<4xf32>) {
  // CHECK: fhe.add %arg0, %arg1 {lhs_factor = 2 : i64, ranges = #fhe.ranges<interval = [-6, 3], proven = [-6, 3]>}
  // CHECK: %[[F:.*]] = fhe.gather %arg0 {source = array<i64: 0, 1, -1, -1>}
  // CHECK: fhe.gather %[[F]], %arg0 {source = array<i64: 0, 1, 4, 5>}
  %qx = qnn.quantize %x : tensor<2xf32> -> tensor<2x!a>
  %qz = qnn.quantize %z : tensor<2xf32> -> tensor<2x!b>
  %s = qnn.add %qx, %qz : (tensor<2x!a>, tensor<2x!b>) -> tensor<2xf32>
  %c = qnn.concat %qx, %qx {axis = 0 : i64} : (tensor<2x!a>, tensor<2x!a>) -> tensor<4x!a>
  %zero = qnn.constant dense<0.0> : tensor<1xf32> -> tensor<1xf32>
  %y = qnn.add %c, %zero : (tensor<4x!a>, tensor<1xf32>) -> tensor<4xf32>
  return %s, %y : tensor<2xf32>, tensor<4xf32>
}
}

// -----

!u4 = !quant.uniform<u4:f32, 5.000000e-01>
!u2 = !quant.uniform<u2:f32, 5.000000e-01>

// A pad before the bias: its zeros become the constant 1/0.5 = 2 and cost no table. A truncation rounds
// the exact sum first: 1, 2, 3 of 4 are ties or not by integers (2/4 = 0.5 to 0).
module {
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<1x2x2xf32>) -> (tensor<3x!u2>, tensor<1x1x1x!u2>) {
  // CHECK: %[[P:.*]] = fhe.sum_pool
  // CHECK: %[[L:.*]] = fhe.lut %[[P]] lo 0 tables dense<{{\[\[}}[2, 2, 2, 3, 3,
  // CHECK: %[[C:.*]] = fhe.constant dense<2>
  // CHECK: fhe.gather %[[L]], %[[C]] {source = array<i64: 1, 0, 1>}
  // CHECK: fhe.lut %[[P]] lo 0 tables dense<{{\[\[}}[0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3
  %q = qnn.quantize %x : tensor<1x2x2xf32> -> tensor<1x2x2x!u4>
  %p = qnn.avg_pool %q {kernel = array<i64: 2, 2>} : tensor<1x2x2x!u4> -> tensor<1x1x1xf32>
  %f = qnn.reshape %p : tensor<1x1x1xf32> -> tensor<1xf32>
  %w = qnn.pad %f {low = array<i64: 1>, high = array<i64: 1>} : tensor<1xf32> -> tensor<3xf32>
  %one = qnn.constant dense<1.0> : tensor<1xf32> -> tensor<1xf32>
  %b = qnn.add %w, %one : (tensor<3xf32>, tensor<1xf32>) -> tensor<3xf32>
  %y = qnn.quantize %b : tensor<3xf32> -> tensor<3x!u2>
  %four = qnn.constant dense<4.0> : tensor<1xf32> -> tensor<1xf32>
  %s = qnn.mul %p, %four : (tensor<1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x1xf32>
  %t = qnn.trunc %s {scale = 5.0e-1 : f64, zero_point = 0 : i64, divisor = 4.0 : f64, clip, rounding = 0 : i32}
      : tensor<1x1x1xf32> -> tensor<1x1x1x!u2>
  return %y, %t : tensor<3x!u2>, tensor<1x1x1x!u2>
}
}
