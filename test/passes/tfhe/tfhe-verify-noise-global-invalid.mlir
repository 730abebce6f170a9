// RUN: fhe-opt --pass-pipeline='builtin.module(tfhe-verify-noise{log2-p-error=0 log2-global-p-error=-20})' --verify-diagnostics %s

// Each table within any bound, the whole beyond its own; and guards for so large a probability.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
// expected-error @+1 {{an inference fails with probability 2^-10.47, allowed is 2^-20 [Q035]}}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 59>>) -> tensor<2x!tfhe.lwe<@p::@g0, 59>> {
  %h = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x12xi32> width 4 guard 2
      : tensor<2x!tfhe.lwe<@p::@g0, 59>> -> tensor<2x!tfhe.lwe<@p::@g0, 59>>
  return %h : tensor<2x!tfhe.lwe<@p::@g0, 59>>
}
