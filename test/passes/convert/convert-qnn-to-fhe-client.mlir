// RUN: fhe-opt --convert-qnn-to-fhe %s | FileCheck %s

!u2 = !quant.uniform<u2:f32, 5.000000e-01>
!u1 = !quant.uniform<u1:f32, 1.000000e+00>
!i3 = !quant.uniform<i3:f32, 1.000000e+00>

// What follows the last integers is done by the client: functions, normalization, reshapes and what only
// it can compute. The integers of @main are those before.
module {
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x2x!fhe.int<0:3>>
// CHECK-SAME: %[[IDS:.*]]: tensor<3x2x!fhe.int<0:1>> {fhe.client = {
// CHECK-SAME: pre = [{classes = 2 : i64, op = "one_hot"}]
// CHECK-SAME: shape = [3]}}
// CHECK-SAME: name = "classes"
// CHECK-SAME: post = [{axis = 1 : i64, keepdims = false, op = "argmax", select_last_index = false}]
// CHECK-SAME: shape = [2, 2]}}
// CHECK-SAME: name = "scores"
// CHECK-SAME: post = [{alpha = 0.000000e+00 : f64, beta = 0.000000e+00 : f64, name = "sigmoid", op = "function"}, {offset = [0.000000e+00], op = "affine", scale = [4.000000e+00, 2.000000e+00]}, {axis = 0 : i64, op = "softmax"}, {op = "reshape", shape = array<i64: 4>}, {axis = 0 : i64, k = 2 : i64, op = "topk", output = "values"}]
// CHECK-SAME: shape = [2, 2]}}
// CHECK: %[[ROWS:.*]] = fhe.linear %[[IDS]]
// CHECK: return %[[X]], %[[X]], %[[ROWS]]
func.func @main(%x: tensor<2x2xf32> {qnn.name = "x"}, %ids: tensor<3xf32> {qnn.name = "ids"})
    -> (tensor<2xf32> {qnn.name = "classes"}, tensor<2xf32> {qnn.name = "scores"}, tensor<3x1xf32> {qnn.name = "rows"}) {
  %q = qnn.quantize %x : tensor<2x2xf32> -> tensor<2x2x!u2>
  %t = qnn.top_k %q {axis = 1 : i64, k = 1 : i64, indices} : tensor<2x2x!u2> -> tensor<2x1xf32>
  %c = qnn.reshape %t : tensor<2x1xf32> -> tensor<2xf32>
  %s = qnn.activation sigmoid %q : tensor<2x2x!u2> -> tensor<2x2xf32>
  %f = qnn.constant dense<[[4.0], [2.0]]> : tensor<2x1xf32> -> tensor<2x1xf32>
  %m = qnn.mul %s, %f : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %n = qnn.softmax %m {axis = 0 : i64} : tensor<2x2xf32> -> tensor<2x2xf32>
  %r = qnn.reshape %n : tensor<2x2xf32> -> tensor<4xf32>
  %k = qnn.top_k %r {axis = 0 : i64, k = 2 : i64} : tensor<4xf32> -> tensor<2xf32>
  %h = qnn.one_hot %ids : tensor<3xf32> -> tensor<3x2xf32>
  %b = qnn.quantize %h : tensor<3x2xf32> -> tensor<3x2x!u1>
  %w = qnn.constant dense<[[1, -2]]> : tensor<1x2xi32> -> tensor<1x2x!i3>
  %e = qnn.gemm %b, %w : (tensor<3x2x!u1>, tensor<1x2x!i3>) -> tensor<3x1xf32>
  return %c, %k, %e : tensor<2xf32>, tensor<2xf32>, tensor<3x1xf32>
}
}
