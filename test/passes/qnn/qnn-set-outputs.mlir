// RUN: fhe-opt --qnn-set-outputs=raw %s | FileCheck %s --check-prefix=RAW
// RUN: fhe-opt --qnn-set-outputs %s | FileCheck %s --check-prefix=QUANTIZED

!q = !quant.uniform<u3:f32, 5.0e-01>
!w = !quant.uniform<i3<-3:3>:f32, 2.5e-01>

// The quantizer at the end goes, what is behind it stays; one inside the network stays.
// RAW-LABEL: func @last
// RAW-SAME: -> tensor<2x1xf32>
// RAW: qnn.quantize
// RAW: %[[Y:.*]] = qnn.gemm
// RAW-NOT: qnn.quantize
// RAW: %[[R:.*]] = qnn.reshape %[[Y]] : tensor<2xf32> -> tensor<2x1xf32>
// RAW: return %[[R]]
// QUANTIZED-LABEL: func @last
// QUANTIZED-SAME: -> tensor<2x1x!quant.uniform<u3:f32, 5.000000e-01>>
// QUANTIZED: qnn.gemm
// QUANTIZED: qnn.quantize
func.func @last(%x: tensor<2xf32>) -> tensor<2x1x!q> {
  %w = qnn.constant dense<[[1, 2], [3, -1]]> : tensor<2x2xi32> -> tensor<2x2x!w>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %y = qnn.gemm %a, %w : (tensor<2x!q>, tensor<2x2x!w>) -> tensor<2xf32>
  %b = qnn.quantize %y : tensor<2xf32> -> tensor<2x!q>
  %r = qnn.reshape %b : tensor<2x!q> -> tensor<2x1x!q>
  return %r : tensor<2x1x!q>
}

// Behind a quantizer that another layer reads, too: that layer keeps it. The client's steps stay.
// RAW-LABEL: func @shared
// RAW: %[[Y:.*]] = qnn.gemm
// RAW: %[[Q:.*]] = qnn.quantize %[[Y]]
// RAW: %[[Z:.*]] = qnn.gemm %[[Q]]
// RAW: %[[S:.*]] = qnn.softmax %[[Y]] {axis = 0 : i64} : tensor<2xf32> -> tensor<2xf32>
// RAW: return %[[S]], %[[Z]]
func.func @shared(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2x!q>) {
  %w = qnn.constant dense<[[1, 2], [3, -1]]> : tensor<2x2xi32> -> tensor<2x2x!w>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %y = qnn.gemm %a, %w : (tensor<2x!q>, tensor<2x2x!w>) -> tensor<2xf32>
  %b = qnn.quantize %y : tensor<2xf32> -> tensor<2x!q>
  %s = qnn.softmax %b {axis = 0 : i64} : tensor<2x!q> -> tensor<2xf32>
  %z = qnn.gemm %b, %w : (tensor<2x!q>, tensor<2x2x!w>) -> tensor<2xf32>
  %zq = qnn.quantize %z : tensor<2xf32> -> tensor<2x!q>
  return %s, %zq : tensor<2xf32>, tensor<2x!q>
}

// The quantizer of an input is all there is.
// RAW-LABEL: func @input_only
// RAW: qnn.quantize
func.func @input_only(%x: tensor<2xf32>) -> tensor<2x!q> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  return %a : tensor<2x!q>
}
