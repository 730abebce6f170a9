// A table that may be rounded is exact where that costs nothing.
//
// RUN: fhe-opt --split-input-file "--fhe-choose-realizations=max-parameter-sets=1" %s | FileCheck %s

// The second table needs keys of 3 bits at a larger norm; without a padding bit the first one is exact with
// the keys of 3 bits, rounded to 3 with those of 2.
// CHECK-LABEL: func @main
// CHECK: width 4 guard 0 {realization = "negacyclic"} :
// CHECK: width 3 guard 0 :
func.func @main(%x: tensor<2x!fhe.int<-8:7>>, %z: tensor<2x!fhe.int<-1:1>>)
    -> (tensor<2x!fhe.int<-1:1>>, tensor<2x!fhe.int<0:7>>) {
  %a = fhe.lut %x lo -8 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1]]]> : tensor<1x1x16xi32>
      width 4 guard 0 {rounded_width = 3 : i64} : tensor<2x!fhe.int<-8:7>> -> tensor<2x!fhe.int<-1:1>>
  %b = fhe.mul_const %z {factor = 3 : i64} : tensor<2x!fhe.int<-1:1>> -> tensor<2x!fhe.int<-3:3>>
  %c = fhe.lut %b lo -3 tables dense<[[[0, 1, 5, 3, 4, 7, 6, 2]]]> : tensor<1x1x8xi32>
      width 3 guard 0 : tensor<2x!fhe.int<-3:3>> -> tensor<2x!fhe.int<0:7>>
  return %a, %c : tensor<2x!fhe.int<-1:1>>, tensor<2x!fhe.int<0:7>>
}

// -----

// By itself it is rounded: keys of 2 bits are cheaper. The guards of 2 slots hold the end values.
// CHECK-LABEL: func @main
// CHECK: width 5 guard 2 {realization = "negacyclic", rounded_width = 3 : i64}
func.func @main(%x: tensor<2x!fhe.int<-12:11>>) -> tensor<2x!fhe.int<-1:1>> {
  %y = fhe.lut %x lo -12 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]]> : tensor<1x1x24xi32> width 5 guard 4
      {rounded_width = 3 : i64} : tensor<2x!fhe.int<-12:11>> -> tensor<2x!fhe.int<-1:1>>
  return %y : tensor<2x!fhe.int<-1:1>>
}

// -----

// Values whose encodings depend on the choice: the source of both tables is written for the wider one,
// which no longer has a padding bit.
// CHECK-LABEL: func @main
// CHECK: width 4 guard 0 {realization = "negacyclic"}
// CHECK: width 4 guard 0 :
func.func @main(%x: tensor<2x!fhe.int<-8:7>>) -> (tensor<2x!fhe.int<-1:1>>, tensor<2x!fhe.int<0:7>>) {
  %a = fhe.lut %x lo -8 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1]]]> : tensor<1x1x16xi32>
      width 4 guard 0 : tensor<2x!fhe.int<-8:7>> -> tensor<2x!fhe.int<-1:1>>
  %c = fhe.lut %x lo -8 tables dense<[[[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]]]> : tensor<1x1x16xi32>
      width 4 guard 0 : tensor<2x!fhe.int<-8:7>> -> tensor<2x!fhe.int<0:7>>
  return %a, %c : tensor<2x!fhe.int<-1:1>>, tensor<2x!fhe.int<0:7>>
}
