// RUN: fhe-opt --qnn-move-maxima --split-input-file %s | FileCheck %s
// What does not move is refused.
// RUN: not fhe-opt --qnn-move-maxima --qnn-check-quantizers --split-input-file %s 2>&1 | FileCheck %s --check-prefix=CHECKED
// CHECKED-COUNT-2: input is not quantized [Q010]
// CHECKED-NOT: error

!q = !quant.uniform<u3:f32, 5.0e-01>
!w = !quant.uniform<i3<-3:3>:f32, 2.5e-01>

// Functions, sums and products with constants, normalization, layout: all on the numbers before the maximum.
// CHECK-LABEL: func @moves
// CHECK: %[[Y:.*]] = qnn.gemm
// CHECK: %[[P:.*]] = qnn.gather %[[Y]]
// CHECK: %[[C:.*]] = qnn.constant dense<{{\[\[}}5.000000e-01], [2.500000e-01]]> : tensor<2x1xf32>
// CHECK: %[[M:.*]] = qnn.mul %[[P]], %[[C]] : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
// CHECK: %[[N:.*]] = qnn.batch_norm %[[M]]
// CHECK: %[[R:.*]] = qnn.activation relu %[[N]] : tensor<2x2xf32> -> tensor<2x2xf32>
// CHECK: %[[V:.*]] = qnn.reshape %[[R]] : tensor<2x2xf32> -> tensor<2x1x2xf32>
// CHECK: %[[T:.*]] = qnn.gather %[[V]] {source = array<i32: 0, 1, 2, 3>} : tensor<2x1x2xf32> -> tensor<1x2x2xf32>
// CHECK: %[[Q:.*]] = qnn.quantize %[[T]] : tensor<1x2x2xf32> -> tensor<1x2x2x!quant
// CHECK: %[[X:.*]] = qnn.max %[[Q]] : tensor<1x2x2x!quant{{.*}} -> tensor<1x2x!quant
// CHECK: return %[[X]]
func.func @moves(%x: tensor<2xf32>) -> tensor<1x2x!q> {
  %w = qnn.constant dense<[[1, 2], [3, -1], [0, 1], [1, 1]]> : tensor<4x2xi32> -> tensor<4x2x!w>
  %c = qnn.constant dense<[0.5, 0.25]> : tensor<2xf32> -> tensor<2xf32>
  %one = qnn.constant dense<1.0> : tensor<2xf32> -> tensor<2xf32>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %y = qnn.gemm %a, %w : (tensor<2x!q>, tensor<4x2x!w>) -> tensor<4xf32>
  %p = qnn.gather %y {source = array<i32: 0, 1, 2, 3>} : tensor<4xf32> -> tensor<2x2xf32>
  %m = qnn.max %p : tensor<2x2xf32> -> tensor<2xf32>
  %n = qnn.mul %m, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %b = qnn.batch_norm %n, %one, %c, %c, %one {epsilon = 1.0e-5 : f64}
      : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %r = qnn.activation relu %b : tensor<2xf32> -> tensor<2xf32>
  %v = qnn.reshape %r : tensor<2xf32> -> tensor<2x1xf32>
  %t = qnn.transpose %v {permutation = array<i64: 1, 0>} : tensor<2x1xf32> -> tensor<1x2xf32>
  %q = qnn.quantize %t : tensor<1x2xf32> -> tensor<1x2x!q>
  return %q : tensor<1x2x!q>
}

// -----

!q = !quant.uniform<u3:f32, 5.0e-01>
!w = !quant.uniform<i3<-3:3>:f32, 2.5e-01>

// A function that decreases somewhere.
// CHECK-LABEL: func @decreases
// CHECK: qnn.max %{{.*}} : tensor<2x2xf32> -> tensor<2xf32>
// CHECK: qnn.activation gelu
func.func @decreases(%x: tensor<2xf32>) -> tensor<2x!q> {
  %w = qnn.constant dense<[[1, 2], [3, -1], [0, 1], [1, 1]]> : tensor<4x2xi32> -> tensor<4x2x!w>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %y = qnn.gemm %a, %w : (tensor<2x!q>, tensor<4x2x!w>) -> tensor<4xf32>
  %p = qnn.reshape %y : tensor<4xf32> -> tensor<2x2xf32>
  %m = qnn.max %p : tensor<2x2xf32> -> tensor<2xf32>
  %r = qnn.activation gelu %m : tensor<2xf32> -> tensor<2xf32>
  %q = qnn.quantize %r : tensor<2xf32> -> tensor<2x!q>
  return %q : tensor<2x!q>
}

// -----

!q = !quant.uniform<u3:f32, 5.0e-01>
!w = !quant.uniform<i3<-3:3>:f32, 2.5e-01>

// A negative factor.
// CHECK-LABEL: func @flips
// CHECK: qnn.max %{{.*}} : tensor<2x2xf32> -> tensor<2xf32>
// CHECK: qnn.mul
func.func @flips(%x: tensor<2xf32>) -> tensor<2x!q> {
  %w = qnn.constant dense<[[1, 2], [3, -1], [0, 1], [1, 1]]> : tensor<4x2xi32> -> tensor<4x2x!w>
  %c = qnn.constant dense<[0.5, -0.25]> : tensor<2xf32> -> tensor<2xf32>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %y = qnn.gemm %a, %w : (tensor<2x!q>, tensor<4x2x!w>) -> tensor<4xf32>
  %p = qnn.reshape %y : tensor<4xf32> -> tensor<2x2xf32>
  %m = qnn.max %p : tensor<2x2xf32> -> tensor<2xf32>
  %n = qnn.mul %m, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %q = qnn.quantize %n : tensor<2xf32> -> tensor<2x!q>
  return %q : tensor<2x!q>
}

// -----

!q = !quant.uniform<u3:f32, 5.0e-01>

// Quantized numbers stay where they are: the maximum is of fewer bits than what follows.
// CHECK-LABEL: func @stays
// CHECK: qnn.max %{{.*}} : tensor<2x2x!quant
// CHECK: qnn.activation relu
// CHECK: qnn.quantize
func.func @stays(%x: tensor<4xf32>) -> tensor<2x!q> {
  %a = qnn.quantize %x : tensor<4xf32> -> tensor<4x!q>
  %p = qnn.reshape %a : tensor<4x!q> -> tensor<2x2x!q>
  %m = qnn.max %p : tensor<2x2x!q> -> tensor<2x!q>
  %r = qnn.activation relu %m : tensor<2x!q> -> tensor<2xf32>
  %q = qnn.quantize %r : tensor<2xf32> -> tensor<2x!q>
  return %q : tensor<2x!q>
}
