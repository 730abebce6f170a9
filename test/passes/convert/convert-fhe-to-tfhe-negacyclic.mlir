// RUN: fhe-opt --convert-fhe-to-tfhe --split-input-file %s | FileCheck %s

// The sign of 16 integers without a padding bit: its input sits at 2^(64-4), and the parameters are those
// of a direct table of 3 bits at the same norm (the first program of convert-fhe-to-tfhe.mlir).
// CHECK-LABEL: tfhe.parameters @p security 128
// CHECK: tfhe.lwe_key @s0 dimension 752 log2_std {{.*}} word_bits 32
// CHECK: tfhe.glwe_key @g0 k 3 log2_poly 9
// CHECK: tfhe.bootstrap_key @bs from @s0 to @g0 base_log 18 levels 1
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<2x!tfhe.lwe<@p::@g0, 60>>
// CHECK: tfhe.lookup {{.*}} width 4 guard 0 {layer = 0 : i64, realization = "negacyclic"} : tensor<2x!tfhe.lwe<@p::@g0, 60>>
func.func @main(%x: tensor<2x!fhe.int<-4:3>> {fhe.client = {name = "x"}}) -> tensor<1x!fhe.int<-5:5>> {
  %a = fhe.linear %x weights dense<[[1, 1], [1, 1]]> : tensor<2x2xi32> : tensor<2x!fhe.int<-4:3>> -> tensor<2x!fhe.int<-8:6>>
  %h = fhe.lut %a lo -8 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1]]]> : tensor<1x1x15xi32> width 4 guard 0
      {realization = "negacyclic"} : tensor<2x!fhe.int<-8:6>> -> tensor<2x!fhe.int<-1:1>>
  %y = fhe.linear %h weights dense<[[2, -3]]> : tensor<1x2xi32> : tensor<2x!fhe.int<-1:1>> -> tensor<1x!fhe.int<-5:5>>
  return %y : tensor<1x!fhe.int<-5:5>>
}

// -----

// Delta is the smallest that a consumer needs: the direct table of 4 bits reads at 2^59, the sign of as
// many integers multiplies by two.
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<2x!tfhe.lwe<@p::@g0, 59>>
// CHECK: tfhe.lookup {{.*}} width 4 guard 0 : tensor<2x!tfhe.lwe<@p::@g0, 59>>
// CHECK: tfhe.lookup {{.*}} width 4 guard 0 {log2_factor = 1 : i64, realization = "negacyclic"} : tensor<2x!tfhe.lwe<@p::@g0, 59>>
func.func @main(%x: tensor<2x!fhe.int<-8:7>>) -> tensor<2x!fhe.int<-9:8>> {
  %a = fhe.lut %x lo -8 tables dense<[[[0, 1, 2, 3, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2, 1, 0]]]> : tensor<1x1x16xi32> width 4 guard 0
      : tensor<2x!fhe.int<-8:7>> -> tensor<2x!fhe.int<0:7>>
  %b = fhe.lut %x lo -8 tables dense<[[[-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1]]]> : tensor<1x1x16xi32> width 4 guard 0
      {realization = "negacyclic"} : tensor<2x!fhe.int<-8:7>> -> tensor<2x!fhe.int<-1:1>>
  %y = fhe.add %a, %b : (tensor<2x!fhe.int<0:7>>, tensor<2x!fhe.int<-1:1>>) -> tensor<2x!fhe.int<-9:8>>
  return %y : tensor<2x!fhe.int<-9:8>>
}
