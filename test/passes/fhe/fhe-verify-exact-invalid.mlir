// RUN: fhe-opt --fhe-verify-exact -split-input-file -verify-diagnostics %s

// The sum reaches 6.
func.func @main(%x: tensor<1x!fhe.int<0:3>> {fhe.client = {}}) -> (tensor<1x!fhe.int<0:5>> {fhe.client = {}}) {
  // expected-error @+1 {{'fhe.linear' op can give 0 to 6 but its type is '!fhe.int<0:5>'}}
  %a = fhe.linear %x weights dense<2> : tensor<1x1xi32> : tensor<1x!fhe.int<0:3>> -> tensor<1x!fhe.int<0:5>>
  return %a : tensor<1x!fhe.int<0:5>>
}

// -----

// Padding is the integer 0, which the type must contain.
func.func @main(%x: tensor<1x1x1x!fhe.int<2:3>> {fhe.client = {}}) -> (tensor<1x2x2x!fhe.int<2:3>> {fhe.client = {}}) {
  // expected-error @+1 {{'fhe.conv' op can give 0 to 3 but its type is '!fhe.int<2:3>'}}
  %a = fhe.conv %x weights dense<1> : tensor<1x1x1x1xi32> {pads = array<i64: 0, 0, 1, 1>}
      : tensor<1x1x1x!fhe.int<2:3>> -> tensor<1x2x2x!fhe.int<2:3>>
  return %a : tensor<1x2x2x!fhe.int<2:3>>
}

// -----

// expected-error @+1 {{'func.func' op argument 0 has no fhe.client}}
func.func @main(%x: tensor<1x!fhe.int<0:3>>) -> (tensor<1x!fhe.int<0:3>> {fhe.client = {}}) {
  return %x : tensor<1x!fhe.int<0:3>>
}

// -----

// expected-error @+1 {{has an argument or result of another level: 'tensor<1xf32>'}}
func.func @main(%x: tensor<1xf32> {fhe.client = {}}) -> (tensor<1xf32> {fhe.client = {}}) {
  return %x : tensor<1xf32>
}

// -----

func.func @main(%x: tensor<1x!fhe.int<0:3>> {fhe.client = {}}) -> (tensor<1x!fhe.int<0:3>> {fhe.client = {}}) {
  // expected-error @+1 {{'arith.constant' op has a result of another level: 'i32'}}
  %c = arith.constant 1 : i32
  return %x : tensor<1x!fhe.int<0:3>>
}

// -----

// expected-error @+1 {{has no function @main with one block}}
module {
}

// -----

func.func @main(%x: tensor<1x!fhe.int<-4:3>> {fhe.client = {}}) -> (tensor<1x!fhe.int<-4:3>> {fhe.client = {}}) {
  // expected-error @+1 {{'fhe.mul_const' op can give -9 to 12 but its type is '!fhe.int<-9:11>'}}
  %a = fhe.mul_const %x {factor = -3 : i64} : tensor<1x!fhe.int<-4:3>> -> tensor<1x!fhe.int<-9:11>>
  return %x : tensor<1x!fhe.int<-4:3>>
}

// -----

// A sum that says it is a maximum, but whose table is another one.
module {
func.func @main(%a: tensor<1x!fhe.int<0:1>> {fhe.client = {}}, %b: tensor<1x!fhe.int<0:1>> {fhe.client = {}}) -> (tensor<1x!fhe.int<0:1>> {fhe.client = {}}) {
  %d = fhe.add %a, %b {rhs_factor = -1 : i64} : (tensor<1x!fhe.int<0:1>>, tensor<1x!fhe.int<0:1>>) -> tensor<1x!fhe.int<-1:1>>
  %t = fhe.lut %d lo -1 tables dense<[[[0, 1, 1]]]> : tensor<1x1x3xi32> width 2 guard 0 : tensor<1x!fhe.int<-1:1>> -> tensor<1x!fhe.int<0:1>>
  // expected-error @below {{is not the larger or smaller one of two values}}
  %m = fhe.add %b, %t {maximum} : (tensor<1x!fhe.int<0:1>>, tensor<1x!fhe.int<0:1>>) -> tensor<1x!fhe.int<0:1>>
  return %m : tensor<1x!fhe.int<0:1>>
}
}
