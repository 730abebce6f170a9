// RUN: fhe-opt -split-input-file -verify-diagnostics %s

// Weights do not go with the input.
func.func @f(%x: tensor<3x!fhe.int<0:3>>) {
  // expected-error @+1 {{'fhe.linear' op shapes do not agree}}
  %0 = fhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> : tensor<3x!fhe.int<0:3>> -> tensor<1x!fhe.int<-6:3>>
  return
}

// -----

// expected-error @+1 {{range is empty: 3 to 0}}
func.func @f(%x: tensor<3x!fhe.int<3:0>>) {
  return
}

// -----

// expected-error @+1 {{range 0 to 1099511627776 exceeds 2^40}}
func.func @f(%x: tensor<3x!fhe.int<0:1099511627776>>) {
  return
}

// -----

func.func @f(%x: tensor<2x!fhe.int<0:3>>) {
  // expected-error @+1 {{each range is a pair [lo, hi] with lo <= hi}}
  %0 = fhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> {ranges = #fhe.ranges<interval = [3, -6], proven = [-6, 3]>} : tensor<2x!fhe.int<0:3>> -> tensor<1x!fhe.int<-6:3>>
  return
}

// -----

// A 2x2 window over 3x3 gives 2x2.
func.func @f(%x: tensor<1x3x3x!fhe.int<0:3>>) {
  // expected-error @+1 {{'fhe.conv' op result dimension 1 must be 2, found 3}}
  %0 = fhe.conv %x weights dense<1> : tensor<1x1x2x2xi32> : tensor<1x3x3x!fhe.int<0:3>> -> tensor<1x3x3x!fhe.int<0:12>>
  return
}

// -----

func.func @f(%x: tensor<3x3x3x!fhe.int<0:3>>) {
  // expected-error @+1 {{'fhe.conv' op channels do not agree}}
  %0 = fhe.conv %x weights dense<1> : tensor<1x1x2x2xi32> : tensor<3x3x3x!fhe.int<0:3>> -> tensor<1x2x2x!fhe.int<0:12>>
  return
}

// -----

func.func @f(%x: tensor<2x4x4x!fhe.int<0:3>>) {
  // expected-error @+1 {{'fhe.sum_pool' op must keep the channels}}
  %0 = fhe.sum_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<2x4x4x!fhe.int<0:3>> -> tensor<1x2x2x!fhe.int<0:12>>
  return
}

// -----

func.func @f(%x: tensor<2x!fhe.int<0:3>>, %y: tensor<3x!fhe.int<0:3>>) {
  // expected-error @+1 {{'fhe.add' op operands and result must have one shape}}
  %0 = fhe.add %x, %y : (tensor<2x!fhe.int<0:3>>, tensor<3x!fhe.int<0:3>>) -> tensor<2x!fhe.int<0:6>>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'fhe.constant' op value 2 is outside '!fhe.int<0:1>'}}
  %0 = fhe.constant dense<[1, 2]> : tensor<2xi64> -> tensor<2x!fhe.int<0:1>>
  return
}

// -----

// The table must cover the input.
func.func @f(%x: tensor<4x!fhe.int<-2:2>>) {
  // expected-error @+1 {{'fhe.lut' op tables cover -2 to 1 but the input is '!fhe.int<-2:2>'}}
  %0 = fhe.lut %x lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 3 guard 0 : tensor<4x!fhe.int<-2:2>> -> tensor<4x!fhe.int<0:1>>
  return
}

// -----

func.func @f(%x: tensor<4x!fhe.int<-2:1>>) {
  // expected-error @+1 {{'fhe.lut' op guard 1 and 4 entries exceed the window of 4 slots}}
  %0 = fhe.lut %x lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 1 : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  return
}

// -----

func.func @f(%x: tensor<2x!fhe.int<-2:1>>) {
  // expected-error @+1 {{'fhe.lut' op table_of_element names table 1 of 1}}
  %0 = fhe.lut %x lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0 {table_of_element = array<i32: 0, 1>} : tensor<2x!fhe.int<-2:1>> -> tensor<2x!fhe.int<0:1>>
  return
}

// -----

func.func @f(%x: tensor<4x!fhe.int<-2:1>>) {
  // expected-error @+1 {{'fhe.lut' op table value 2 is outside '!fhe.int<0:1>'}}
  %0 = fhe.lut %x lo -2 tables dense<[[[0, 0, 0, 2]]]> : tensor<1x1x4xi32> width 2 guard 0 : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  return
}

// -----

func.func @f(%x: tensor<2x!fhe.int<0:3>>) {
  // expected-error @+1 {{'fhe.reshape' op must keep the range}}
  %0 = fhe.reshape %x : tensor<2x!fhe.int<0:3>> -> tensor<1x2x!fhe.int<0:4>>
  return
}

// -----

func.func @f(%x: tensor<2x!fhe.int<0:3>>) {
  // expected-error @+1 {{'fhe.gather' op source 2 is outside the 2 input elements}}
  %0 = fhe.gather %x {source = array<i64: 2>} : (tensor<2x!fhe.int<0:3>>) -> tensor<1x!fhe.int<0:3>>
  return
}

// -----

func.func @f(%x: tensor<4x!fhe.int<-4:3>>) {
  // expected-error @+1 {{'fhe.mul_const' op must keep the shape}}
  %0 = fhe.mul_const %x {factor = 3 : i64} : tensor<4x!fhe.int<-4:3>> -> tensor<2x2x!fhe.int<-12:9>>
  return
}

// -----

func.func @f(%x: tensor<4x!fhe.int<-2:1>>) {
  // expected-error @+1 {{'fhe.lut' op frequencies must be dense f64 [1, 4], found 'tensor<4xf64>'}}
  %0 = fhe.lut %x lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0 {frequencies = dense<1.0> : tensor<4xf64>} : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  return
}

// -----

func.func @f(%x: tensor<4x!fhe.int<-2:1>>) {
  // expected-error @+1 {{'fhe.lut' op frequencies must not be negative, found -1}}
  %0 = fhe.lut %x lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0 {frequencies = dense<-1.0> : tensor<1x4xf64>} : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  return
}

// -----

func.func @f(%x: tensor<4x!fhe.int<-2:1>>) {
  // expected-error @+1 {{'fhe.lut' op is realized without a padding bit, but a table is not negacyclic: its upper 2 slots are not an offset minus its lower ones}}
  %0 = fhe.lut %x lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0 {realization = "negacyclic"} : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  return
}

// -----

func.func @f(%x: tensor<4x!fhe.int<-2:1>>) {
  // expected-error @+1 {{'fhe.lut' op realization must be "direct" or "negacyclic", found "wide"}}
  %0 = fhe.lut %x lo -2 tables dense<[[[0, 0, 1, 1]]]> : tensor<1x1x4xi32> width 2 guard 0 {realization = "wide"} : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  return
}

// -----

func.func @f(%x: tensor<4x!fhe.int<-2:5>>) {
  // expected-error @+1 {{'fhe.lut' op tables cover -1 to 0 steps but the input is '!fhe.int<-2:5>'}}
  %0 = fhe.lut %x lo -1 tables dense<[[[0, 1]]]> : tensor<1x1x2xi32> width 1 guard 0 {log2_step = 1 : i64} : tensor<4x!fhe.int<-2:5>> -> tensor<4x!fhe.int<0:1>>
  return
}
