// RUN: fhe-opt --pass-pipeline='builtin.module(func.func(tfhe-plan-arena))' --verify-diagnostics %s

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{'arith.addf' op is not an operation of the tfhe dialect}}
  %y = arith.addf %x, %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
