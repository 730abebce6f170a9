// RUN: fhe-opt --convert-tfhe-to-llvm --split-input-file --verify-diagnostics %s

// Not planned.
tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }
// expected-error @+1 {{'input' has no slot; run tfhe-plan-arena first}}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@k, 60>>) -> tensor<2x!tfhe.lwe<@p::@k, 60>> {
  return %x : tensor<2x!tfhe.lwe<@p::@k, 60>>
}

// -----

// The result lies on its own operand.
tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }
// expected-note @+1 {{slot 0 of 2 elements}}
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@k, 60>> {tfhe.range = array<i64: 0, 3>, tfhe.slot = 0 : i64})
    -> (tensor<2x!tfhe.lwe<@p::@k, 60>> {tfhe.range = array<i64: 0, 3>, tfhe.slot = 1 : i64})
    attributes {tfhe.arena_elements = {k = 3 : i64}} {
  // expected-error @+1 {{slot 1 of 2 elements overlaps a slot that is still live}}
  %y = tfhe.gather %x {source = array<i64: 1, 0>, slots = array<i64: 1>} : (tensor<2x!tfhe.lwe<@p::@k, 60>>) -> tensor<2x!tfhe.lwe<@p::@k, 60>>
  return %y : tensor<2x!tfhe.lwe<@p::@k, 60>>
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@k, 60>> {tfhe.range = array<i64: 0, 3>, tfhe.slot = 0 : i64})
    -> (tensor<2x!tfhe.lwe<@p::@k, 60>> {tfhe.range = array<i64: 0, 3>, tfhe.slot = 2 : i64})
    attributes {tfhe.arena_elements = {k = 3 : i64}} {
  // expected-error @+1 {{slot 2 of 2 elements exceeds the arena of 3}}
  %y = tfhe.gather %x {source = array<i64: 1, 0>, slots = array<i64: 2>} : (tensor<2x!tfhe.lwe<@p::@k, 60>>) -> tensor<2x!tfhe.lwe<@p::@k, 60>>
  return %y : tensor<2x!tfhe.lwe<@p::@k, 60>>
}

// -----

tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }
func.func @main(%x: tensor<2x!tfhe.lwe<@p::@k, 60>> {tfhe.range = array<i64: 0, 3>, tfhe.slot = 0 : i64})
    -> (tensor<2x!tfhe.lwe<@p::@k, 60>> {tfhe.range = array<i64: 0, 3>, tfhe.slot = 2 : i64})
    attributes {tfhe.arena_elements = {k = 4 : i64}} {
  // expected-error @+1 {{'tfhe.gather' op has no slots; run tfhe-plan-arena first}}
  %y = tfhe.gather %x {source = array<i64: 1, 0>} : (tensor<2x!tfhe.lwe<@p::@k, 60>>) -> tensor<2x!tfhe.lwe<@p::@k, 60>>
  return %y : tensor<2x!tfhe.lwe<@p::@k, 60>>
}
