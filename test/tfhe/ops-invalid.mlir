// RUN: fhe-opt --split-input-file --verify-diagnostics %s

// expected-error @+1 {{key must be named as @parameters::@key, found @g0}}
func.func private @type(tensor<2x!tfhe.lwe<@g0, 57>>)

// -----

// expected-error @+1 {{log2 delta must be 0 to 63, found 64}}
func.func private @type(tensor<2x!tfhe.lwe<@p::@g0, 64>>)

// -----

func.func @shapes(%x: tensor<3x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{'tfhe.linear' op shapes do not agree}}
  %0 = tfhe.linear %x weights dense<1> : tensor<1x2xi32> : tensor<3x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @delta(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{operand at 2^57 times 2^1 is not the result's 2^57}}
  %0 = tfhe.linear %x weights dense<1> : tensor<1x2xi32> {log2_factor = 1 : i64} : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @keys(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{operand is under @p::@g0, result under @p::@g1}}
  %0 = tfhe.linear %x weights dense<1> : tensor<1x2xi32> : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x!tfhe.lwe<@p::@g1, 57>>
  return
}

// -----

func.func @conv(%x: tensor<1x3x3x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{result dimension 1 must be 2, found 3}}
  %0 = tfhe.conv %x weights dense<1> : tensor<1x1x2x2xi32> : tensor<1x3x3x!tfhe.lwe<@p::@g0, 57>> -> tensor<1x3x2x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @groups(%x: tensor<3x3x3x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{channels do not agree}}
  %0 = tfhe.conv %x weights dense<1> : tensor<2x2x2x2xi32> {groups = 2 : i64} : tensor<3x3x3x!tfhe.lwe<@p::@g0, 57>> -> tensor<2x2x2x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @combine(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{has one coefficient and one log2 factor an input}}
  %0 = tfhe.combine %x {coefficients = array<i64: 1, 1>, log2_factors = array<i64: 0>} : (tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<2x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @gather(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{source 2 is outside the 2 input elements}}
  %0 = tfhe.gather %x {source = array<i64: 2>} : (tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<1x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @reshape(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{must keep the number and the type of the elements}}
  %0 = tfhe.reshape %x : tensor<2x!tfhe.lwe<@p::@g0, 57>> -> tensor<3x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @constant() {
  // expected-error @+1 {{value must be dense i64 of the result's shape}}
  %0 = tfhe.constant dense<1> : tensor<2xi32> -> tensor<2x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @slot(%x: tensor<2x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{slots must have one entry a result}}
  %0 = tfhe.gather %x {source = array<i64: 0>, slots = array<i64: 0, 1>} : (tensor<2x!tfhe.lwe<@p::@g0, 57>>) -> tensor<1x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @window(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>) {
  // expected-error @+1 {{guard 1 and 4 entries exceed the window of 4 slots}}
  %0 = tfhe.lookup %l lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 1 : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @input_delta(%l: tensor<4x!tfhe.lwe<@p::@g0, 60>>) {
  // expected-error @+1 {{operand at 2^60 times 2^0 is not the window's 2^61}}
  %0 = tfhe.lookup %l lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 : tensor<4x!tfhe.lwe<@p::@g0, 60>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @map(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>) {
  // expected-error @+1 {{table_of_element names table 1 of 1}}
  %0 = tfhe.lookup %l lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 {table_of_element = array<i32: 0, 0, 1, 0>} : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @rounded(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>) {
  // expected-error @+1 {{rounded_width must be 1 to the width 2, found 3}}
  %0 = tfhe.lookup %l lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 {rounded_width = 3 : i64} : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

func.func @no_key(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>) {
  // expected-error @+1 {{key @p::@g0 is not defined}}
  %0 = tfhe.lookup %l lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @conversions(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>, %m: tensor<4x!tfhe.lwe<@p::@g1, 61>>) {
  // expected-error @+1 {{must name its keyswitch and bootstrap}}
  %0 = tfhe.lookup %l lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @conversions(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>, %m: tensor<4x!tfhe.lwe<@p::@g1, 61>>) {
  // expected-error @+1 {{names @p::@bs, which is not a keyswitch key}}
  %1 = tfhe.lookup %l keyswitch @p::@bs bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @conversions(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>, %m: tensor<4x!tfhe.lwe<@p::@g1, 61>>) {
  // expected-error @+1 {{conversions do not lead from @p::@g1 to @p::@g0}}
  %2 = tfhe.lookup %m keyswitch @p::@ks bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 : tensor<4x!tfhe.lwe<@p::@g1, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @frequencies(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>) {
  // expected-error @+1 {{frequencies must be dense f64 [1, 4], found 'tensor<1x3xf64>'}}
  %0 = tfhe.lookup %l lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 {rounded_width = 1 : i64, frequencies = dense<1.0> : tensor<1x3xf64>} : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @convert(%x: tensor<4x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{keyswitch @p::@ks does not lead from GLWE key @p::@g0 to GLWE key @p::@g1}}
  %0 = tfhe.convert %x keyswitch @p::@ks : tensor<4x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@g1, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @convert(%x: tensor<4x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{keyswitch @p::@c01 does not lead from GLWE key @p::@g0 to GLWE key @p::@g0}}
  %0 = tfhe.convert %x keyswitch @p::@c01 : tensor<4x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @convert(%x: tensor<4x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{keyswitch @p::@ks does not lead from GLWE key @p::@g0 to GLWE key @p::@s0}}
  %0 = tfhe.convert %x keyswitch @p::@ks : tensor<4x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@s0, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @convert(%x: tensor<4x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{names @p::@bs, which is not a keyswitch key}}
  %0 = tfhe.convert %x keyswitch @p::@bs : tensor<4x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@g1, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @convert(%x: tensor<4x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{key @p::@g2 is not defined}}
  %0 = tfhe.convert %x keyswitch @p::@c01 : tensor<4x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@g2, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @convert(%x: tensor<4x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{must keep the shape and the log2 delta}}
  %0 = tfhe.convert %x keyswitch @p::@c01 : tensor<4x!tfhe.lwe<@p::@g0, 57>> -> tensor<4x!tfhe.lwe<@p::@g1, 58>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @convert(%x: tensor<4x!tfhe.lwe<@p::@g0, 57>>) {
  // expected-error @+1 {{must keep the shape and the log2 delta}}
  %0 = tfhe.convert %x keyswitch @p::@c01 : tensor<4x!tfhe.lwe<@p::@g0, 57>> -> tensor<2x2x!tfhe.lwe<@p::@g1, 57>>
  return
}

// -----

tfhe.parameters @p security 128 {
  tfhe.lwe_key @s0 dimension 838 log2_std -18.857968
  tfhe.glwe_key @g0 k 1 log2_poly 12 log2_std -62.0
  tfhe.glwe_key @g1 k 1 log2_poly 12 log2_std -62.0
  tfhe.keyswitch_key @ks from @g0 to @s0 base_log 3 levels 5
  tfhe.keyswitch_key @c01 from @g0 to @g1 base_log 11 levels 3
  tfhe.bootstrap_key @bs from @s0 to @g0 base_log 22 levels 1
}
func.func @lookup(%x: tensor<4x!tfhe.lwe<@p::@g0, 61>>) {
  // expected-error @+1 {{conversions do not lead from @p::@g0 to @p::@g1}}
  %0 = tfhe.lookup %x keyswitch @p::@c01 bootstrap @p::@bs lo 0 tables dense<1> : tensor<1x1x4xi32> width 2 guard 0 : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g1, 61>>
  return
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @not_negacyclic(%l: tensor<4x!tfhe.lwe<@p::@g0, 62>>) {
  // expected-error @+1 {{is realized without a padding bit, but a table is not negacyclic}}
  %0 = tfhe.lookup %l lo 0 tables dense<[[[0, 0, 1, 2]]]> : tensor<1x1x4xi32> width 2 guard 0 {realization = "negacyclic"} : tensor<4x!tfhe.lwe<@p::@g0, 62>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

// All four slots are one turn of the torus: 2^62, not 2^61.
tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @negacyclic_delta(%l: tensor<4x!tfhe.lwe<@p::@g0, 61>>) {
  // expected-error @+1 {{operand at 2^61 times 2^0 is not the window's 2^62}}
  %0 = tfhe.lookup %l lo 0 tables dense<[[[0, 0, 1, 1]]]> : tensor<1x1x4xi32> width 2 guard 0 {realization = "negacyclic"} : tensor<4x!tfhe.lwe<@p::@g0, 61>> -> tensor<4x!tfhe.lwe<@p::@g0, 57>>
  return
}

// -----

// Half an odd offset needs one bit below the result.
tfhe.parameters @p security 128 clear_only { tfhe.clear_key @g0 }
func.func @negacyclic_result(%l: tensor<4x!tfhe.lwe<@p::@g0, 62>>) {
  // expected-error @+1 {{without a padding bit gives results at 2^1 or more, found 2^0}}
  %0 = tfhe.lookup %l lo 0 tables dense<[[[0, 0, 1, 1]]]> : tensor<1x1x4xi32> width 2 guard 0 {realization = "negacyclic"} : tensor<4x!tfhe.lwe<@p::@g0, 62>> -> tensor<4x!tfhe.lwe<@p::@g0, 0>>
  return
}
