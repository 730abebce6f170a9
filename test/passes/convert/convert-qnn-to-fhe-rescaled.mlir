// Unequal scales meet by a table on the operand where it costs least; products by tables of squares.
// RUN: fhe-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(qnn-check-quantizers{products},qnn-verify-accumulators{products}),convert-qnn-to-fhe{products},func.func(fhe-fuse-luts,fhe-assign-windows),fhe-verify-exact)' | FileCheck %s

!q = !quant.uniform<u2:f32, 5.000000e-01>
!i = !quant.uniform<i4:f32, 3.700000e-01>

// Of two inputs the one with fewer integers is looked up: at scale 0.37, 1 is 1.35 and 2 is 2.70.
// CHECK: %[[A:.*]] = fhe.lut %arg0 lo 0 tables dense<{{\[\[\[}}0, 1, 3, 4]]]>
// CHECK: fhe.add %[[A]], %arg1 {ranges = #fhe.ranges<interval = [-8, 11], proven = [-8, 11]>}
module {
func.func @main(%x: tensor<2xf32>, %z: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %b = qnn.quantize %z : tensor<2xf32> -> tensor<2x!i>
  %y = qnn.add %a, %b : (tensor<2x!q>, tensor<2x!i>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
}

// -----

!q = !quant.uniform<u2:f32, 5.000000e-01>
!i = !quant.uniform<i4:f32, 3.700000e-01>
!w = !quant.uniform<i2:f32, 1.000000e+00>

// The result of a table costs no further one: of scale 0.37 it is rounded to 0.25 = 0.5 / 2.
// CHECK: %[[L:.*]] = fhe.linear
// CHECK: %[[B:.*]] = fhe.lut %[[L]]
// CHECK-NOT: fhe.lut
// CHECK: fhe.add %arg0, %[[B]] {lhs_factor = 2 : i64, ranges = #fhe.ranges<interval = [-12, 16], proven =
// CHECK: return
module {
func.func @main(%x: tensor<2xf32>, %z: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %c = qnn.quantize %z : tensor<2xf32> -> tensor<2x!q>
  %w = qnn.constant dense<[[1, -2], [-2, -2]]> : tensor<2x2xi32> -> tensor<2x2x!w>
  %g = qnn.gemm %c, %w : (tensor<2x!q>, tensor<2x2x!w>) -> tensor<2xf32>
  %b = qnn.quantize %g : tensor<2xf32> -> tensor<2x!i>
  %y = qnn.add %a, %b : (tensor<2x!q>, tensor<2x!i>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
}

// -----

!q = !quant.uniform<u2:f32, 5.000000e-01>
!i = !quant.uniform<i4:f32, 3.700000e-01>
!h = !quant.uniform<i4:f32, 7.400000e-01>

// A concatenation at the finest scale: a table for one operand, a factor of 2 for another.
// CHECK: %[[A:.*]] = fhe.lut %arg0 lo 0 tables dense<{{\[\[\[}}0, 1, 3, 4]]]>
// CHECK: fhe.gather %[[A]]
// CHECK: fhe.mul_const %arg2 {factor = 2 : i64}
// CHECK: return
module {
func.func @main(%x: tensor<1xf32>, %z: tensor<1xf32>, %v: tensor<1xf32>) -> tensor<3xf32> {
  %a = qnn.quantize %x : tensor<1xf32> -> tensor<1x!q>
  %b = qnn.quantize %z : tensor<1xf32> -> tensor<1x!i>
  %c = qnn.quantize %v : tensor<1xf32> -> tensor<1x!h>
  %y = qnn.concat %a, %b, %c {axis = 0 : i64} : (tensor<1x!q>, tensor<1x!i>, tensor<1x!h>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}
}

// -----

!q = !quant.uniform<u1:f32, 5.000000e-01>
!i = !quant.uniform<i2:f32, 3.700000e-01>

// a b = (a+b)^2/4 - (a-b)^2/4, both rounded down.
// CHECK-DAG: %[[S:.*]] = fhe.add %arg0, %arg1 {ranges = #fhe.ranges<interval = [-2, 2]
// CHECK-DAG: %[[D:.*]] = fhe.add %arg0, %arg1 {ranges = #fhe.ranges<interval = [-1, 3]{{.*}} rhs_factor = -1 : i64}
// CHECK-DAG: %[[Q:.*]] = fhe.lut %[[S]] lo -2 tables dense<{{\[\[\[}}1, 0, 0, 0, 1]]]>
// CHECK-DAG: %[[R:.*]] = fhe.lut %[[D]] lo -1 tables dense<{{\[\[\[}}0, 0, 0, 1, 2]]]>
// CHECK: fhe.add %[[Q]], %[[R]] {{.*}}rhs_factor = -1 : i64{{.*}} -> tensor<2x!fhe.int<-2:1>>
// CHECK: return
module {
func.func @main(%x: tensor<2xf32>, %z: tensor<2xf32>) -> tensor<2xf32> {
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %b = qnn.quantize %z : tensor<2xf32> -> tensor<2x!i>
  %y = qnn.mul %a, %b : (tensor<2x!q>, tensor<2x!i>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
}
