// RUN: fhe-opt --qnn-verify-accumulators=max-bits=7 %s | FileCheck %s

!u = !quant.uniform<u2:f32, 5.000000e-01>
!s = !quant.uniform<i2:f32, 5.000000e-01>

// 14 products of unsigned 2-bit numbers lie in [0, 126]: 7 bits.
// CHECK-LABEL: func @unsigned
func.func @unsigned(%x: tensor<14xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<14xf32> -> tensor<14x!u>
  %w = qnn.constant dense<3> : tensor<1x14xi32> -> tensor<1x14x!u>
  // CHECK: qnn.gemm
  %y = qnn.gemm %q, %w : (tensor<14x!u>, tensor<1x14x!u>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// 10 products of weights in [-2, 1] and unsigned 2-bit inputs: 7 bits, signed. The bound is that of
// the real weights of each channel.
// CHECK-LABEL: func @signed
func.func @signed(%x: tensor<10xf32>) -> tensor<2xf32> {
  %q = qnn.quantize %x : tensor<10xf32> -> tensor<10x!u>
  %w = qnn.constant dense<[[-2, -2, -2, -2, -2, -2, -2, -2, -2, -2], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]>
      : tensor<2x10xi32> -> tensor<2x10x!s>
  // CHECK: qnn.gemm
  %y = qnn.gemm %q, %w : (tensor<10x!u>, tensor<2x10x!s>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
