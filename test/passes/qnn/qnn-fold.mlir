// RUN: fhe-opt --qnn-fold %s | FileCheck %s

// Raw float weights are divided in f32, clipped and rounded half to even: 0.25/0.5 = 0.5 to 0.
// CHECK-LABEL: func @quantizer
func.func @quantizer() -> tensor<2x3x!quant.uniform<i2<-1:1>:f32, 5.000000e-01>> {
  // CHECK: %[[Q:.*]] = qnn.constant dense<{{\[}}[0, -1, 1], [1, 0, -1]]> : tensor<2x3xi32> -> tensor<2x3x!quant.uniform<i2<-1:1>:f32, 5.000000e-01>>
  // CHECK-NEXT: return %[[Q]]
  %w = qnn.constant dense<[[0.25, -0.9, 0.3], [7.0, 0.0, -0.5]]> : tensor<2x3xf32> -> tensor<2x3xf32>
  %q = qnn.quantize %w : tensor<2x3xf32> -> tensor<2x3x!quant.uniform<i2<-1:1>:f32, 5.000000e-01>>
  return %q : tensor<2x3x!quant.uniform<i2<-1:1>:f32, 5.000000e-01>>
}

// Per channel, each row has its own scale; quantized values come back as they were.
// CHECK-LABEL: func @per_axis
func.func @per_axis() -> tensor<2x2x!quant.uniform<i3:f32:0, {5.000000e-01, 2.500000e-01}>> {
  // CHECK: qnn.constant dense<{{\[}}[1, -3], [3, -4]]> : tensor<2x2xi32>
  %w = qnn.constant dense<[[0.5, -1.5], [0.75, -1.0]]> : tensor<2x2xf32> -> tensor<2x2xf32>
  %q = qnn.quantize %w : tensor<2x2xf32> -> tensor<2x2x!quant.uniform<i3:f32:0, {5.000000e-01, 2.500000e-01}>>
  return %q : tensor<2x2x!quant.uniform<i3:f32:0, {5.000000e-01, 2.500000e-01}>>
}

// CHECK-LABEL: func @bipolar
func.func @bipolar() -> tensor<3x!quant.uniform<i2<-1:1>:f32, 2.500000e-01>> {
  // CHECK: qnn.constant dense<[1, 1, -1]> : tensor<3xi32>
  %w = qnn.constant dense<[0.0, 3.0, -0.1]> : tensor<3xf32> -> tensor<3xf32>
  %q = qnn.quantize %w {kind = 1 : i32} : tensor<3xf32> -> tensor<3x!quant.uniform<i2<-1:1>:f32, 2.500000e-01>>
  return %q : tensor<3x!quant.uniform<i2<-1:1>:f32, 2.500000e-01>>
}

// The quantized axis goes with the numbers.
// CHECK-LABEL: func @layout
func.func @layout() -> (tensor<3x2x!quant.uniform<i2:f32, 5.000000e-01>>, tensor<4xf32>) {
  // CHECK-DAG: qnn.constant dense<{{\[}}[-2, 1], [0, 1], [1, -1]]> : tensor<3x2xi32> -> tensor<3x2x!quant.uniform<i2:f32, 5.000000e-01>>
  // CHECK-DAG: qnn.constant dense<[0.000000e+00, 1.000000e+00, 2.000000e+00, 0.000000e+00]> : tensor<4xf32>
  %w = qnn.constant dense<[[-2, 0, 1], [1, 1, -1]]> : tensor<2x3xi32> -> tensor<2x3x!quant.uniform<i2:f32, 5.000000e-01>>
  %t = qnn.transpose %w {permutation = array<i64: 1, 0>}
      : tensor<2x3x!quant.uniform<i2:f32, 5.000000e-01>> -> tensor<3x2x!quant.uniform<i2:f32, 5.000000e-01>>
  %c = qnn.constant dense<[1.0, 2.0]> : tensor<2xf32> -> tensor<2xf32>
  %p = qnn.pad %c {low = array<i64: 1>, high = array<i64: 1>} : tensor<2xf32> -> tensor<4xf32>
  return %t, %p : tensor<3x2x!quant.uniform<i2:f32, 5.000000e-01>>, tensor<4xf32>
}

// In f32: 16777216 + 1 stays 16777216.
// CHECK-LABEL: func @elementwise
func.func @elementwise(%x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: %[[C:.*]] = qnn.constant dense<[0x4B800000, 0.000000e+00]> : tensor<2xf32>
  // CHECK: qnn.add %arg0, %[[C]]
  %a = qnn.constant dense<[16777216.0, -3.0]> : tensor<2xf32> -> tensor<2xf32>
  %b = qnn.constant dense<1.0> : tensor<1xf32> -> tensor<1xf32>
  %s = qnn.add %a, %b : (tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  %r = qnn.activation relu %s : tensor<2xf32> -> tensor<2xf32>
  %y = qnn.add %x, %r : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// Statistics, reductions and products of constants: by the interpreter.
// CHECK-LABEL: func @statistics
// CHECK-NOT: qnn.statistic
// CHECK: qnn.constant dense<[2.000000e+00, 6.000000e+00]>
// CHECK: qnn.constant dense<[1.000000e+00, 4.000000e+00]>
// CHECK: qnn.constant dense<[3.000000e+00, 8.000000e+00]>
func.func @statistics() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %c = qnn.constant dense<[[1.0, 3.0], [4.0, 8.0]]> : tensor<2x2xf32> -> tensor<2x2xf32>
  %0 = qnn.statistic mean %c : tensor<2x2xf32> -> tensor<2xf32>
  %1 = qnn.statistic variance %c : tensor<2x2xf32> -> tensor<2xf32>
  %2 = qnn.max %c : tensor<2x2xf32> -> tensor<2xf32>
  return %0, %1, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
