// RUN: fhe-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: func @constants
func.func @constants() {
  // CHECK: qnn.constant dense<{{.*}}> : tensor<1x2xi32> -> tensor<1x2x!quant.uniform<i3<-3:3>:f32, 5.000000e-01>>
  %w = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!quant.uniform<i3<-3:3>:f32, 5.000000e-01>>
  // CHECK: qnn.constant dense<1.000000e+00> : tensor<2xf32> -> tensor<2xf32>
  %c = qnn.constant dense<1.0> : tensor<2xf32> -> tensor<2xf32>
  return
}

// CHECK-LABEL: func @quantizers
func.func @quantizers(%x: tensor<4xf32>) {
  // CHECK: qnn.quantize %{{.*}} : tensor<4xf32> -> tensor<4x!quant.uniform<u3:f32, 2.500000e-01>>
  %q = qnn.quantize %x : tensor<4xf32> -> tensor<4x!quant.uniform<u3:f32, 2.500000e-01>>
  // CHECK: qnn.quantize %{{.*}} {kind = 1 : i32}
  %b = qnn.quantize %x {kind = 1 : i32} : tensor<4xf32> -> tensor<4x!quant.uniform<i2<-1:1>:f32, 1.000000e+00>>
  // CHECK: qnn.trunc
  %t = qnn.trunc %x {scale = 1.0e-1 : f64, zero_point = 0 : i64, divisor = 4.0 : f64}
      : tensor<4xf32> -> tensor<4x!quant.uniform<u4:f32, 1.000000e-01>>
  return
}

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<4xf32>, %w: tensor<2x4xf32>, %b: tensor<2xf32>, %i: tensor<1x8x8xf32>,
                  %k: tensor<6x1x3x3xf32>) {
  // CHECK: qnn.gemm %{{.*}}, %{{.*}} bias %{{.*}} : (tensor<4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<2xf32>
  %y = qnn.gemm %x, %w bias %b : (tensor<4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: qnn.conv
  %z = qnn.conv %i, %k {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
      : (tensor<1x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<6x8x8xf32>
  // CHECK: qnn.avg_pool
  %p = qnn.avg_pool %z {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<6x8x8xf32> -> tensor<6x4x4xf32>
  return
}

// CHECK-LABEL: func @elementwise
func.func @elementwise(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<1xf32>) {
  // CHECK: qnn.add
  %0 = qnn.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: qnn.mul
  %1 = qnn.mul %a, %c : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  // CHECK: qnn.div
  %2 = qnn.div %a, %c : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  // CHECK: qnn.activation relu
  %3 = qnn.activation relu %a : tensor<4xf32> -> tensor<4xf32>
  // CHECK: qnn.activation clip %{{.*}} {beta = 6.000000e+00 : f64}
  %4 = qnn.activation clip %a {alpha = 0.0 : f64, beta = 6.0 : f64} : tensor<4xf32> -> tensor<4xf32>
  // CHECK: qnn.batch_norm
  %5 = qnn.batch_norm %a, %b, %b, %b, %b {epsilon = 1.0e-5 : f64}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func @layout
func.func @layout(%x: tensor<8x7x7xf32>, %i: tensor<1x8x8xf32>, %a: tensor<4xf32>, %b: tensor<2xf32>) {
  // CHECK: qnn.reshape
  %0 = qnn.reshape %x : tensor<8x7x7xf32> -> tensor<8x49xf32>
  // CHECK: qnn.transpose
  %1 = qnn.transpose %0 {permutation = array<i64: 1, 0>} : tensor<8x49xf32> -> tensor<49x8xf32>
  // CHECK: qnn.pad
  %2 = qnn.pad %i {low = array<i64: 0, 1, 1>, high = array<i64: 0, 1, 1>} : tensor<1x8x8xf32> -> tensor<1x10x10xf32>
  // CHECK: qnn.concat
  %3 = qnn.concat %a, %b {axis = 0 : i64} : (tensor<4xf32>, tensor<2xf32>) -> tensor<6xf32>
  return
}

// CHECK-LABEL: func @per_channel_layout
func.func @per_channel_layout(%w: tensor<2x3x!quant.uniform<i3:f32:0, {5.0e-01,2.5e-01}>>,
                              %a: tensor<2x!quant.uniform<u4:f32, 5.0e-01>>, %b: tensor<2xf32>) {
  // CHECK: qnn.transpose {{.*}} -> tensor<3x2x!quant.uniform<i3:f32:1, {5.000000e-01,2.500000e-01}>>
  %0 = qnn.transpose %w {permutation = array<i64: 1, 0>}
      : tensor<2x3x!quant.uniform<i3:f32:0, {5.0e-01,2.5e-01}>> -> tensor<3x2x!quant.uniform<i3:f32:1, {5.0e-01,2.5e-01}>>
  // Operands of different types give real numbers.
  // CHECK: qnn.concat
  %1 = qnn.concat %a, %b {axis = 0 : i64} : (tensor<2x!quant.uniform<u4:f32, 5.0e-01>>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func @functions
func.func @functions(%a: tensor<2x4xf32>, %c: tensor<4xf32>, %s: tensor<1xf32>) {
  // CHECK: qnn.activation gelu_tanh
  %0 = qnn.activation gelu_tanh %a : tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK: qnn.binary less_or_equal %{{.*}}, %{{.*}} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %1 = qnn.binary less_or_equal %a, %c : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  // CHECK: qnn.select
  %2 = qnn.select %1, %a, %s : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<1xf32>) -> tensor<2x4xf32>
  // CHECK: qnn.gather %{{.*}} {source = array<i32: 0, -1, 7>} : tensor<2x4xf32> -> tensor<3xf32>
  %3 = qnn.gather %a {source = array<i32: 0, -1, 7>} : tensor<2x4xf32> -> tensor<3xf32>
  // CHECK: qnn.max %{{.*}} : tensor<2x4xf32> -> tensor<2xf32>
  %4 = qnn.max %a : tensor<2x4xf32> -> tensor<2xf32>
  return
}

// CHECK-LABEL: func @statistics
func.func @statistics(%a: tensor<2x4xf32>) {
  // CHECK: qnn.statistic variance %{{.*}} : tensor<2x4xf32> -> tensor<2xf32>
  %0 = qnn.statistic variance %a : tensor<2x4xf32> -> tensor<2xf32>
  // CHECK: qnn.statistic mean_square
  %1 = qnn.statistic mean_square %a : tensor<2x4xf32> -> tensor<1xf32>
  // CHECK: qnn.hardmax %{{.*}} {axis = 1 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
  %2 = qnn.hardmax %a {axis = 1 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
  return
}
