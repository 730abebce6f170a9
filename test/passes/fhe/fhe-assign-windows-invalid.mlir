// RUN: fhe-opt "--fhe-assign-windows=calibrated" -verify-diagnostics %s

// No observed range.
func.func @main(%x: tensor<1x!fhe.int<-1:1>>) -> tensor<1x!fhe.int<0:1>> {
  // expected-error @+1 {{calibrated compilation needs an observed range}}
  %a = fhe.linear %x weights dense<1> : tensor<1x1xi32> {ranges = #fhe.ranges<interval = [-1, 1], proven = [-1, 1]>}
      : tensor<1x!fhe.int<-1:1>> -> tensor<1x!fhe.int<-1:1>>
  %b = fhe.lut %a lo -1 tables dense<[[[0, 1, 1]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<1x!fhe.int<-1:1>> -> tensor<1x!fhe.int<0:1>>
  return %b : tensor<1x!fhe.int<0:1>>
}
