// Functions of another level are left as they are, in their order; the next pass refuses them.
// RUN: fhe-opt --pass-pipeline='builtin.module(func.func(tfhe-schedule))' %s | FileCheck %s
// RUN: not fhe-opt --pass-pipeline='builtin.module(func.func(tfhe-schedule,tfhe-plan-arena))' %s 2>&1 | FileCheck %s --check-prefix=NEXT

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }
// CHECK-LABEL: func.func @foreign
// CHECK-NEXT: tfhe.constant
// CHECK-NEXT: arith.constant
// CHECK-NEXT: tfhe.gather
// NEXT: error: 'arith.constant' op is not an operation of the tfhe dialect
func.func @foreign(%x: tensor<2x!tfhe.lwe<@p::@k, 60>>) -> tensor<1x!tfhe.lwe<@p::@k, 60>> {
  %dead = tfhe.constant dense<[1, 2, 3]> : tensor<3xi64> -> tensor<3x!tfhe.lwe<@p::@k, 60>>
  %i = arith.constant 1 : i32
  %g = tfhe.gather %x {source = array<i64: 0>} : (tensor<2x!tfhe.lwe<@p::@k, 60>>) -> tensor<1x!tfhe.lwe<@p::@k, 60>>
  return %g : tensor<1x!tfhe.lwe<@p::@k, 60>>
}
