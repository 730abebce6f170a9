// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{log2-p-error=-300})' --verify-diagnostics %s

// expected-error @+2 {{parameters exist for failure probabilities of 2^-256 to 2^-1 and 128 or 132 bits of security, asked for 2^-300 and 128 bits [Q030]}}
// expected-note @+1 {{help: fhe-compile MODEL.onnx --p-error=2^-40}}
module {
  func.func @main(%x: tensor<2x!fhe.int<0:3>>) -> tensor<2x!fhe.int<0:3>> {
    return %x : tensor<2x!fhe.int<0:3>>
  }
}
