// RUN: fhe-opt --fhe-verify-exact %s | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: fhe.linear
// CHECK: fhe.lut
func.func @main(%x: tensor<2x!fhe.int<0:3>> {fhe.client = {name = "x"}}) -> (tensor<1x!fhe.int<0:1>> {fhe.client = {name = "y"}}) {
  %a = fhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> : tensor<2x!fhe.int<0:3>> -> tensor<1x!fhe.int<-6:3>>
  %b = fhe.lut %a lo -6 tables dense<[[[0, 0, 0, 0, 0, 0, 0, 1, 1, 1]]]> : tensor<1x1x10xi32> width 4 guard 3
      : tensor<1x!fhe.int<-6:3>> -> tensor<1x!fhe.int<0:1>>
  return %b : tensor<1x!fhe.int<0:1>>
}
