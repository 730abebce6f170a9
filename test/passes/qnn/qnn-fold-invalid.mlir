// What must not be folded stays, and the next pass refuses what it cannot use.
// RUN: fhe-opt --qnn-fold --split-input-file %s | FileCheck %s
// RUN: fhe-opt --qnn-fold --qnn-check-quantizers --split-input-file --verify-diagnostics %s

!q = !quant.uniform<i2:f32, 5.000000e-01>

// NaN has no quantized value: the quantizer keeps its float operand.
// CHECK-LABEL: func @not_a_number
// CHECK: %[[W:.*]] = qnn.constant dense<[1.000000e+00, 0x7FC00000]>
// CHECK: qnn.quantize %[[W]]
func.func @not_a_number(%x: tensor<2xf32>) -> tensor<2x!q> {
  %w = qnn.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32> -> tensor<2xf32>
  // expected-error @below {{has only clear operands; qnn-fold evaluates those}}
  %q = qnn.quantize %w : tensor<2xf32> -> tensor<2x!q>
  return %q : tensor<2x!q>
}

// -----

!q = !quant.uniform<i2:f32, 5.000000e-01>

// One encrypted operand is enough: nothing of the sum is evaluated, nor the constant given up.
// CHECK-LABEL: func @depends_on_an_input
// CHECK: %[[C:.*]] = qnn.constant
// CHECK: %[[Q:.*]] = qnn.quantize %arg0
// CHECK: %[[S:.*]] = qnn.add %[[Q]], %[[C]]
// CHECK: return %[[S]]
func.func @depends_on_an_input(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = qnn.constant dense<[1.0, 2.0]> : tensor<2xf32> -> tensor<2xf32>
  %q = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %s = qnn.add %q, %c : (tensor<2x!q>, tensor<2xf32>) -> tensor<2xf32>
  return %s : tensor<2xf32>
}
