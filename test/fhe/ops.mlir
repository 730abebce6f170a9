// RUN: fhe-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: func @ops
func.func @ops(%x: tensor<2x!fhe.int<0:3>>, %i: tensor<1x3x3x!fhe.int<0:3>>, %p: tensor<1x4x4x!fhe.int<0:3>>,
               %a: tensor<4x!fhe.int<-4:3>>, %m: tensor<2x2x!fhe.int<0:3>>, %l: tensor<4x!fhe.int<-2:1>>) {
  // CHECK: fhe.linear %{{.*}} weights dense<{{.*}}> : tensor<1x2xi32> {ranges = #fhe.ranges<interval = [-6, 3], proven = [-6, 3]>}
  %0 = fhe.linear %x weights dense<[[1, -2]]> : tensor<1x2xi32> {ranges = #fhe.ranges<interval = [-6, 3], proven = [-6, 3]>}
      : tensor<2x!fhe.int<0:3>> -> tensor<1x!fhe.int<-6:3>>
  // CHECK: fhe.conv
  %1 = fhe.conv %i weights dense<1> : tensor<1x1x2x2xi32> {ranges = #fhe.ranges<interval = [0, 12], proven = [0, 12], observed = [1, 9]>}
      : tensor<1x3x3x!fhe.int<0:3>> -> tensor<1x2x2x!fhe.int<0:12>>
  // CHECK: fhe.sum_pool
  %2 = fhe.sum_pool %p {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>}
      : tensor<1x4x4x!fhe.int<0:3>> -> tensor<1x2x2x!fhe.int<0:12>>
  // CHECK: fhe.add
  %3 = fhe.add %a, %a : (tensor<4x!fhe.int<-4:3>>, tensor<4x!fhe.int<-4:3>>) -> tensor<4x!fhe.int<-8:6>>
  // CHECK: fhe.mul_const
  %4 = fhe.mul_const %a {factor = 3 : i64} : tensor<4x!fhe.int<-4:3>> -> tensor<4x!fhe.int<-12:9>>
  // CHECK: fhe.constant
  %5 = fhe.constant dense<[1, 2]> : tensor<2xi64> -> tensor<2x!fhe.int<1:2>>
  // CHECK: fhe.lut %{{.*}} lo -2 tables dense<{{.*}}> : tensor<1x1x4xi32> width 2 guard 0 : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  %6 = fhe.lut %l lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0
      : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  // CHECK: fhe.lut {{.*}} {frequencies = dense<{{.*}}> : tensor<1x4xf64>, rounded_width = 1 : i64}
  %9 = fhe.lut %l lo -2 tables dense<[[[0, 0, 0, 1]]]> : tensor<1x1x4xi32> width 2 guard 0
      {frequencies = dense<[[0.0, 0.5, 1.5, 2.0]]> : tensor<1x4xf64>, rounded_width = 1 : i64}
      : tensor<4x!fhe.int<-2:1>> -> tensor<4x!fhe.int<0:1>>
  // CHECK: fhe.lut {{.*}} {log2_step = 2 : i64}
  %10 = fhe.lut %m lo 0 tables dense<[[[0, 1]]]> : tensor<1x1x2xi32> width 1 guard 0 {log2_step = 2 : i64}
      : tensor<2x2x!fhe.int<0:3>> -> tensor<2x2x!fhe.int<0:1>>
  // CHECK: fhe.reshape
  %7 = fhe.reshape %m : tensor<2x2x!fhe.int<0:3>> -> tensor<4x!fhe.int<0:3>>
  // CHECK: fhe.gather
  %8 = fhe.gather %m {source = array<i64: 0, 2, 1, 3>} : (tensor<2x2x!fhe.int<0:3>>) -> tensor<2x2x!fhe.int<0:3>>
  return
}
