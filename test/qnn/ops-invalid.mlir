// RUN: fhe-opt %s -split-input-file -verify-diagnostics

func.func @constant_shape() {
  // expected-error @+1 {{value has shape}}
  %c = qnn.constant dense<1.0> : tensor<3xf32> -> tensor<2xf32>
  return
}

// -----

func.func @constant_real() {
  // expected-error @+1 {{a real constant holds f32 values, found 'i32'}}
  %c = qnn.constant dense<1> : tensor<2xi32> -> tensor<2xf32>
  return
}

// -----

func.func @constant_quantized() {
  // expected-error @+1 {{a quantized constant holds i32, i8 or ui8 values, found 'f32'}}
  %c = qnn.constant dense<1.0> : tensor<2xf32> -> tensor<2x!quant.uniform<i3:f32, 5.000000e-01>>
  return
}

// -----

func.func @dynamic(%x: tensor<?xf32>) {
  // expected-error @+1 {{must be statically shaped tensor of f32 or uniform quantized values}}
  %y = qnn.activation relu %x : tensor<?xf32> -> tensor<4xf32>
  return
}

// -----

func.func @element(%x: tensor<4xi32>) {
  // expected-error @+1 {{must be statically shaped tensor of f32 or uniform quantized values}}
  %y = qnn.activation relu %x : tensor<4xi32> -> tensor<4xf32>
  return
}

// -----

func.func @quantize_shape(%x: tensor<4xf32>) {
  // expected-error @+1 {{changes the shape from 'tensor<4xf32>' to}}
  %q = qnn.quantize %x : tensor<4xf32> -> tensor<3x!quant.uniform<u3:f32, 2.500000e-01>>
  return
}

// -----

func.func @quantize_result(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must have a quantized element type}}
  %q = qnn.quantize %x : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @bipolar_range(%x: tensor<4xf32>) {
  // expected-error @+1 {{a bipolar quantizer has storage range -1:1, found -2:1}}
  %q = qnn.quantize %x {kind = 1 : i32} : tensor<4xf32> -> tensor<4x!quant.uniform<i2:f32, 1.000000e+00>>
  return
}

// -----

func.func @trunc_scale(%x: tensor<4xf32>) {
  // expected-error @+1 {{scale and divisor must be positive}}
  %q = qnn.trunc %x {scale = 0.0 : f64, zero_point = 0 : i64, divisor = 4.0 : f64}
      : tensor<4xf32> -> tensor<4x!quant.uniform<u4:f32, 1.000000e-01>>
  return
}

// -----

func.func @trunc_divisor(%x: tensor<4xf32>) {
  // expected-error @+1 {{scale and divisor must be positive}}
  %q = qnn.trunc %x {scale = 1.0 : f64, zero_point = 0 : i64, divisor = -1.0 : f64}
      : tensor<4xf32> -> tensor<4x!quant.uniform<u4:f32, 1.000000e-01>>
  return
}

// -----

func.func @trunc_result(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must have a quantized element type}}
  %q = qnn.trunc %x {scale = 1.0 : f64, zero_point = 0 : i64, divisor = 4.0 : f64}
      : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @gemm_shapes(%x: tensor<3xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{shapes do not agree: 'tensor<3xf32>' times 'tensor<2x4xf32>' to 'tensor<2xf32>'}}
  %y = qnn.gemm %x, %w : (tensor<3xf32>, tensor<2x4xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @gemm_leading(%x: tensor<5x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{shapes do not agree}}
  %y = qnn.gemm %x, %w : (tensor<5x4xf32>, tensor<2x4xf32>) -> tensor<6x2xf32>
  return
}

// -----

func.func @gemm_bias(%x: tensor<4xf32>, %w: tensor<2x4xf32>, %b: tensor<1xf32>) {
  // expected-error @+1 {{bias must have 2 elements, found 'tensor<1xf32>'}}
  %y = qnn.gemm %x, %w bias %b : (tensor<4xf32>, tensor<2x4xf32>, tensor<1xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @gemm_result(%x: tensor<4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{must be statically shaped tensor of 32-bit float values}}
  %y = qnn.gemm %x, %w : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2x!quant.uniform<u4:f32, 1.000000e-01>>
  return
}

// -----

func.func @conv_weights(%x: tensor<1x8x8xf32>, %w: tensor<6x3x3xf32>) {
  // expected-error @+1 {{weights must be [O, C/groups, KH, KW], found 'tensor<6x3x3xf32>'}}
  %y = qnn.conv %x, %w : (tensor<1x8x8xf32>, tensor<6x3x3xf32>) -> tensor<6x6x6xf32>
  return
}

// -----

func.func @conv_rank(%x: tensor<8x8xf32>, %w: tensor<6x1x3x3xf32>) {
  // expected-error @+1 {{expects [C,H,W] tensors, two strides, four pads and two dilations}}
  %y = qnn.conv %x, %w : (tensor<8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<6x6x6xf32>
  return
}

// -----

func.func @conv_strides(%x: tensor<1x8x8xf32>, %w: tensor<6x1x3x3xf32>) {
  // expected-error @+1 {{kernel, strides and dilations must be at least 1, found 0}}
  %y = qnn.conv %x, %w {strides = array<i64: 0, 1>} : (tensor<1x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<6x6x6xf32>
  return
}

// -----

func.func @conv_pads(%x: tensor<1x8x8xf32>, %w: tensor<6x1x3x3xf32>) {
  // expected-error @+1 {{pads must not be negative}}
  %y = qnn.conv %x, %w {pads = array<i64: 0, 0, -1, 0>} : (tensor<1x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<6x5x6xf32>
  return
}

// -----

func.func @conv_size(%x: tensor<1x8x8xf32>, %w: tensor<6x1x3x3xf32>) {
  // expected-error @+1 {{result dimension 1 must be 6, found 8}}
  %y = qnn.conv %x, %w : (tensor<1x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<6x8x6xf32>
  return
}

// -----

func.func @conv_groups(%x: tensor<2x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{channels do not agree}}
  %y = qnn.conv %x, %w {groups = 2 : i64} : (tensor<2x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<6x6x6xf32>
  return
}

// -----

func.func @conv_bias(%x: tensor<1x8x8xf32>, %w: tensor<6x1x3x3xf32>, %b: tensor<1xf32>) {
  // expected-error @+1 {{bias must have 6 elements, found 'tensor<1xf32>'}}
  %y = qnn.conv %x, %w bias %b : (tensor<1x8x8xf32>, tensor<6x1x3x3xf32>, tensor<1xf32>) -> tensor<6x6x6xf32>
  return
}

// -----

func.func @pool_channels(%x: tensor<2x8x8xf32>) {
  // expected-error @+1 {{must keep the channels}}
  %y = qnn.avg_pool %x {kernel = array<i64: 8, 8>} : tensor<2x8x8xf32> -> tensor<3x1x1xf32>
  return
}

// -----

func.func @pool_window(%x: tensor<2x8x8xf32>) {
  // expected-error @+1 {{result dimension 1 must be -1, found 1}}
  %y = qnn.avg_pool %x {kernel = array<i64: 9, 8>} : tensor<2x8x8xf32> -> tensor<2x1x1xf32>
  return
}

// -----

func.func @add(%a: tensor<4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{operands 'tensor<4xf32>' and 'tensor<3xf32>' do not broadcast to 'tensor<4xf32>'}}
  %y = qnn.add %a, %b : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @mul(%a: tensor<4xf32>, %b: tensor<1xf32>) {
  // expected-error @+1 {{do not broadcast to 'tensor<1xf32>'}}
  %y = qnn.mul %a, %b : (tensor<4xf32>, tensor<1xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @div(%a: tensor<4xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{do not broadcast}}
  %y = qnn.div %a, %b : (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @activation(%a: tensor<4xf32>) {
  // expected-error @+1 {{must keep the shape}}
  %y = qnn.activation relu %a : tensor<4xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @batch_norm_shape(%a: tensor<4x2xf32>, %p: tensor<4xf32>) {
  // expected-error @+1 {{must keep the shape of an input with a channel axis}}
  %y = qnn.batch_norm %a, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
      : (tensor<4x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @batch_norm_parameters(%a: tensor<4xf32>, %p: tensor<4xf32>, %m: tensor<1xf32>) {
  // expected-error @+1 {{scale, bias, mean and variance must have 4 elements, found 'tensor<1xf32>'}}
  %y = qnn.batch_norm %a, %p, %p, %m, %p {epsilon = 1.0e-5 : f64}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @reshape_count(%a: tensor<4xf32>) {
  // expected-error @+1 {{must keep the number of elements}}
  %y = qnn.reshape %a : tensor<4xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @reshape_element(%a: tensor<4xf32>) {
  // expected-error @+1 {{must keep the element type}}
  %y = qnn.reshape %a : tensor<4xf32> -> tensor<2x2x!quant.uniform<u4:f32, 1.000000e-01>>
  return
}

// -----

func.func @transpose_rank(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{permutation must have one entry an axis}}
  %y = qnn.transpose %a {permutation = array<i64: 1>} : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

func.func @transpose_twice(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{permutation must name each axis once}}
  %y = qnn.transpose %a {permutation = array<i64: 1, 1>} : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

func.func @transpose_size(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{result axis 0 must have size 3}}
  %y = qnn.transpose %a {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

// The quantized dimension of a per-channel type follows the permutation.
func.func @transpose_axis(%a: tensor<2x2x!quant.uniform<i3:f32:0, {5.0e-01,2.5e-01}>>) {
  // expected-error @+1 {{the result must be quantized per channel along axis 1}}
  %y = qnn.transpose %a {permutation = array<i64: 1, 0>}
      : tensor<2x2x!quant.uniform<i3:f32:0, {5.0e-01,2.5e-01}>> -> tensor<2x2x!quant.uniform<i3:f32:0, {5.0e-01,2.5e-01}>>
  return
}

// -----

func.func @transpose_element(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{must keep the element type}}
  %y = qnn.transpose %a {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2x!quant.uniform<u4:f32, 1.0e-01>>
  return
}

// -----

func.func @pad_rank(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{low and high must have one entry an axis}}
  %y = qnn.pad %a {low = array<i64: 1>, high = array<i64: 0, 1>} : tensor<2x3xf32> -> tensor<3x4xf32>
  return
}

// -----

func.func @pad_size(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{axis 1 does not add up to 4}}
  %y = qnn.pad %a {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : tensor<2x3xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @pad_element(%a: tensor<2xf32>) {
  // expected-error @+1 {{must keep the element type}}
  %y = qnn.pad %a {low = array<i64: 0>, high = array<i64: 1>} : tensor<2xf32> -> tensor<3x!quant.uniform<u4:f32, 1.0e-01>>
  return
}

// -----

func.func @concat_axis(%a: tensor<2xf32>) {
  // expected-error @+1 {{needs operands and an axis of the result}}
  %y = qnn.concat %a, %a {axis = 1 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @concat_rank(%a: tensor<2xf32>, %b: tensor<1x2xf32>) {
  // expected-error @+1 {{operands must have the rank of the result}}
  %y = qnn.concat %a, %b {axis = 0 : i64} : (tensor<2xf32>, tensor<1x2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @concat_other(%a: tensor<2x2xf32>, %b: tensor<2x3xf32>) {
  // expected-error @+1 {{operand axis 1 must have size 2}}
  %y = qnn.concat %a, %b {axis = 0 : i64} : (tensor<2x2xf32>, tensor<2x3xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @concat_total(%a: tensor<2xf32>) {
  // expected-error @+1 {{axis 0 must have size 4}}
  %y = qnn.concat %a, %a {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @concat_element(%a: tensor<2xf32>, %b: tensor<2x!quant.uniform<u4:f32, 1.0e-01>>) {
  // expected-error @+1 {{must keep the element type}}
  %y = qnn.concat %b, %a {axis = 0 : i64} : (tensor<2x!quant.uniform<u4:f32, 1.0e-01>>, tensor<2xf32>) -> tensor<4x!quant.uniform<u4:f32, 1.0e-01>>
  return
}

// -----

func.func @gather_source(%a: tensor<2xf32>) {
  // expected-error @+1 {{source 2 is outside the input's 2 elements}}
  %y = qnn.gather %a {source = array<i32: 0, 2>} : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @gather_count(%a: tensor<2xf32>) {
  // expected-error @+1 {{has 1 sources for a result of 2 elements}}
  %y = qnn.gather %a {source = array<i32: 0>} : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @gather_channels(%a: tensor<2x!quant.uniform<i3:f32:0, {5.0e-01,2.5e-01}>>) {
  // expected-error @+1 {{input must not be quantized per channel}}
  %y = qnn.gather %a {source = array<i32: 0, 1>} : tensor<2x!quant.uniform<i3:f32:0, {5.0e-01,2.5e-01}>> -> tensor<2x!quant.uniform<i3:f32:0, {5.0e-01,2.5e-01}>>
  return
}

// -----

func.func @max_shape(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{must drop the last axis}}
  %y = qnn.max %a : tensor<2x3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @binary_shape(%a: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{do not broadcast to}}
  %y = qnn.binary pow %a, %b : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @select_shape(%c: tensor<4xf32>, %a: tensor<3xf32>) {
  // expected-error @+1 {{do not broadcast to}}
  %y = qnn.select %c, %a, %a : (tensor<4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @softmax_axis(%x: tensor<4xf32>) {
  // expected-error @+1 {{axis 1 is none of 'tensor<4xf32>'}}
  %y = qnn.softmax %x {axis = 1 : i64} : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @softmax_shape(%x: tensor<4xf32>) {
  // expected-error @+1 {{must keep the shape}}
  %y = qnn.softmax %x {axis = 0 : i64} : tensor<4xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @top_k_many(%x: tensor<4xf32>) {
  // expected-error @+1 {{k is 5, allowed are 1 to 4}}
  %y = qnn.top_k %x {axis = 0 : i64, k = 5 : i64} : tensor<4xf32> -> tensor<5xf32>
  return
}

// -----

func.func @top_k_shape(%x: tensor<4xf32>) {
  // expected-error @+1 {{must have 2 elements along axis 0}}
  %y = qnn.top_k %x {axis = 0 : i64, k = 2 : i64} : tensor<4xf32> -> tensor<3xf32>
  return
}

// -----

func.func @top_k_last(%x: tensor<4xf32>) {
  // expected-error @+1 {{`last` needs k = 1 and `indices`}}
  %y = qnn.top_k %x {axis = 0 : i64, k = 2 : i64, last} : tensor<4xf32> -> tensor<2xf32>
  return
}

// -----

func.func @one_hot_shape(%x: tensor<4xf32>) {
  // expected-error @+1 {{must add one axis at the end}}
  %y = qnn.one_hot %x : tensor<4xf32> -> tensor<3x4xf32>
  return
}

// -----

func.func @hardmax_axis(%x: tensor<4xf32>) {
  // expected-error @below {{'qnn.hardmax' op axis -1 is none of 'tensor<4xf32>'}}
  %y = qnn.hardmax %x {axis = -1 : i64} : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @statistic_runs(%x: tensor<4xf32>) {
  // expected-error @below {{must have one axis whose size divides the number of elements: 'tensor<4xf32>' to 'tensor<3xf32>'}}
  %y = qnn.statistic mean %x : tensor<4xf32> -> tensor<3xf32>
  return
}

// -----

func.func @statistic_shape(%x: tensor<4xf32>) {
  // expected-error @below {{must have one axis whose size divides the number of elements}}
  %y = qnn.statistic mean %x : tensor<4xf32> -> tensor<2x1xf32>
  return
}
