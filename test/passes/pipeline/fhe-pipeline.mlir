// The whole way of a small network, by the named pipelines of fhe-opt.
//
// RUN: fhe-opt %s --fhe-qnn | FileCheck %s --check-prefix=QNN
// RUN: fhe-opt %s --fhe-qnn --fhe-exact | FileCheck %s --check-prefix=FHE
// RUN: fhe-opt %s --fhe-qnn --fhe-exact --fhe-tfhe | FileCheck %s --check-prefix=TFHE
// RUN: fhe-opt %s --fhe-pipeline | FileCheck %s --check-prefix=TFHE
// RUN: fhe-opt %s --fhe-pipeline=clear-only | FileCheck %s --check-prefix=CLEAR
// RUN: fhe-opt %s --fhe-pipeline --convert-tfhe-to-llvm | FileCheck %s --check-prefix=LLVM
// RUN: not fhe-opt %s --fhe-pipeline=max-accumulator-bits=4 2>&1 | FileCheck %s --check-prefix=WIDE

// QNN: qnn.gemm
// QNN: qnn.activation relu
// FHE: %[[A:.*]] = fhe.linear %arg0 weights {{.*}} : tensor<4x!fhe.int<0:3>> -> tensor<2x!fhe.int<-9:12>>
// FHE: %[[T:.*]] = fhe.lut %[[A]]
// FHE: return %[[T]] : tensor<2x!fhe.int<0:3>>
// TFHE: tfhe.bootstrap_key
// TFHE: tfhe.linear
// TFHE: tfhe.lookup
// CLEAR: tfhe.clear_key
// CLEAR: tfhe.lookup
// LLVM-DAG: llvm.mlir.global external constant @model_model
// LLVM-DAG: llvm.func internal @model.entry
// WIDE: 5 bits, the limit is 4 [Q020]
func.func @main(%x: tensor<4xf32> {qnn.name = "x"}) -> (tensor<2x!quant.uniform<u2:f32, 5.000000e-01>> {qnn.name = "y"}) {
  %w = qnn.constant dense<[[1, -2, 1, 2], [1, -1, -1, -1]]> : tensor<2x4xi32>
      -> tensor<2x4x!quant.uniform<i3<-3:3>:f32, 5.000000e-01>>
  %q = qnn.quantize %x : tensor<4xf32> -> tensor<4x!quant.uniform<u2:f32, 2.500000e-01>>
  %a = qnn.gemm %q, %w : (tensor<4x!quant.uniform<u2:f32, 2.500000e-01>>,
      tensor<2x4x!quant.uniform<i3<-3:3>:f32, 5.000000e-01>>) -> tensor<2xf32>
  %r = qnn.activation relu %a : tensor<2xf32> -> tensor<2xf32>
  %z = qnn.quantize %r : tensor<2xf32> -> tensor<2x!quant.uniform<u2:f32, 5.000000e-01>>
  return %z : tensor<2x!quant.uniform<u2:f32, 5.000000e-01>>
}
