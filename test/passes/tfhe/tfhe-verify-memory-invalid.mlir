// RUN: fhe-opt --pass-pipeline='builtin.module(tfhe-verify-memory{max-memory=1000000})' --split-input-file --verify-diagnostics %s

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 896 log2_std -20.34838
  tfhe.glwe_key @g0 k 1 log2_poly 13 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 6
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 15 levels 2
}
// expected-error @+1 {{MB of memory, allowed are 1 MB [Q037]}}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>> {tfhe.slot = 0 : i64}) -> (tensor<2x!tfhe.lwe<@p::@g0, 57>> {tfhe.slot = 0 : i64})
    attributes {tfhe.arena_elements = {g0 = 2 : i64}} {
  return %x : tensor<2x!tfhe.lwe<@p::@g0, 57>>
}

// -----

// expected-error @below {{the program is not planned; run tfhe-plan-arena first}}
module {
  tfhe.parameters @p security 128 {
    tfhe.glwe_key @g0 k 1 log2_poly 13 log2_std -62.0
  }
  func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<2x!tfhe.lwe<@p::@g0, 57>> {
    return %x : tensor<2x!tfhe.lwe<@p::@g0, 57>>
  }
}
