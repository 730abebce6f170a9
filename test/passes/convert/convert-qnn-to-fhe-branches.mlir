// Functions of one integer that branch and meet again become one table.
// RUN: fhe-opt --convert-qnn-to-fhe --fhe-fuse-luts %s | FileCheck %s

!s3 = !quant.uniform<i3:f32, 1.000000e+00>
!u4 = !quant.uniform<u4:f32, 5.000000e-01>

// y = relu(a) + (a > -2 ? 0.5 : a*a), a from -4 to 3: halves are the result's integers.
//   a:   -4  -3  -2  -1   0    1    2    3
//   y:   16   9   4  0.5  0.5  1.5  2.5  3.5
module {
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<2xf32>) -> tensor<2x!u4> {
  %zero = qnn.constant dense<0.0> : tensor<1xf32> -> tensor<1xf32>
  %half = qnn.constant dense<0.5> : tensor<1xf32> -> tensor<1xf32>
  %minus = qnn.constant dense<-2.0> : tensor<1xf32> -> tensor<1xf32>
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!s3>
  %w = qnn.constant dense<[[1, 0], [0, 1]]> : tensor<2x2xi32> -> tensor<2x2x!s3>
  %a = qnn.gemm %q, %w : (tensor<2x!s3>, tensor<2x2x!s3>) -> tensor<2xf32>
  %relu = qnn.binary max %a, %zero : (tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  %square = qnn.mul %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %above = qnn.binary greater %a, %minus : (tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  %chosen = qnn.select %above, %half, %square : (tensor<2xf32>, tensor<1xf32>, tensor<2xf32>) -> tensor<2xf32>
  %sum = qnn.add %relu, %chosen : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: fhe.lut %{{.*}} lo -4 tables dense<{{\[\[\[}}15, 15, 8, 1, 1, 3, 5, 7]]]>
  // CHECK-NOT: fhe.lut
  %y = qnn.quantize %sum : tensor<2xf32> -> tensor<2x!u4>
  return %y : tensor<2x!u4>
}
}
