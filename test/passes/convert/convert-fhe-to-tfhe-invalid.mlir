// RUN: fhe-opt --convert-fhe-to-tfhe --split-input-file --verify-diagnostics %s

// A table of more than 8 bits.
func.func @main(%x: tensor<2x!fhe.int<0:511>>) -> tensor<2x!fhe.int<0:1>> {
  // expected-error @+2 {{a table needs 9 bits, the limit is 8 [Q021]}}
  // expected-note @+1 {{its window of 9 bits holds [0, 511]}}
  %y = fhe.lut %x lo 0 tables dense<1> : tensor<1x1x512xi32> width 9 guard 0 : tensor<2x!fhe.int<0:511>> -> tensor<2x!fhe.int<0:1>>
  return %y : tensor<2x!fhe.int<0:1>>
}

// -----

// No set has so little noise.
func.func @main(%x: tensor<1x!fhe.int<0:1>>) -> tensor<1x!fhe.int<0:1>> {
  %h = fhe.lut %x lo 0 tables dense<[[[0, 1]]]> : tensor<1x1x2xi32> width 8 guard 0 : tensor<1x!fhe.int<0:1>> -> tensor<1x!fhe.int<0:1>>
  %a = fhe.linear %h weights dense<[[2000000000]]> : tensor<1x1xi32> {calibrated} : tensor<1x!fhe.int<0:1>> -> tensor<1x!fhe.int<0:255>>
  %b = fhe.linear %a weights dense<[[2000000000]]> : tensor<1x1xi32> {calibrated} : tensor<1x!fhe.int<0:255>> -> tensor<1x!fhe.int<0:255>>
  // expected-error @+2 {{no parameter set keeps a table of 8 bits right at a 2-norm of 4000000000000000000.00 and a failure probability of 2^-40 [Q031]}}
  // expected-note @+1 {{parameters exist up to a 2-norm of 131072}}
  %y = fhe.lut %b lo 0 tables dense<1> : tensor<1x1x256xi32> width 8 guard 0 : tensor<1x!fhe.int<0:255>> -> tensor<1x!fhe.int<0:1>>
  return %y : tensor<1x!fhe.int<0:1>>
}

// -----

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{'arith.addf' op is not an operation of the fhe dialect}}
  %y = arith.addf %x, %x : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// expected-error @+1 {{inputs and outputs must be tensors of !fhe.int}}
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}

// -----

// expected-error @+1 {{no func.func @main of one block in the module}}
module {
}

// -----

// The accumulator is named, not the quantizer behind it.
func.func @main(%x: tensor<1x!fhe.int<0:511>>) -> tensor<1x!fhe.int<0:1>> {
  // expected-error @+1 {{a table needs 10 bits, the limit is 8 [Q021]}}
  %a = fhe.linear %x weights dense<2> : tensor<1x1xi32> : tensor<1x!fhe.int<0:511>> -> tensor<1x!fhe.int<0:1022>>
  // expected-note @+1 {{its window of 10 bits holds [0, 1022]}}
  %y = fhe.lut %a lo 0 tables dense<1> : tensor<1x1x1023xi32> width 10 guard 0 : tensor<1x!fhe.int<0:1022>> -> tensor<1x!fhe.int<0:1>>
  return %y : tensor<1x!fhe.int<0:1>>
}

// -----

// Each alone is satisfiable: the output asks for the little noise of small keys, the table for large ones.
func.func @main(%x: tensor<1x!fhe.int<0:1>>, %z: tensor<1x!fhe.int<0:255>>)
    -> (tensor<1x!fhe.int<0:1>>, tensor<1x!fhe.int<0:1>>) {
  %h = fhe.lut %x lo 0 tables dense<[[[0, 1]]]> : tensor<1x1x2xi32> width 1 guard 0 : tensor<1x!fhe.int<0:1>> -> tensor<1x!fhe.int<0:1>>
  %a = fhe.linear %h weights dense<[[100000000]]> : tensor<1x1xi32> {calibrated} : tensor<1x!fhe.int<0:1>> -> tensor<1x!fhe.int<0:1>>
  // expected-error @+2 {{no one parameter set satisfies all tables and outputs together at a failure probability of 2^-40 [Q031]}}
  // expected-note @+1 {{the others could be satisfied without this table of 8 bits, at a 2-norm of 1}}
  %y = fhe.lut %z lo 0 tables dense<1> : tensor<1x1x256xi32> width 8 guard 0 : tensor<1x!fhe.int<0:255>> -> tensor<1x!fhe.int<0:1>>
  return %a, %y : tensor<1x!fhe.int<0:1>>, tensor<1x!fhe.int<0:1>>
}
