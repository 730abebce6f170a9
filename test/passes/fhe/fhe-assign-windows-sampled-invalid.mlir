// RUN: fhe-opt "--pass-pipeline=builtin.module(func.func(fhe-assign-windows{calibrated round=6}))" -verify-diagnostics %s

// Observed values that a sampled table cannot tell apart at the precision asked for.
func.func @main(%x: tensor<1x!fhe.int<0:7>> {fhe.client = {}}) -> (tensor<1x!fhe.int<0:1>> {fhe.client = {}}) {
  %a = fhe.linear %x weights dense<16384> : tensor<1x1xi32> {ranges = #fhe.ranges<interval = [0, 114688], proven = [0, 114688], observed = [0, 20]>} : tensor<1x!fhe.int<0:7>> -> tensor<1x!fhe.int<0:114688>>
  // expected-error @below {{the observed range of a table, 0 to 20, is too small a part of the proven one: its function is known at every 16384th integer, which is coarser than 6 bits [Q021]}}
  // expected-note @below {{help: prune the layer in front}}
  %y = fhe.lut %a lo 0 tables dense<[[[0, 0, 0, 0, 1, 1, 1, 1]]]> : tensor<1x1x8xi32> width 3 guard 0 {log2_step = 14 : i64} : tensor<1x!fhe.int<0:114688>> -> tensor<1x!fhe.int<0:1>>
  return %y : tensor<1x!fhe.int<0:1>>
}
