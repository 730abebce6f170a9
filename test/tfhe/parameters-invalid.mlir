// RUN: fhe-opt --split-input-file --verify-diagnostics %s

// The LWE key's noise is below the security curve.
tfhe.parameters @p security 128 {
  // expected-error @+1 {{'tfhe.lwe_key' op noise 2^-2.500000e+01 is below the 128-bit security curve, which asks for 2^-1.885797e+01 at dimension 838}}
  tfhe.lwe_key @s0 dimension 838 log2_std -25.0
}

// -----

// The same noise is enough for 128 bits, not for 132.
tfhe.parameters @p security 132 {
  // expected-error @+1 {{is below the 132-bit security curve}}
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
}

// -----

// A GLWE key below the curve.
tfhe.parameters @p security 128 {
  // expected-error @+1 {{'tfhe.glwe_key' op noise 2^-6.200000e+01 is below the 128-bit security curve}}
  tfhe.glwe_key @g0 k 1 log2_poly 11 log2_std -62.0
}

// -----

// The curve is not valid for small dimensions.
tfhe.parameters @p security 128 {
  // expected-error @+1 {{dimension 449 has no known security of 128 bits; at least 450 is needed}}
  tfhe.lwe_key @s0 dimension 449 log2_std -1.0
}

// -----

tfhe.parameters @p security 128 {
  // expected-error @+1 {{dimension must be 1 to 4096, found 5000}}
  tfhe.lwe_key @s0 dimension 5000 log2_std -1.0
}

// -----

tfhe.parameters @p security 128 {
  // expected-error @+1 {{distribution 'sparse' is not built; only 'binary' is}}
  tfhe.lwe_key @s0 dimension 838 log2_std -18.0 {distribution = "sparse"}
}

// -----

// expected-error @+1 {{security must be 128 or 132, found 80}}
tfhe.parameters @p security 80 {
}

// -----

// A conversion to a key that is not there.
tfhe.parameters @p security 128 {
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  // expected-error @+1 {{target @s0 must be a tfhe.lwe_key or a tfhe.glwe_key}}
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
}

// -----

// A bootstrap leads from an LWE key to a GLWE key.
tfhe.parameters @p security 128 {
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  // expected-error @+1 {{source @g0 must be a tfhe.lwe_key}}
  tfhe.bootstrap_key @bs from @g0 to @g0 base_log 22 levels 1
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  // expected-error @+1 {{engine 'amortized' is not built; only 'classic' is}}
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1 {engine = "amortized"}
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  // expected-error @+1 {{switch_kind 'drift' must be 'plain' or 'centred'}}
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1 {switch_kind = "drift"}
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  // expected-error @+1 {{decomposition levels times log2 of the base is 66, allowed are 1 to 64}}
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 3
}

// -----

tfhe.parameters @p security 128 clear_only {
  // expected-error @+1 {{must not stand in clear_only parameters}}
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
}

// -----

tfhe.parameters @p security 128 {
  // expected-error @+1 {{is only for clear_only parameters}}
  tfhe.clear_key @g0
}

// -----

tfhe.parameters @p security 128 {
  // expected-error @+1 {{word_bits must be 32 or 64, found 16}}
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968 word_bits 16
}

// -----

// 32-bit words cannot carry less than 4 units of noise.
tfhe.parameters @p security 128 {
  // expected-error @+1 {{noise 2^-3.100000e+01 is below the 128-bit security curve, which asks for 2^-3.000000e+01 at dimension 1400}}
  tfhe.lwe_key @s0 dimension 1400 log2_std -31.0 word_bits 32
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968 word_bits 32
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  // expected-error @+1 {{9 levels of 4 bits do not fit the 32-bit words of @s0}}
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 4 levels 9
}

// -----

// TUniform is held to the same curve, and its bound to the standard deviation beside it.
tfhe.parameters @p security 128 {
  // expected-error @+1 {{noise 2^-1.979248e+01 is below the 128-bit security curve}}
  tfhe.lwe_key @s0 dimension 800 log2_std -19.792481250360578 tuniform 45
}

// -----

tfhe.parameters @p security 128 {
  // expected-error @+1 {{log2_std of TUniform(46) on 64-bit words is -1.879248e+01, found -1.800000e+01}}
  tfhe.lwe_key @s0 dimension 879 log2_std -18.0 tuniform 46
}

// -----

tfhe.parameters @p security 128 {
  // expected-error @+1 {{tuniform must be 0 to 29, found 30}}
  tfhe.lwe_key @s0 dimension 879 log2_std -2.79 tuniform 30 word_bits 32
}

// -----

// Partial keys: only where the region says what they rest on, and with the noise of their live coefficients.
tfhe.parameters @p security 128 {
  // expected-error @+1 {{has 2560 live coefficients of 16384; partial keys need key_assumptions "extended"}}
  tfhe.glwe_key @g0 k 1 log2_poly 14 live 2560 log2_std -62.0
}

// -----

tfhe.parameters @p security 128 key_assumptions "extended" {
  // expected-error @+1 {{noise 2^-6.200000e+01 is below the 128-bit security curve, which asks for 2^-4.995107e+01 at dimension 2048}}
  tfhe.glwe_key @g0 k 1 log2_poly 14 live 2048 log2_std -62.0
}

// -----

tfhe.parameters @p security 128 key_assumptions "extended" {
  // expected-error @+1 {{live must be 1 to 16383, found 16384}}
  tfhe.glwe_key @g0 k 1 log2_poly 14 live 16384 log2_std -62.0
}

// -----

// Nested keys: the same, in a GLWE key, and shorter than it.
tfhe.parameters @p security 128 {
  // expected-error @+1 {{is nested in @g0; nested keys need key_assumptions "extended"}}
  tfhe.lwe_key @s0 dimension 838 nested_in @g0 log2_std -18.0
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
}

// -----

tfhe.parameters @p security 128 key_assumptions "extended" {
  // expected-error @+1 {{is nested in @s1, which must be a tfhe.glwe_key}}
  tfhe.lwe_key @s0 dimension 838 nested_in @s1 log2_std -18.0
  tfhe.lwe_key @s1 dimension 900 log2_std -18.0
}

// -----

tfhe.parameters @p security 128 key_assumptions "extended" {
  // expected-error @+1 {{has dimension 1664, @g0 that it is nested in only 1664}}
  tfhe.lwe_key @s0 dimension 1664 nested_in @g0 log2_std -18.0
  tfhe.glwe_key @g0 k 1 log2_poly 14 live 1664 log2_std -40.0
}

// -----

tfhe.parameters @p security 128 key_assumptions "extended" {
  // expected-error @+1 {{noise 2^-2.000000e+01 is below the 128-bit security curve}}
  tfhe.lwe_key @s0 dimension 838 nested_in @g0 log2_std -20.0
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
}

// -----

// expected-error @+1 {{key_assumptions must be 'standard' or 'extended', found 'sparse'}}
tfhe.parameters @p security 128 key_assumptions "sparse" {
}

// -----

tfhe.parameters @p security 128 {
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  // expected-error @+1 {{leads from @g0 to itself}}
  tfhe.keyswitch_key @c from @g0 to @g0 base_log 11 levels 3
}

// -----

tfhe.parameters @p security 128 {
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  // expected-error @+1 {{levels times log2 of the base is 66, allowed are 1 to 64}}
  tfhe.keyswitch_key @c from @g0 to @g1 base_log 22 levels 3
}
