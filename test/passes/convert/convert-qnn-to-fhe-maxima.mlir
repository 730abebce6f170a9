// Pairs of maxima: windows share them, the depth is the logarithm of the window.
// RUN: fhe-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(qnn-check-quantizers,qnn-verify-accumulators),convert-qnn-to-fhe,func.func(fhe-fuse-luts,fhe-assign-windows),fhe-verify-exact)' | FileCheck %s
// RUN: fhe-opt %s --split-input-file --pass-pipeline='builtin.module(convert-qnn-to-fhe,func.func(fhe-fuse-luts,fhe-assign-windows{round=2}),fhe-verify-exact)' | FileCheck %s

!q = !quant.uniform<u2:f32, 5.000000e-01>

// The largest of three: a pair, then the pair and the third. A difference has one bit more, and its table is
// never rounded.
// CHECK: %[[A:.*]] = fhe.gather %{{.*}} {source = array<i64: 0, 3>}
// CHECK: %[[B:.*]] = fhe.gather %{{.*}} {source = array<i64: 1, 4>}
// CHECK: %[[D:.*]] = fhe.add %[[A]], %[[B]] {ranges = #fhe.ranges<interval = [-3, 3], proven = [-3, 3]>, rhs_factor = -1 : i64}
// CHECK: %[[T:.*]] = fhe.lut %[[D]] lo -3 tables dense<{{\[\[\[}}0, 0, 0, 0, 1, 2, 3]]]> : tensor<1x1x7xi32> width 3 guard 0 :
// CHECK: %[[M:.*]] = fhe.add %[[B]], %[[T]] {maximum} : {{.*}} -> tensor<2x!fhe.int<0:3>>
// CHECK: fhe.gather {{.*}} {source = array<i64: 2, 5>}
// CHECK: fhe.lut
// CHECK: fhe.add {{.*}} {maximum} : {{.*}} -> tensor<2x!fhe.int<0:3>>
// CHECK-NOT: fhe.lut
// CHECK: return
module {
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x!q> {
  %a = qnn.quantize %x : tensor<2x3xf32> -> tensor<2x3x!q>
  %y = qnn.max %a : tensor<2x3x!q> -> tensor<2x!q>
  return %y : tensor<2x!q>
}
}

// -----

!q = !quant.uniform<u2:f32, 5.000000e-01>

// Windows of 2 by 2 at every place of 3 by 3: six pairs of a row (or column), then four pairs of pairs; 12
// without sharing. The smallest of values is the largest of their negatives: a table of min(v, 0).
// CHECK: fhe.lut {{.*}} dense<{{\[\[\[}}-3, -2, -1, 0, 0, 0, 0]]]> {{.*}} : tensor<6x!fhe.int<-3:3>> -> tensor<6x!fhe.int<-3:0>>
// CHECK: fhe.lut {{.*}} tensor<4x!fhe.int<-3:3>> -> tensor<4x!fhe.int<-3:0>>
// CHECK: fhe.reshape {{.*}} tensor<1x2x2x!fhe.int<0:3>>
// CHECK: return
module {
func.func @main(%x: tensor<1x3x3xf32>) -> tensor<1x2x2xf32> {
  %a = qnn.quantize %x : tensor<1x3x3xf32> -> tensor<1x3x3x!q>
  %n = qnn.activation neg %a : tensor<1x3x3x!q> -> tensor<1x3x3xf32>
  %g = qnn.gather %n {source = array<i32: 0, 1, 3, 4, 1, 2, 4, 5, 3, 4, 6, 7, 4, 5, 7, 8>} : tensor<1x3x3xf32> -> tensor<1x2x2x4xf32>
  %m = qnn.max %g : tensor<1x2x2x4xf32> -> tensor<1x2x2xf32>
  %y = qnn.activation neg %m : tensor<1x2x2xf32> -> tensor<1x2x2xf32>
  return %y : tensor<1x2x2xf32>
}
}

// -----

!q = !quant.uniform<u2:f32, 5.000000e-01>
!i = !quant.uniform<i3:f32, 2.500000e-01>

// Two tensors: the coarser one times 2, and the larger one of both.
// CHECK: %[[A:.*]] = fhe.mul_const %arg0 {factor = 2 : i64} : tensor<2x!fhe.int<0:3>> -> tensor<2x!fhe.int<0:6>>
// CHECK: fhe.add %[[A]], %arg1 {ranges = #fhe.ranges<interval = [-3, 10], proven = [-3, 10]>, rhs_factor = -1 : i64}
// CHECK: fhe.add %arg1, {{.*}} {maximum} : {{.*}} -> tensor<2x!fhe.int<0:6>>
module {
func.func @main(%x: tensor<2xf32>, %z: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %b = qnn.quantize %z : tensor<2xf32> -> tensor<2x!i>
  %y = qnn.binary max %a, %b : (tensor<2x!q>, tensor<2x!i>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
}

// -----

!q = !quant.uniform<u2:f32, 5.000000e-01>
!w = !quant.uniform<i2<-1:1>:f32, 1.000000e+00>

// A quantizer on windows that overlap looks each number up once, and the maxima behind it are of those numbers,
// not of copies.
// CHECK: %[[Y:.*]] = fhe.linear
// CHECK: fhe.lut %[[Y]] {{.*}} : tensor<3x!fhe.int<{{.*}}>> -> tensor<3x!fhe.int<0:3>>
// CHECK: fhe.lut {{.*}} tensor<2x!fhe.int<-3:3>> -> tensor<2x!fhe.int<0:3>>
// CHECK-NOT: fhe.lut
module {
func.func @main(%x: tensor<2xf32>) -> tensor<2x!q> {
  %w = qnn.constant dense<[[1, 1], [1, 0], [0, 1]]> : tensor<3x2xi32> -> tensor<3x2x!w>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %y = qnn.gemm %a, %w : (tensor<2x!q>, tensor<3x2x!w>) -> tensor<3xf32>
  %g = qnn.gather %y {source = array<i32: 0, 1, 1, 2>} : tensor<3xf32> -> tensor<2x2xf32>
  %q = qnn.quantize %g : tensor<2x2xf32> -> tensor<2x2x!q>
  %m = qnn.max %q : tensor<2x2x!q> -> tensor<2x!q>
  return %m : tensor<2x!q>
}
}
