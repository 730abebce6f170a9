// RUN: fhe-opt --convert-tfhe-to-llvm %s | FileCheck %s
// The object's code is the schedule: another slot, another weight or another order is another object.
// RUN: fhe-opt --convert-tfhe-to-llvm %s | mlir-translate --mlir-to-llvmir | llc -O2 -filetype=asm -o %t.a.s
// RUN: sed -e 's/slots = array<i64: 2>/slots = array<i64: 3>/' -e 's/k = 4/k = 5/' %s | fhe-opt --convert-tfhe-to-llvm | mlir-translate --mlir-to-llvmir | llc -O2 -filetype=asm -o %t.b.s
// RUN: not cmp %t.a.s %t.b.s
// RUN: FileCheck %s --check-prefix=ASM < %t.a.s
// RUN: FileCheck %s --check-prefix=MOVED < %t.b.s
// RUN: llc --version | FileCheck %s --check-prefix=LLC

// LLC: LLVM version

// ASM: net.entry:
// ASM: movl $2, %edx
// MOVED: net.entry:
// MOVED: movl $3, %edx

module attributes {tfhe.name = "net", tfhe.manifest = "{}"} {
  tfhe.parameters @p security 128 clear_only { tfhe.clear_key @k }
  // CHECK-DAG: llvm.mlir.global internal constant @net.data0(dense<[1, 1, 3, 3]> : tensor<4xi8>)
  // CHECK-DAG: llvm.mlir.global internal constant @net.op0()
  // CHECK-DAG: llvm.mlir.global internal constant @net.op1()
  // CHECK-DAG: llvm.mlir.global internal constant @net.ops()
  // CHECK-LABEL: llvm.func internal @net.entry(%arg0: !llvm.ptr) -> i32
  // CHECK: %[[LINEAR:.*]] = llvm.getelementptr %{{.*}}[0, 2]
  // CHECK: %[[OUT:.*]] = llvm.mlir.constant(2 : i64) : i64
  // CHECK: %[[IN:.*]] = llvm.mlir.constant(0 : i64) : i64
  // CHECK: %[[STATUS:.*]] = llvm.call %{{.*}}(%{{.*}}, %{{.*}}, %[[OUT]], %[[IN]])
  // CHECK: %[[GOOD:.*]] = llvm.icmp "eq" %[[STATUS]]
  // CHECK: llvm.cond_br %[[GOOD]], ^{{.*}}, ^{{.*}}(%[[STATUS]] : i32)
  // CHECK: llvm.getelementptr %{{.*}}[0, 4]
  // CHECK-NOT: llvm.func @
  // CHECK: llvm.mlir.global external constant @net_model()
  func.func @main(%x: tensor<2x!tfhe.lwe<@p::@k, 60>> {tfhe.range = array<i64: 0, 3>, tfhe.slot = 0 : i64})
      -> (tensor<2x!tfhe.lwe<@p::@k, 60>> {tfhe.range = array<i64: -3, 18>, tfhe.slot = 0 : i64})
      attributes {tfhe.arena_elements = {k = 4 : i64}} {
    %a = tfhe.linear %x weights dense<[[1, 1], [3, 3]]> : tensor<2x2xi32> {slots = array<i64: 2>}
        : tensor<2x!tfhe.lwe<@p::@k, 60>> -> tensor<2x!tfhe.lwe<@p::@k, 60>>
    %y = tfhe.gather %a {source = array<i64: 1, 0>, slots = array<i64: 0>}
        : (tensor<2x!tfhe.lwe<@p::@k, 60>>) -> tensor<2x!tfhe.lwe<@p::@k, 60>>
    return %y : tensor<2x!tfhe.lwe<@p::@k, 60>>
  }
}
