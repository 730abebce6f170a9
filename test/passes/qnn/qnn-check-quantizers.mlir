// RUN: fhe-opt --qnn-check-quantizers %s | FileCheck %s

!q = !quant.uniform<i2:f32, 5.000000e-01>
!u = !quant.uniform<u2:f32, 5.000000e-01>
!half = !quant.uniform<u2:f32, 2.500000e-01>

// Scales in the exact ratio of small integers may be added; affine maps keep a value quantized.
// CHECK-LABEL: func @ratio
func.func @ratio(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!u>
  %b = qnn.quantize %x : tensor<2xf32> -> tensor<2x!half>
  // CHECK: qnn.add
  %y = qnn.add %a, %b : (tensor<2x!u>, tensor<2x!half>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// A declared input: its real offset goes through affine ops into the linear op.
// CHECK-LABEL: func @declared
func.func @declared(%x: tensor<2xf32>) -> tensor<1xf32> {
  %one = qnn.constant dense<1.0> : tensor<1xf32> -> tensor<1xf32>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!u>
  %b = qnn.add %a, %one : (tensor<2x!u>, tensor<1xf32>) -> tensor<2xf32>
  %w = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!q>
  // CHECK: qnn.gemm
  %y = qnn.gemm %b, %w : (tensor<2xf32>, tensor<1x2x!q>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}
