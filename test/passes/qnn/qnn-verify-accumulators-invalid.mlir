// RUN: fhe-opt --qnn-verify-accumulators=max-bits=7 --split-input-file --verify-diagnostics %s

!u = !quant.uniform<u2:f32, 5.000000e-01>

// One more product than fits.
func.func @unsigned(%x: tensor<15xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<15xf32> -> tensor<15x!u>
  %w = qnn.constant dense<3> : tensor<1x15xi32> -> tensor<1x15x!u>
  // expected-error @below {{accumulator needs 8 bits, the limit is 7 [Q020]}}
  // expected-note @below {{its integers lie in [0, 135]; worst is output channel 0 with [0, 135] from 15 non-zero weights}}
  // expected-note @below {{its input is what qnn.quantize gives, integers in [0, 3]; its weights come from qnn.constant}}
  // expected-note @below {{help: prune its weights to at most 14 non-zero weights a channel (channel 0 has 15)}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --max-accumulator-bits=8}}
  %y = qnn.gemm %q, %w : (tensor<15x!u>, tensor<1x15x!u>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

!u = !quant.uniform<u2:f32, 5.000000e-01>
!s = !quant.uniform<i2:f32, 5.000000e-01>

func.func @signed(%x: tensor<11xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<11xf32> -> tensor<11x!u>
  %w = qnn.constant dense<-2> : tensor<1x11xi32> -> tensor<1x11x!s>
  // expected-error @below {{accumulator needs 8 bits, the limit is 7 [Q020]}}
  // expected-note @below {{its integers lie in [-66, 0]; worst is output channel 0 with [-66, 0] from 11 non-zero weights}}
  // expected-note @below {{its input is what}}
  // expected-note @below {{help: prune its weights to at most 10 non-zero weights a channel (channel 0 has 11)}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --max-accumulator-bits=8}}
  %y = qnn.gemm %q, %w : (tensor<11x!u>, tensor<1x11x!s>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

!u = !quant.uniform<u4:f32, 5.000000e-01>
!s = !quant.uniform<i4:f32, 5.000000e-01>

// Fewer bits of one operand are enough.
func.func @bits(%x: tensor<1xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<1xf32> -> tensor<1x!u>
  %w = qnn.constant dense<-8> : tensor<1x1xi32> -> tensor<1x1x!s>
  // expected-error @below {{accumulator needs 8 bits, the limit is 7 [Q020]}}
  // expected-note @below {{its integers lie in [-120, 0]}}
  // expected-note @below {{its input is what}}
  // expected-note @below {{help: quantize the weights of this layer to 3 bits (they have 4)}}
  // expected-note @below {{help: quantize its input to 3 bits (it has 4)}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --max-accumulator-bits=8}}
  %y = qnn.gemm %q, %w : (tensor<1x!u>, tensor<1x1x!s>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

!u = !quant.uniform<u7:f32, 5.000000e-01>

// A sum of two encrypted tensors is an accumulator as well.
func.func @sum(%x: tensor<2xf32>, %z: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!u>
  %b = qnn.quantize %z : tensor<2xf32> -> tensor<2x!u>
  // expected-error @below {{accumulator needs 8 bits, the limit is 7 [Q020]}}
  // expected-note @below {{its integers lie in [0, 254]}}
  // expected-note @below {{help: put a QuantIdentity of 1 bit less on the operands}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --max-accumulator-bits=8}}
  %y = qnn.add %a, %b : (tensor<2x!u>, tensor<2x!u>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!u = !quant.uniform<u8:f32, 5.000000e-01>
!s = !quant.uniform<i8:f32, 5.000000e-01>

// Both operands lose bits. A higher limit does with rounded tables: exact ones have at most 2^16 entries.
func.func @both(%x: tensor<64xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<64xf32> -> tensor<64x!u>
  %w = qnn.constant dense<-128> : tensor<1x64xi32> -> tensor<1x64x!s>
  // expected-error @below {{accumulator needs 22 bits, the limit is 7 [Q020]}}
  // expected-note @below {{its integers lie in [-2088960, 0]}}
  // expected-note @below {{its input is what}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --max-accumulator-bits=22 --round-accumulators=6}}
  %y = qnn.gemm %q, %w : (tensor<64x!u>, tensor<1x64x!s>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

!u = !quant.uniform<u4:f32, 5.000000e-01>
!s = !quant.uniform<i3<-3:3>:f32, 5.000000e-01>

// A narrow quantizer has an odd number of integers: two bits of it are [-1, 1], but other weights of two
// bits may reach -2. The limit of 7 bits is met by what holds for all of them.
func.func @narrow(%x: tensor<4xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<4xf32> -> tensor<4x!u>
  %w = qnn.constant dense<3> : tensor<1x4xi32> -> tensor<1x4x!s>
  // expected-error @below {{accumulator needs 8 bits, the limit is 7 [Q020]}}
  // expected-note @below {{its integers lie in [0, 180]}}
  // expected-note @below {{its input is what}}
  // expected-note @below {{help: quantize its input to 2 bits (it has 4)}}
  // expected-note @below {{help: prune its weights to at most 1 non-zero weights a channel (channel 0 has 4)}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --max-accumulator-bits=8}}
  %y = qnn.gemm %q, %w : (tensor<4x!u>, tensor<1x4x!s>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}
