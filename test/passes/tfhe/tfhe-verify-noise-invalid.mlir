// RUN: fhe-opt --tfhe-verify-noise --split-input-file --verify-diagnostics %s

// Parameters for 3 bits, a table of 4.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 59>>) -> tensor<2x!tfhe.lwe<@p::@g0, 59>> {
  // expected-error @+3 {{a table of 4 bits fails with probability 2^-11.46, allowed is 2^-40 [Q032]}}
  // expected-note @+2 {{noise has standard deviation 2^}}
  // expected-note @+1 {{help: fhe-compile MODEL.onnx --round-accumulators=3}}
  %h = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x16xi32> width 4 guard 0
      : tensor<2x!tfhe.lwe<@p::@g0, 59>> -> tensor<2x!tfhe.lwe<@p::@g0, 59>>
  return %h : tensor<2x!tfhe.lwe<@p::@g0, 59>>
}

// -----

// A raw output is a noise constraint of its own, at its full width.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<1x!tfhe.lwe<@p::@g0, 60>>) -> tensor<1x!tfhe.lwe<@p::@g0, 52>> {
  %h = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x8xi32> width 3 guard 0
      : tensor<1x!tfhe.lwe<@p::@g0, 60>> -> tensor<1x!tfhe.lwe<@p::@g0, 52>>
  // expected-error-re @+3 {{output 0 fails with probability 2^-{{[0-9.]+}}, allowed is 2^-40 [Q033]}}
  // expected-note @+2 {{noise has standard deviation}}
  // expected-note @+1 {{help: fhe-compile}}
  %y = tfhe.linear %h weights dense<1024> : tensor<1x1xi32> : tensor<1x!tfhe.lwe<@p::@g0, 52>> -> tensor<1x!tfhe.lwe<@p::@g0, 52>>
  return %y : tensor<1x!tfhe.lwe<@p::@g0, 52>>
}

// -----

// A rounded window whose first value sits at its end: noise of a slot would change its sign.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<1x!tfhe.lwe<@p::@g0, 57>>) -> tensor<1x!tfhe.lwe<@p::@g0, 60>> {
  // expected-error @+2 {{a rounded table has a value 4.4}}
  // expected-note @+1 {{guard 2, 60 entries, 64 slots}}
  %h = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x60xi32> width 6 guard 2 {rounded_width = 3 : i64}
      : tensor<1x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x!tfhe.lwe<@p::@g0, 60>>
  return %h : tensor<1x!tfhe.lwe<@p::@g0, 60>>
}

// -----

// expected-error @+1 {{no tfhe.parameters in the module}}
module {
  func.func @main() { return }
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{'arith.addf' op is not an operation of the tfhe dialect}}
  %y = arith.addf %x, %x : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// Two sets: the sum is under the wide set's key, but its small table reads it over the narrow set's
// keyswitch, and the conversion's own noise is counted: two levels of 3 bits are too coarse.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 830 log2_std -18.64
  tfhe.glwe_key @g0 k 1 log2_poly 11 log2_std -49.951
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks0 from @g0 to @s0 base_log 2 levels 8
  tfhe.keyswitch_key @ks1 from @g1 to @s0 base_log 2 levels 8
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 3 levels 2
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 60>>) -> tensor<2x!tfhe.lwe<@p::@g0, 60>> {
  %a = tfhe.lookup %x keyswitch @p::@ks0 bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x8xi32> width 3 guard 0
      : tensor<2x!tfhe.lwe<@p::@g0, 60>> -> tensor<2x!tfhe.lwe<@p::@g0, 60>>
  %b = tfhe.convert %a keyswitch @p::@c01 : tensor<2x!tfhe.lwe<@p::@g0, 60>> -> tensor<2x!tfhe.lwe<@p::@g1, 60>>
  // expected-error @+3 {{a table of 3 bits fails with probability 2^-}}
  // expected-note @+2 {{noise has standard deviation 2^-}}
  // expected-note @+1 {{help: fhe-compile MODEL.onnx --round-accumulators=2}}
  %h = tfhe.lookup %b keyswitch @p::@ks1 bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x8xi32> width 3 guard 0
      : tensor<2x!tfhe.lwe<@p::@g1, 60>> -> tensor<2x!tfhe.lwe<@p::@g0, 60>>
  return %h : tensor<2x!tfhe.lwe<@p::@g0, 60>>
}

// -----

// A value with three consumers: the one that fails most often is named, the others are told.
tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 771 log2_std -17.136285014005605
  tfhe.glwe_key @g0 k 2 log2_poly 10 log2_std -49.951071428571431
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 23 levels 1
}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 58>>) -> (tensor<2x!tfhe.lwe<@p::@g0, 59>>, tensor<2x!tfhe.lwe<@p::@g0, 59>>, tensor<2x!tfhe.lwe<@p::@g0, 58>>) {
  // expected-note @+1 {{another consumer of the same value, a table of 4 bits, fails with probability 2^-11.46}}
  %h = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x16xi32> width 4 guard 0 {log2_factor = 1}
      : tensor<2x!tfhe.lwe<@p::@g0, 58>> -> tensor<2x!tfhe.lwe<@p::@g0, 59>>
  // expected-error @+3 {{a table of 5 bits fails with probability 2^-3.75, allowed is 2^-40 [Q032]}}
  // expected-note @+2 {{noise has standard deviation 2^-7.84, half a slot is 2^-7; at most 2^-9.84 is allowed}}
  // expected-note @+1 {{help: fhe-compile MODEL.onnx --round-accumulators=4}}
  %i = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x32xi32> width 5 guard 0
      : tensor<2x!tfhe.lwe<@p::@g0, 58>> -> tensor<2x!tfhe.lwe<@p::@g0, 59>>
  // expected-note @+1 {{another consumer of the same value, output 2, fails with probability 2^-}}
  return %h, %i, %x : tensor<2x!tfhe.lwe<@p::@g0, 59>>, tensor<2x!tfhe.lwe<@p::@g0, 59>>, tensor<2x!tfhe.lwe<@p::@g0, 58>>
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 830 log2_std -18.64
}
// expected-error @+1 {{is not under a GLWE key of the parameters}}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@s0, 60>>) -> tensor<2x!tfhe.lwe<@p::@s0, 60>> {
  return %x : tensor<2x!tfhe.lwe<@p::@s0, 60>>
}

// -----

// A module that says its results may be shared is held to it, whatever the options say.
module attributes {tfhe.profile = "shareable"} {
  tfhe.parameters @p security 128 {
    tfhe.lwe_key @s0 dimension 896 log2_std -20.34838
    tfhe.glwe_key @g0 k 1 log2_poly 13 log2_std -62.0
    tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 6
    tfhe.bootstrap_key @bs from @s0 to @g0 base_log 15 levels 2
  }
  func.func @main(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<2x!tfhe.lwe<@p::@g0, 59>> {
    // expected-error @+3 {{a table of 6 bits fails with probability 2^-40.38, allowed is 2^-128 [Q032]}}
    // expected-note @+2 {{noise has standard deviation}}
    // expected-note @+1 {{help: fhe-compile}}
    %h = tfhe.lookup %x keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x64xi32> width 6 guard 0
        : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<2x!tfhe.lwe<@p::@g0, 59>>
    return %h : tensor<2x!tfhe.lwe<@p::@g0, 59>>
  }
}
