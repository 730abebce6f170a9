// RUN: fhe-opt --convert-qnn-to-fhe --split-input-file --verify-diagnostics %s

!q = !quant.uniform<i2:f32, 5.000000e-01>
!other = !quant.uniform<i3:f32, 5.000000e-01>

// One input, two readings.
module {
func.func @main(%x: tensor<2xf32>) -> (tensor<2x!q>, tensor<2x!other>) {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q> loc("qa")
  // expected-error @below {{quantizes an input that another quantizer reads differently [Q015]}}
  // expected-note @below {{the other one is node 'qa' (qnn.quantize)}}
  // expected-note @below {{help: put one shared QuantIdentity first in the network}}
  %b = qnn.quantize %x : tensor<2xf32> -> tensor<2x!other>
  return %a, %b : tensor<2x!q>, tensor<2x!other>
}
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// The client applies affine functions only.
module {
func.func @main(%x: tensor<2xf32>) -> tensor<2x!q> {
  %t = qnn.activation tanh %x : tensor<2xf32> -> tensor<2xf32>
  // expected-error @below {{quantizes a non-affine function of an input, which the client cannot apply [Q015]}}
  // expected-note @below {{help: put the QuantIdentity of the input first, before other operations}}
  %a = qnn.quantize %t : tensor<2xf32> -> tensor<2x!q>
  return %a : tensor<2x!q>
}
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// An input nothing reads.
module {
// expected-error @below {{graph input 'unused' reaches no quantizer [Q012]}}
func.func @main(%x: tensor<2xf32>, %u: tensor<1xf32> {qnn.name = "unused"}) -> tensor<2x!q> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  return %a : tensor<2x!q>
}
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// exp of a large number times zero.
module {
func.func @main(%x: tensor<1xf32>) -> tensor<1x!q> {
  %a = qnn.quantize %x : tensor<1xf32> -> tensor<1x!q>
  %big = qnn.constant dense<1.0e30> : tensor<1xf32> -> tensor<1xf32>
  %zero = qnn.constant dense<0.0> : tensor<1xf32> -> tensor<1xf32>
  %m = qnn.mul %a, %big : (tensor<1x!q>, tensor<1xf32>) -> tensor<1xf32>
  %e = qnn.activation exp %m : tensor<1xf32> -> tensor<1xf32> loc("exp")
  %n = qnn.mul %e, %zero : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32> loc("mul")
  // expected-error @below {{a value before this quantizer is no number [Q016]}}
  // expected-note @below {{it comes from node 'mul' (qnn.mul)}}
  %y = qnn.quantize %n : tensor<1xf32> -> tensor<1x!q>
  return %y : tensor<1x!q>
}
}

// -----

// expected-error @below {{has no function @main}}
module {
func.func @other() {
  return
}
}
