// RUN: fhe-opt --split-input-file --verify-diagnostics --qnn-set-outputs %s

!q = !quant.uniform<u3:f32, 5.0e-01>
!w = !quant.uniform<i3<-3:3>:f32, 2.5e-01>

func.func @raw(%x: tensor<2xf32>) -> (tensor<2xf32> {qnn.name = "logits"}) {
  %w = qnn.constant dense<[[1, 2], [3, -1]]> : tensor<2x2xi32> -> tensor<2x2x!w>
  %a = qnn.quantize %x : tensor<2xf32> -> tensor<2x!q>
  %y = qnn.gemm %a, %w : (tensor<2x!q>, tensor<2x2x!w>) -> tensor<2xf32> loc("fc")
  // expected-error @below {{result 'logits' goes through no quantizer, and --outputs=quantized asks for one [Q065]}}
  // expected-note @below {{its integers are those of node 'fc' (qnn.gemm)}}
  // expected-note @below {{help: put a QuantIdentity behind it before the export, or take the integers as they are: --outputs=raw}}
  %s = qnn.softmax %y {axis = 0 : i64} : tensor<2xf32> -> tensor<2xf32>
  return %s : tensor<2xf32>
}
