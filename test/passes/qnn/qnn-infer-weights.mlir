// RUN: fhe-opt %s --split-input-file --qnn-infer-weights --verify-diagnostics | FileCheck %s

!q = !quant.uniform<u2:f32, 5.000000e-01>

// Ternary weights, one scale; the float constant has another user.
// CHECK-LABEL: @tensor
// CHECK-DAG: %[[F:.*]] = qnn.constant dense<{{.*}}> : tensor<2x3xf32> -> tensor<2x3xf32>
// CHECK-DAG: %[[W:.*]] = qnn.constant dense<{{\[\[}}1, 0, -1], [-1, 1, 0]]> : tensor<2x3xi32> -> tensor<2x3x!quant.uniform<i2:f32, 0.30000001192092896>>
// CHECK: qnn.gemm %{{.*}}, %[[W]]
// CHECK: qnn.add %{{.*}}, %[[F]]
func.func @tensor(%x: tensor<3xf32>) -> (tensor<2xf32>, tensor<2x3xf32>) {
  %q = qnn.quantize %x : tensor<3xf32> -> tensor<3x!q>
  %w = qnn.constant dense<[[0.3, 0.0, -0.3], [-0.3, 0.3, 0.0]]> : tensor<2x3xf32> -> tensor<2x3xf32>
  // expected-warning @below {{weights have no quantizer; they are multiples of one number (3.000000e-01) and are taken as integers of 2 bits}}
  %y = qnn.gemm %q, %w : (tensor<3x!q>, tensor<2x3xf32>) -> tensor<2xf32>
  %z = qnn.add %q, %w : (tensor<3x!q>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y, %z : tensor<2xf32>, tensor<2x3xf32>
}

// -----

!q = !quant.uniform<u2:f32, 5.000000e-01>

// A scale an output channel, one of them of zeros.
// CHECK-LABEL: @channels
// CHECK: qnn.constant dense<{{\[\[\[\[}}1]], {{\[\[}}-2]]], {{\[\[\[}}0]], {{\[\[}}0]]], {{\[\[\[}}-1]], {{\[\[}}1]]]]> : tensor<3x2x1x1xi32> -> tensor<3x2x1x1x!quant.uniform<i2:f32:0, {0.30000001192092896,1.000000e+00,0.68999999761581421}>>
func.func @channels(%x: tensor<2x2x2xf32>) -> tensor<3x2x2xf32> {
  %q = qnn.quantize %x : tensor<2x2x2xf32> -> tensor<2x2x2x!q>
  %w = qnn.constant dense<[[[[0.3]], [[-0.6]]], [[[0.0]], [[0.0]]], [[[-0.69]], [[0.69]]]]> : tensor<3x2x1x1xf32> -> tensor<3x2x1x1xf32>
  // expected-warning @below {{weights have no quantizer; they are multiples of one number in each output channel and are taken as integers of 2 bits}}
  %y = qnn.conv %q, %w : (tensor<2x2x2x!q>, tensor<3x2x1x1xf32>) -> tensor<3x2x2xf32>
  return %y : tensor<3x2x2xf32>
}

// -----

!q = !quant.uniform<u2:f32, 5.000000e-01>

// More than a signed byte: a zero point. 0.25 * (stored - 1).
// CHECK-LABEL: @zero_point
// CHECK: qnn.constant dense<{{\[\[}}0, 201, 2, 1]]> : tensor<1x4xi32> -> tensor<1x4x!quant.uniform<u8:f32, 2.500000e-01:1>>
func.func @zero_point(%x: tensor<4xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<4xf32> -> tensor<4x!q>
  %w = qnn.constant dense<[[-0.25, 50.0, 0.25, 0.0]]> : tensor<1x4xf32> -> tensor<1x4xf32>
  // expected-warning @below {{are taken as integers of 8 bits}}
  %y = qnn.gemm %q, %w : (tensor<4x!q>, tensor<1x4xf32>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

!q = !quant.uniform<u2:f32, 5.000000e-01>

// No grid, and -255 to 255, which 8 bits do not hold: as they are.
// CHECK-LABEL: @refused
// CHECK-COUNT-2: -> tensor<1x2xf32>
// CHECK-NOT: tensor<1x2xi32>
func.func @refused(%x: tensor<2xf32>) -> (tensor<1xf32>, tensor<1xf32>) {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %v = qnn.constant dense<[[0.3123, 0.77715]]> : tensor<1x2xf32> -> tensor<1x2xf32>
  %w = qnn.constant dense<[[-255.0, 254.0]]> : tensor<1x2xf32> -> tensor<1x2xf32>
  %y = qnn.gemm %q, %v : (tensor<2x!q>, tensor<1x2xf32>) -> tensor<1xf32>
  %z = qnn.gemm %q, %w : (tensor<2x!q>, tensor<1x2xf32>) -> tensor<1xf32>
  return %y, %z : tensor<1xf32>, tensor<1xf32>
}

// -----

// A float network stays one.
// CHECK-LABEL: @float
// CHECK-NOT: i32
func.func @float(%x: tensor<2xf32>) -> tensor<1xf32> {
  %w = qnn.constant dense<[[1.0, -1.0]]> : tensor<1x2xf32> -> tensor<1x2xf32>
  %y = qnn.gemm %x, %w : (tensor<2xf32>, tensor<1x2xf32>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}
