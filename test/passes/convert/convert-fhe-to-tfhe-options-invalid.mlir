// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{log2-p-error=-64})' --verify-diagnostics %s

// expected-error @+2 {{parameters exist for a failure probability of 2^-40 and 128 bits of security only, asked for 2^-64 and 128 bits [Q030]}}
// expected-note @+1 {{help: fhe-compile MODEL.onnx --p-error=2^-40}}
module {
  func.func @main(%x: tensor<2x!fhe.int<0:3>>) -> tensor<2x!fhe.int<0:3>> {
    return %x : tensor<2x!fhe.int<0:3>>
  }
}
