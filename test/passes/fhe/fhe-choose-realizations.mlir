// RUN: fhe-opt --split-input-file --fhe-choose-realizations %s | FileCheck %s
// RUN: fhe-opt --split-input-file "--fhe-choose-realizations=direct-only" %s | FileCheck %s --check-prefix=DIRECT
// RUN: fhe-opt --split-input-file "--fhe-choose-realizations=log2-p-error=-3" %s | FileCheck %s --check-prefix=LARGE
// DIRECT-NOT: negacyclic
// DIRECT: width 5 guard 4

// A sign whose threshold is in the middle of all slots.
// CHECK-LABEL: func @main
// CHECK: width 3 guard 0 {realization = "negacyclic"}
func.func @main(%x: tensor<2x!fhe.int<-4:3>>) -> tensor<2x!fhe.int<-1:1>> {
  %y = fhe.lut %x lo -4 tables dense<[[[-1, -1, -1, -1, 1, 1, 1, 1]]]> : tensor<1x1x8xi32> width 3 guard 0
      : tensor<2x!fhe.int<-4:3>> -> tensor<2x!fhe.int<-1:1>>
  return %y : tensor<2x!fhe.int<-1:1>>
}

// -----

// Unused slots go where the lower half needs none: six integers of eight slots, the threshold above the
// middle; two results, a step with offset 1 and a constant.
// CHECK-LABEL: func @main
// CHECK: width 3 guard 0 {realization = "negacyclic"}
func.func @main(%x: tensor<2x!fhe.int<-4:1>>) -> (tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<5:5>>) {
  %y:2 = fhe.lut %x lo -4 tables dense<[[[0, 0, 0, 0, 1, 1], [5, 5, 5, 5, 5, 5]]]> : tensor<1x2x6xi32> width 3 guard 1
      : tensor<2x!fhe.int<-4:1>> -> tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<5:5>>
  return %y#0, %y#1 : tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<5:5>>
}

// -----

// Any function of two integers.
// CHECK-LABEL: func @main
// CHECK: width 1 guard 0 {realization = "negacyclic"}
func.func @main(%x: tensor<2x!fhe.int<0:1>>) -> tensor<2x!fhe.int<3:10>> {
  %y = fhe.lut %x lo 0 tables dense<[[[10, 3]]]> : tensor<1x1x2xi32> width 1 guard 0
      : tensor<2x!fhe.int<0:1>> -> tensor<2x!fhe.int<3:10>>
  return %y : tensor<2x!fhe.int<3:10>>
}

// -----

// A rectifier is no such function, nor is one of two tables.
// CHECK-LABEL: func @main
// CHECK-NOT: negacyclic
// CHECK: return
func.func @main(%x: tensor<2x!fhe.int<-2:1>>) -> tensor<2x!fhe.int<-1:1>> {
  %y = fhe.lut %x lo -2 tables dense<[[[-1, -1, 1, 1]], [[0, 0, 0, 1]]]> : tensor<2x1x4xi32> width 2 guard 0
      {table_of_element = array<i32: 0, 1>} : tensor<2x!fhe.int<-2:1>> -> tensor<2x!fhe.int<-1:1>>
  return %y : tensor<2x!fhe.int<-1:1>>
}

// -----

// The threshold is further from an end than half of the window: a sign no more.
// CHECK-LABEL: func @main
// CHECK-NOT: negacyclic
// CHECK: return
func.func @main(%x: tensor<2x!fhe.int<-5:2>>) -> tensor<2x!fhe.int<-1:1>> {
  %y = fhe.lut %x lo -5 tables dense<[[[-1, -1, -1, -1, -1, 1, 1, 1]]]> : tensor<1x1x8xi32> width 3 guard 0
      : tensor<2x!fhe.int<-5:2>> -> tensor<2x!fhe.int<-1:1>>
  return %y : tensor<2x!fhe.int<-1:1>>
}

// -----

// Rounded to 3 bits of 5, half a slot is 2 slots and 6 sigma at 2^-40 are 2: guards that hold the end
// values. The threshold at slot 2 + 12 is less than 16 from both guarded ends.
// CHECK-LABEL: func @main
// CHECK: width 5 guard 2 {realization = "negacyclic", rounded_width = 3 : i64}
func.func @main(%x: tensor<2x!fhe.int<-12:11>>) -> tensor<2x!fhe.int<-1:1>> {
  %y = fhe.lut %x lo -12 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]]> : tensor<1x1x24xi32> width 5 guard 4
      {rounded_width = 3 : i64} : tensor<2x!fhe.int<-12:11>> -> tensor<2x!fhe.int<-1:1>>
  return %y : tensor<2x!fhe.int<-1:1>>
}

// -----

// At a failure probability of 2^-3 the guards take 2 slots of 8 at both ends. Both
// integers lie in the lower half then: no entry of the upper half says what the offset is.
// LARGE: tensor<1x1x2xi32> width 3 guard 3 : tensor
func.func @main(%x: tensor<2x!fhe.int<0:1>>) -> tensor<2x!fhe.int<0:1>> {
  %y = fhe.lut %x lo 0 tables dense<[[[0, 1]]]> : tensor<1x1x2xi32> width 3 guard 3
      : tensor<2x!fhe.int<0:1>> -> tensor<2x!fhe.int<0:1>>
  return %y : tensor<2x!fhe.int<0:1>>
}
