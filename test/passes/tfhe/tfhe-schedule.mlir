// RUN: fhe-opt --pass-pipeline='builtin.module(func.func(tfhe-schedule))' %s | FileCheck %s

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }

// The constant moves down to its use; the dead operation goes; shrinking comes before growing.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: tfhe.linear %arg0 weights dense<1>
// CHECK-NEXT: tfhe.gather
// CHECK-NEXT: tfhe.constant
// CHECK-NEXT: tfhe.combine
// CHECK-NEXT: return
func.func @main(%x: tensor<8x!tfhe.lwe<@p::@k, 60>>) -> tensor<3x!tfhe.lwe<@p::@k, 60>> {
  %c = tfhe.constant dense<[1, 2, 3]> : tensor<3xi64> -> tensor<3x!tfhe.lwe<@p::@k, 60>>
  %dead = tfhe.gather %x {source = array<i64: 0>} : (tensor<8x!tfhe.lwe<@p::@k, 60>>) -> tensor<1x!tfhe.lwe<@p::@k, 60>>
  %a = tfhe.linear %x weights dense<1> : tensor<1x8xi32> : tensor<8x!tfhe.lwe<@p::@k, 60>> -> tensor<1x!tfhe.lwe<@p::@k, 60>>
  %g = tfhe.gather %a {source = array<i64: 0, 0, -1>} : (tensor<1x!tfhe.lwe<@p::@k, 60>>) -> tensor<3x!tfhe.lwe<@p::@k, 60>>
  %y = tfhe.combine %g, %c {coefficients = array<i64: 1, 1>, log2_factors = array<i64: 0, 0>}
      : (tensor<3x!tfhe.lwe<@p::@k, 60>>, tensor<3x!tfhe.lwe<@p::@k, 60>>) -> tensor<3x!tfhe.lwe<@p::@k, 60>>
  return %y : tensor<3x!tfhe.lwe<@p::@k, 60>>
}
