// A table over more than 2^16 integers is sampled; rounding makes its steps longer, without it it is refused.
// RUN: fhe-opt %s --convert-qnn-to-fhe | FileCheck %s
// RUN: fhe-opt %s --pass-pipeline='builtin.module(convert-qnn-to-fhe,func.func(fhe-assign-windows{round=4}))' | FileCheck %s --check-prefix=ROUNDED
// RUN: fhe-opt %s --pass-pipeline='builtin.module(convert-qnn-to-fhe,func.func(fhe-assign-windows))' --verify-diagnostics

!q = !quant.uniform<u16:f32, 5.000000e-01>
!r = !quant.uniform<u4:f32, 8.192000e+03>

// 131071 integers: each entry stands for two, of -1 and 0, 1 and 2, ...
// CHECK: fhe.lut {{.*}} lo 0 tables {{.*}} : tensor<1x1x65536xi32> width 16 guard 0 {log2_step = 1 : i64} : tensor<1x!fhe.int<0:131070>>
// At 4 bits 2^10 entries are left, and 6 standard deviations of the noise at each end.
// ROUNDED: fhe.lut {{.*}} lo 0 tables {{.*}} : tensor<1x1x{{513|514}}xi32> width 10 guard 255 {log2_step = 8 : i64, rounded_width = 4 : i64}
module {
func.func @main(%x: tensor<1xf32>, %z: tensor<1xf32>) -> tensor<1x!r> {
  %a = qnn.quantize %x : tensor<1xf32> -> tensor<1x!q>
  %b = qnn.quantize %z : tensor<1xf32> -> tensor<1x!q>
  %s = qnn.add %a, %b : (tensor<1x!q>, tensor<1x!q>) -> tensor<1xf32>
  // expected-error @below {{table would need 131071 entries, exact ones have at most 65536 [Q021]}}
  // expected-note @below {{help: fhe-compile MODEL.onnx --round-accumulators=6}}
  %y = qnn.quantize %s : tensor<1xf32> -> tensor<1x!r>
  return %y : tensor<1x!r>
}
}
