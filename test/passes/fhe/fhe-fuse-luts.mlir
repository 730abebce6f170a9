// RUN: fhe-opt --fhe-fuse-luts %s | FileCheck %s

// A table of a table, the inner value not used otherwise: one table.
// CHECK-LABEL: func @compose
// CHECK-SAME: %[[X:.*]]: tensor<2x!fhe.int<-1:1>>
// CHECK: %[[Y:.*]] = fhe.lut %[[X]] lo -1 tables dense<{{\[\[\[}}5, 3, 3]]]>
// CHECK-NOT: fhe.lut
// CHECK: return %[[Y]]
func.func @compose(%x: tensor<2x!fhe.int<-1:1>>) -> tensor<2x!fhe.int<3:5>> {
  %a = fhe.lut %x lo -1 tables dense<[[[1, 0, 0]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<2x!fhe.int<-1:1>> -> tensor<2x!fhe.int<0:1>>
  %b = fhe.lut %a lo 0 tables dense<[[[3, 5]]]> : tensor<1x1x2xi32> width 1 guard 0
      : tensor<2x!fhe.int<0:1>> -> tensor<2x!fhe.int<3:5>>
  return %b : tensor<2x!fhe.int<3:5>>
}

// The same with a reshape in between, which moves behind the table.
// CHECK-LABEL: func @compose_through_reshape
// CHECK: %[[Y:.*]] = fhe.lut %{{.*}} tables dense<{{\[\[\[}}5, 3, 3]]]>
// CHECK: fhe.reshape %[[Y]] : tensor<2x!fhe.int<3:5>> -> tensor<1x2x!fhe.int<3:5>>
// CHECK-NOT: fhe.lut
func.func @compose_through_reshape(%x: tensor<2x!fhe.int<-1:1>>) -> tensor<1x2x!fhe.int<3:5>> {
  %a = fhe.lut %x lo -1 tables dense<[[[1, 0, 0]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<2x!fhe.int<-1:1>> -> tensor<2x!fhe.int<0:1>>
  %r = fhe.reshape %a : tensor<2x!fhe.int<0:1>> -> tensor<1x2x!fhe.int<0:1>>
  %b = fhe.lut %r lo 0 tables dense<[[[3, 5]]]> : tensor<1x1x2xi32> width 1 guard 0
      : tensor<1x2x!fhe.int<0:1>> -> tensor<1x2x!fhe.int<3:5>>
  return %b : tensor<1x2x!fhe.int<3:5>>
}

// The inner value has another use: the outer table stays on the narrow value.
// CHECK-LABEL: func @keep_narrow
// CHECK: %[[A:.*]] = fhe.lut %{{.*}} lo -1
// CHECK: %[[B:.*]] = fhe.lut %[[A]] lo 0
func.func @keep_narrow(%x: tensor<2x!fhe.int<-1:1>>)
    -> (tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<3:5>>) {
  %a = fhe.lut %x lo -1 tables dense<[[[1, 0, 0]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<2x!fhe.int<-1:1>> -> tensor<2x!fhe.int<0:1>>
  %b = fhe.lut %a lo 0 tables dense<[[[3, 5]]]> : tensor<1x1x2xi32> width 1 guard 0
      : tensor<2x!fhe.int<0:1>> -> tensor<2x!fhe.int<3:5>>
  return %a, %b : tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<3:5>>
}

// Two tables of one source become one lookup with two results.
// CHECK-LABEL: func @share
// CHECK: %[[Y:.*]]:2 = fhe.lut %{{.*}} lo -1 tables dense<{{\[\[\[}}1, 0, 0], [0, 1, 0]]]> : tensor<1x2x3xi32>
// CHECK: return %[[Y]]#0, %[[Y]]#1
func.func @share(%x: tensor<2x!fhe.int<-1:1>>) -> (tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<0:1>>) {
  %a = fhe.lut %x lo -1 tables dense<[[[1, 0, 0]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<2x!fhe.int<-1:1>> -> tensor<2x!fhe.int<0:1>>
  %b = fhe.lut %x lo -1 tables dense<[[[0, 1, 0]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<2x!fhe.int<-1:1>> -> tensor<2x!fhe.int<0:1>>
  return %a, %b : tensor<2x!fhe.int<0:1>>, tensor<2x!fhe.int<0:1>>
}

// Equal tables are stored once; a map of one table is dropped.
// CHECK-LABEL: func @deduplicate
// CHECK: fhe.lut %{{.*}} tables dense<{{\[\[\[}}1, 0]]]> : tensor<1x1x2xi32> width 1 guard 0 :
func.func @deduplicate(%x: tensor<2x!fhe.int<0:1>>) -> tensor<2x!fhe.int<0:1>> {
  %a = fhe.lut %x lo 0 tables dense<[[[1, 0]], [[1, 0]]]> : tensor<2x1x2xi32> width 1 guard 0
      {table_of_element = array<i32: 0, 1>} : tensor<2x!fhe.int<0:1>> -> tensor<2x!fhe.int<0:1>>
  return %a : tensor<2x!fhe.int<0:1>>
}

// A table of tables and constants (weights that are all zero), moved: the constants go through the outer table, the
// others are composed.
// CHECK-LABEL: func @compose_through_gather
// CHECK: %[[L:.*]] = fhe.lut %{{.*}} lo -1 tables dense<{{\[\[\[}}5, 3, 3]], {{\[\[}}6, 7, 7]]]> {{.*}} -> tensor<2x!fhe.int<0:7>>
// CHECK: %[[C:.*]] = fhe.constant dense<5> : tensor<1xi64> -> tensor<1x!fhe.int<5:5>>
// CHECK: fhe.gather %[[L]], %[[C]] {source = array<i64: 1, 2, 0>}
// CHECK-NOT: fhe.lut
func.func @compose_through_gather(%x: tensor<2x!fhe.int<-1:1>>) -> tensor<3x!fhe.int<0:7>> {
  %a = fhe.lut %x lo -1 tables dense<[[[1, 0, 0]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<2x!fhe.int<-1:1>> -> tensor<2x!fhe.int<0:1>>
  %c = fhe.constant dense<[1]> : tensor<1xi64> -> tensor<1x!fhe.int<1:1>>
  %g = fhe.gather %a, %c {source = array<i64: 1, 2, 0>}
      : (tensor<2x!fhe.int<0:1>>, tensor<1x!fhe.int<1:1>>) -> tensor<3x!fhe.int<0:1>>
  %b = fhe.lut %g lo 0 tables dense<[[[3, 5]], [[7, 6]]]> : tensor<2x1x2xi32> width 1 guard 0 {table_of_element = array<i32: 1, 0, 0>}
      : tensor<3x!fhe.int<0:1>> -> tensor<3x!fhe.int<0:7>>
  return %b : tensor<3x!fhe.int<0:7>>
}

// Two tables of one element: composing would look it up twice over the wide range.
// CHECK-LABEL: func @two_of_one
// CHECK-COUNT-2: fhe.lut
func.func @two_of_one(%x: tensor<1x!fhe.int<-1:1>>) -> tensor<2x!fhe.int<0:7>> {
  %a = fhe.lut %x lo -1 tables dense<[[[1, 0, 0]]]> : tensor<1x1x3xi32> width 2 guard 0
      : tensor<1x!fhe.int<-1:1>> -> tensor<1x!fhe.int<0:1>>
  %g = fhe.gather %a {source = array<i64: 0, 0>} : (tensor<1x!fhe.int<0:1>>) -> tensor<2x!fhe.int<0:1>>
  %b = fhe.lut %g lo 0 tables dense<[[[3, 5]], [[7, 6]]]> : tensor<2x1x2xi32> width 1 guard 0 {table_of_element = array<i32: 1, 0>}
      : tensor<2x!fhe.int<0:1>> -> tensor<2x!fhe.int<0:7>>
  return %b : tensor<2x!fhe.int<0:7>>
}
