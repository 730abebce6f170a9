// RUN: fhe-opt --qnn-check-quantizers=exact-scales=true --split-input-file --verify-diagnostics %s

!q = !quant.uniform<i2:f32, 5.000000e-01>

// A network without any quantizer.
func.func @float(%x: tensor<2xf32>) -> tensor<1xf32> {
  %w = qnn.constant dense<1.0> : tensor<1x2xf32> -> tensor<1x2xf32>
  // expected-error @below {{input is not quantized: the file has no quantizer at all, it is a float network [Q009]}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --calibration F.npy --weight-bits 4 --activation-bits 4}}
  // expected-note @below {{help: or train it quantization-aware with Brevitas}}
  %y = qnn.gemm %x, %w : (tensor<2xf32>, tensor<1x2xf32>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// The QuantIdentity of the input is missing.
func.func @input(%x: tensor<2xf32> {qnn.name = "pixels"}) -> tensor<1x!q> {
  %w = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!q>
  // expected-error @below {{input is not quantized [Q012]}}
  // expected-note @below {{it comes from graph input 'pixels' without a quantizer between}}
  // expected-note @below {{put a QuantIdentity first in the network, or declare what the values are}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --input-bits=4 --input-range=0:1}}
  %y = qnn.gemm %x, %w : (tensor<2xf32>, tensor<1x2x!q>) -> tensor<1xf32>
  %z = qnn.quantize %y : tensor<1xf32> -> tensor<1x!q>
  return %z : tensor<1x!q>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// Two linear layers in a row: the accumulator is too wide to be an operand.
func.func @twice(%x: tensor<2xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %w = qnn.constant dense<[[1, -2], [1, 1]]> : tensor<2x2xi32> -> tensor<2x2x!q>
  %v = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!q>
  %a = qnn.gemm %q, %w : (tensor<2x!q>, tensor<2x2x!q>) -> tensor<2xf32> loc("fc1")
  // expected-error @below {{input is not quantized [Q010]}}
  // expected-note @below {{it comes from node 'fc1' (qnn.gemm), a wide accumulator, over the integers of node 'fc1' (qnn.gemm)}}
  // expected-note @below {{help: put a QuantIdentity (or QuantReLU) between node 'fc1' (qnn.gemm) and this node}}
  %y = qnn.gemm %a, %v : (tensor<2xf32>, tensor<1x2x!q>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// A quantized tensor plus an accumulator.
func.func @residual(%x: tensor<2xf32>) -> tensor<2xf32> {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %w = qnn.constant dense<[[1, -2], [1, 1]]> : tensor<2x2xi32> -> tensor<2x2x!q>
  %a = qnn.gemm %q, %w : (tensor<2x!q>, tensor<2x2x!q>) -> tensor<2xf32> loc("fc1")
  // expected-error @below {{operands are not quantized with one common scale [Q011]}}
  // expected-note @below {{qnn.quantize has scale 5.000000e-01}}
  // expected-note @below {{node 'fc1' (qnn.gemm) gives no quantized tensor (scale 2.500000e-01)}}
  // expected-note @below {{help: pass the operands through one shared QuantIdentity before the addition (some exporters drop the QuantTensor in residual adds)}}
  %y = qnn.add %q, %a : (tensor<2x!q>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>
!other = !quant.uniform<i2:f32, 3.700000e-01>

// Two scales without a small ratio.
func.func @scales(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q> loc("qa")
  %b = qnn.quantize %x : tensor<2xf32> -> tensor<2x!other> loc("qb")
  // expected-error @below {{operands are not quantized with one common scale [Q011]}}
  // expected-note @below {{node 'qa' (qnn.quantize) has scale 5.000000e-01}}
  // expected-note @below {{node 'qb' (qnn.quantize) has scale 3.700000e-01}}
  // expected-note @below {{help: pass the operands through one shared QuantIdentity before the addition}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --unequal-scales=rescale}}
  %y = qnn.add %a, %b : (tensor<2x!q>, tensor<2x!other>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>
!other = !quant.uniform<i2:f32, 3.700000e-01>

func.func @concat(%x: tensor<2xf32>) -> tensor<4xf32> {
  %zero = qnn.constant dense<0.0> : tensor<1xf32> -> tensor<1xf32>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %b = qnn.quantize %x : tensor<2xf32> -> tensor<2x!other>
  %c = qnn.add %a, %zero : (tensor<2x!q>, tensor<1xf32>) -> tensor<2xf32>
  %d = qnn.add %b, %zero : (tensor<2x!other>, tensor<1xf32>) -> tensor<2xf32>
  // expected-error @below {{operands are not quantized with one common scale [Q011]}}
  // expected-note @below {{qnn.add has scale 5.000000e-01 over the integers of qnn.quantize}}
  // expected-note @below {{qnn.add has scale 3.700000e-01 over the integers of qnn.quantize}}
  // expected-note @below {{help: pass the operands through one shared QuantIdentity before the concatenation}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --unequal-scales=rescale}}
  %y = qnn.concat %c, %d {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// A result that only a table could give, and no quantizer makes one.
func.func @result(%x: tensor<2xf32>) -> tensor<2xf32> {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q> loc("qa")
  // expected-error @below {{is a result of the network but neither an affine function of integers nor one that the client can apply, and no quantizer follows [Q013]}}
  // expected-note @below {{the integers are those of node 'qa' (qnn.quantize)}}
  // expected-note @below {{help: end the network before this operation and apply it after decryption}}
  %y = qnn.activation sin %q : tensor<2x!q> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// Float weights in a network that has quantizers.
func.func @weights(%x: tensor<2xf32>) -> tensor<1xf32> {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %w = qnn.constant dense<1.0> : tensor<1x2xf32> -> tensor<1x2xf32>
  // expected-error @below {{weights are not quantized [Q014]}}
  // expected-note @below {{help: use QuantLinear or QuantConv2d with a weight quantizer, per tensor or per output channel}}
  %y = qnn.gemm %q, %w : (tensor<2x!q>, tensor<1x2xf32>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// Two encrypted factors.
func.func @product(%x: tensor<2xf32>) -> tensor<2xf32> {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %t = qnn.transpose %q {permutation = array<i64: 0>} : tensor<2x!q> -> tensor<2x!q>
  // The same element twice is one function of it.
  %s = qnn.mul %q, %t : (tensor<2x!q>, tensor<2x!q>) -> tensor<2xf32>
  %g = qnn.gather %q {source = array<i32: 1, 0>} : tensor<2x!q> -> tensor<2x!q>
  // expected-error @below {{several operands are encrypted; all but one must be clear, or functions of the same integers [Q042]}}
  // expected-note @below {{operand 0 is over the integers of qnn.quantize}}
  // expected-note @below {{operand 1 is over the integers of qnn.quantize}}
  %y = qnn.mul %s, %g : (tensor<2xf32>, tensor<2x!q>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// Maxima of an accumulator, and of multiples of different scales.
func.func @maximum(%x: tensor<2x2xf32>) -> tensor<2xf32> {
  %q = qnn.quantize %x : tensor<2x2xf32> -> tensor<2x2x!q>
  %w = qnn.constant dense<[[1, -2], [1, 1]]> : tensor<2x2xi32> -> tensor<2x2x!q>
  %a = qnn.gemm %q, %w : (tensor<2x2x!q>, tensor<2x2x!q>) -> tensor<2x2xf32> loc("fc1")
  // expected-error @below {{input is not quantized [Q010]}}
  // expected-note @below {{it comes from node 'fc1' (qnn.gemm), a wide accumulator, over the integers of node 'fc1' (qnn.gemm)}}
  // expected-note @below {{help: put a QuantIdentity (or QuantReLU) between node 'fc1' (qnn.gemm) and this node}}
  %y = qnn.max %a : tensor<2x2xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>
!other = !quant.uniform<i2:f32, 3.700000e-01>

func.func @larger(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q> loc("qa")
  %b = qnn.quantize %x : tensor<2xf32> -> tensor<2x!other> loc("qb")
  // expected-error @below {{operands are not quantized with one common scale [Q011]}}
  // expected-note @below {{node 'qa' (qnn.quantize) has scale 5.000000e-01}}
  // expected-note @below {{node 'qb' (qnn.quantize) has scale 3.700000e-01}}
  // expected-note @below {{help: pass the operands through one shared QuantIdentity before the comparison}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --unequal-scales=rescale}}
  %y = qnn.binary max %a, %b : (tensor<2x!q>, tensor<2x!other>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// The integers say nothing about which is larger.
func.func @offsets(%x: tensor<2xf32>, %z: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %b = qnn.quantize %z : tensor<2xf32> -> tensor<2x!q>
  %c = qnn.constant dense<[0.1, 0.2]> : tensor<2xf32> -> tensor<2xf32>
  %d = qnn.add %a, %c : (tensor<2x!q>, tensor<2xf32>) -> tensor<2xf32>
  // expected-error @below {{compares values that are no multiples of one scale: different numbers were added to them [Q011]}}
  // expected-note @below {{help: put a QuantIdentity between those additions and this node}}
  %y = qnn.binary max %d, %b : (tensor<2xf32>, tensor<2x!q>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!q = !quant.uniform<u16:f32, 5.000000e-01>

func.func @wide(%x: tensor<2x2xf32>) -> tensor<2x!q> {
  %q = qnn.quantize %x : tensor<2x2xf32> -> tensor<2x2x!q>
  // expected-error @below {{compares integers in [0, 65535], which need more than 15 bits [Q021]}}
  // expected-note @below {{help: put a QuantIdentity of few bits before this node}}
  %y = qnn.max %q : tensor<2x2x!q> -> tensor<2x!q>
  return %y : tensor<2x!q>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// Nothing encrypted behind what the client computes.
func.func @behind_client(%x: tensor<2xf32>) -> tensor<2x!q> {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %s = qnn.softmax %q {axis = 0 : i64} : tensor<2x!q> -> tensor<2xf32> loc("attention")
  // expected-error @below {{takes what only the client can compute, on decrypted numbers: node 'attention' (qnn.softmax) [Q017]}}
  // expected-note @below {{help: end the network with node 'attention' (qnn.softmax)}}
  %y = qnn.quantize %s : tensor<2xf32> -> tensor<2x!q>
  return %y : tensor<2x!q>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// The client has no step for this one.
func.func @transposed(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %q = qnn.quantize %x : tensor<2x2xf32> -> tensor<2x2x!q>
  %s = qnn.softmax %q {axis = 0 : i64} : tensor<2x2x!q> -> tensor<2x2xf32>
  // expected-error @below {{takes what only the client can compute}}
  // expected-note @below {{help: end the network with}}
  %y = qnn.transpose %s {permutation = array<i64: 1, 0>} : tensor<2x2xf32> -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

func.func @inner_one_hot(%x: tensor<2xf32>) -> tensor<2x3x!q> {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %r = qnn.activation relu %q : tensor<2x!q> -> tensor<2xf32>
  // expected-error @below {{encodes class numbers that are no input of the network [Q015]}}
  // expected-note @below {{they come from}}
  // expected-note @below {{help: make the class numbers an input, which the client encodes}}
  %s = qnn.one_hot %r : tensor<2xf32> -> tensor<2x3xf32>
  %y = qnn.quantize %s : tensor<2x3xf32> -> tensor<2x3x!q>
  return %y : tensor<2x3x!q>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// All of a network in one run, but not what only follows: not the second result, computed from the refused
// sum; behind a quantizer the integers are known again.
func.func @several(%x: tensor<2xf32>, %p: tensor<2xf32> {qnn.name = "p"}) -> (tensor<2xf32>, tensor<2xf32>, tensor<2x!q>) {
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q> loc("q")
  %w = qnn.constant dense<[[1, -2], [1, 1]]> : tensor<2x2xi32> -> tensor<2x2x!q>
  %f = qnn.constant dense<1.0> : tensor<2x2xf32> -> tensor<2x2xf32>
  // expected-error @below {{input is not quantized [Q012]}}
  // expected-note @below {{it comes from graph input 'p'}}
  // expected-note @below {{put a QuantIdentity first}}
  // expected-note @below {{help: }}
  %a = qnn.gemm %p, %w : (tensor<2xf32>, tensor<2x2x!q>) -> tensor<2xf32>
  %s = qnn.add %a, %q : (tensor<2xf32>, tensor<2x!q>) -> tensor<2xf32> loc("sum")
  %r = qnn.quantize %s : tensor<2xf32> -> tensor<2x!q> loc("again")
  // expected-error @below {{weights are not quantized [Q014]}}
  // expected-note @below {{help: use QuantLinear}}
  %b = qnn.gemm %r, %f : (tensor<2x!q>, tensor<2x2xf32>) -> tensor<2xf32>
  return %s, %b, %r : tensor<2xf32>, tensor<2xf32>, tensor<2x!q>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// Two encrypted tensors are multiplied where the user allows the cost.
func.func @factors(%x: tensor<2xf32>, %z: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %b = qnn.quantize %z : tensor<2xf32> -> tensor<2x!q>
  // expected-error @below {{multiplies two encrypted tensors [Q042]}}
  // expected-note @below {{operand 0 is over the integers of qnn.quantize}}
  // expected-note @below {{operand 1 is over the integers of qnn.quantize}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --encrypted-products=tables}}
  %y = qnn.mul %a, %b : (tensor<2x!q>, tensor<2x!q>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

!q = !quant.uniform<u3:f32, 5.0e-01>

func.func @statistic(%x: tensor<2xf32>) -> tensor<2x!q> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  // expected-error @below {{normalizes by the mean of encrypted numbers, and no table can divide by that [Q018]}}
  // expected-note @below {{constants may stand in its place: the means over calibration samples, or train with BatchNorm, whose running statistics are constants in model.eval()}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --calibration F.npy --freeze-statistics}}
  %m = qnn.statistic mean %a : tensor<2x!q> -> tensor<1xf32>
  %n = qnn.activation neg %m : tensor<1xf32> -> tensor<1xf32>
  %s = qnn.add %a, %n : (tensor<2x!q>, tensor<1xf32>) -> tensor<2xf32>
  %q = qnn.quantize %s : tensor<2xf32> -> tensor<2x!q>
  return %q : tensor<2x!q>
}
