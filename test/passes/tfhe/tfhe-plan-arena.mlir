// RUN: fhe-opt --pass-pipeline='builtin.module(func.func(tfhe-plan-arena))' %s | FileCheck %s

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }

// The slot of the input is free again for the third tensor; a view takes its operand's place.
// CHECK-LABEL: func.func @main
// CHECK-SAME: tfhe.slot = 0 : i64
// CHECK-SAME: tfhe.slot = 0 : i64
// CHECK-SAME: tfhe.arena_elements = {k = 12 : i64}
// CHECK: tfhe.linear %arg0 {{.*}} {slots = array<i64: 8>}
// CHECK: tfhe.reshape %{{.*}} : tensor<4x
// CHECK: tfhe.gather {{.*}} {slots = array<i64: 0>, source
func.func @main(%x: tensor<8x!tfhe.lwe<@p::@k, 60>>) -> tensor<3x!tfhe.lwe<@p::@k, 60>> {
  %a = tfhe.linear %x weights dense<1> : tensor<4x8xi32> : tensor<8x!tfhe.lwe<@p::@k, 60>> -> tensor<4x!tfhe.lwe<@p::@k, 60>>
  %v = tfhe.reshape %a : tensor<4x!tfhe.lwe<@p::@k, 60>> -> tensor<2x2x!tfhe.lwe<@p::@k, 60>>
  %y = tfhe.gather %v {source = array<i64: 0, 1, 2>} : (tensor<2x2x!tfhe.lwe<@p::@k, 60>>) -> tensor<3x!tfhe.lwe<@p::@k, 60>>
  return %y : tensor<3x!tfhe.lwe<@p::@k, 60>>
}
