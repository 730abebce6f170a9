// RUN: fhe-opt --convert-fhe-to-tfhe %s | FileCheck %s
// RUN: fhe-opt --pass-pipeline='builtin.module(convert-fhe-to-tfhe{max-parameter-sets=1})' %s | FileCheck %s --check-prefix=ONE
// What is chosen passes the verifiers of keys and noise, and the whole way to an object, after
// printing and reading back.
// RUN: fhe-opt --convert-fhe-to-tfhe %s | fhe-opt --tfhe-verify-noise --tfhe-schedule --tfhe-plan-arena | fhe-opt --convert-tfhe-to-llvm | FileCheck %s --check-prefix=LLVM

// Few wide tables, many narrow ones, and a residual branch around them.
// ONE: tfhe.parameters @p
// ONE-NEXT: tfhe.lwe_key @s0
// ONE-NEXT: tfhe.glwe_key @g0
// ONE-NEXT: tfhe.keyswitch_key @ks from @g0 to @s0
// ONE-NEXT: tfhe.bootstrap_key @bs from @s0 to @g0
// ONE-NOT: tfhe.convert

// CHECK-LABEL: tfhe.parameters @p security 128
// CHECK-DAG: tfhe.glwe_key @g0
// CHECK-DAG: tfhe.glwe_key @g1
// CHECK-DAG: tfhe.keyswitch_key @cv{{0_1|1_0}} from
// CHECK-DAG: tfhe.bootstrap_key @bs0 from @s0 to @g0
// CHECK-DAG: tfhe.bootstrap_key @bs1 from @s1 to @g1
// CHECK-LABEL: func.func @main
// CHECK: %[[X:.*]] = tfhe.linear %arg0
// CHECK: %[[WIDE:.*]] = tfhe.lookup %[[X]] keyswitch @p::@ks[[H0:[01]]]_[[W:[01]]] bootstrap @p::@bs[[W]] {{.*}} width 7
// CHECK: %[[HERE:.*]] = tfhe.convert %[[WIDE]] keyswitch @p::@cv[[W]]_[[H:[01]]] {layer = 0 : i64}
// CHECK: %[[SUM:.*]] = tfhe.linear %[[HERE]]
// CHECK: %[[NARROW:.*]] = tfhe.lookup %[[SUM]] keyswitch @p::@ks[[H]]_[[N:[01]]] bootstrap @p::@bs[[N]] {{.*}} width 2
// CHECK: tfhe.combine %[[SUM]], %[[NARROW]]
// CHECK: return %{{.*}} : tensor<64x!tfhe.lwe<@p::@g{{[01]}}, {{[0-9]+}}>>

// LLVM: llvm.func internal @model.entry
// LLVM: llvm.getelementptr %{{.*}}[0, 7]
func.func @main(%x: tensor<2x!fhe.int<0:3>>) -> tensor<64x!fhe.int<0:3>> {
  %a = fhe.linear %x weights dense<[[15, 15], [9, 3]]> : tensor<2x2xi32> : tensor<2x!fhe.int<0:3>> -> tensor<2x!fhe.int<0:90>>
  %h = fhe.lut %a lo 0 tables dense<1> : tensor<1x1x91xi32> width 7 guard 0
      : tensor<2x!fhe.int<0:90>> -> tensor<2x!fhe.int<0:1>>
  %g = fhe.linear %h weights dense<1> : tensor<64x2xi32> : tensor<2x!fhe.int<0:1>> -> tensor<64x!fhe.int<0:2>>
  %n = fhe.lut %g lo 0 tables dense<[[[0, 1, 1]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<64x!fhe.int<0:2>> -> tensor<64x!fhe.int<0:1>>
  %y = fhe.add %g, %n : (tensor<64x!fhe.int<0:2>>, tensor<64x!fhe.int<0:1>>) -> tensor<64x!fhe.int<0:3>>
  return %y : tensor<64x!fhe.int<0:3>>
}
