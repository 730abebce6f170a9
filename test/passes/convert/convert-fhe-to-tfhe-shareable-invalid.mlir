// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{shareable log2-p-error=-128})' --split-input-file --verify-diagnostics %s

// An approximate table.
func.func @main(%x: tensor<2x!fhe.int<0:63>>) -> tensor<2x!fhe.int<0:1>> {
  // expected-error @+1 {{results are not shareable: a rounded table is approximate [Q036]}}
  %y = fhe.lut %x lo 0 tables dense<1> : tensor<1x1x64xi32> width 7 guard 32 {rounded_width = 5 : i64}
      : tensor<2x!fhe.int<0:63>> -> tensor<2x!fhe.int<0:1>>
  return %y : tensor<2x!fhe.int<0:1>>
}

// -----

// A calibrated range.
func.func @main(%x: tensor<2x!fhe.int<0:3>>) -> tensor<1x!fhe.int<0:3>> {
  // expected-error @+1 {{results are not shareable: values outside a calibrated range wrap [Q036]}}
  %y = fhe.linear %x weights dense<[[1, 1]]> : tensor<1x2xi32> {calibrated} : tensor<2x!fhe.int<0:3>> -> tensor<1x!fhe.int<0:3>>
  return %y : tensor<1x!fhe.int<0:3>>
}
