// RUN: fhe-opt --fhe-assign-windows %s | FileCheck %s --check-prefix=PROVEN
// RUN: fhe-opt "--fhe-assign-windows=calibrated" %s | FileCheck %s --check-prefix=CALIBRATED
// RUN: fhe-opt "--fhe-assign-windows=round=2" %s | FileCheck %s --check-prefix=ROUND
// RUN: fhe-opt "--fhe-assign-windows=log2-p-error=-10" %s | FileCheck %s --check-prefix=OFTEN
// RUN: fhe-opt "--fhe-assign-windows=round=3 log2-p-error=-3" %s | FileCheck %s --check-prefix=COIN
// RUN: not fhe-opt "--fhe-assign-windows=round=3 log2-p-error=-1" %s 2>&1 | FileCheck %s --check-prefix=NONE

// Eleven integers need 4 bits: 5 free slots, 2 below.
// Calibrated, [-1, 1] needs 2 bits: widened to the 4 slots of its window.
// Rounded to 2 bits, 6 sigma are ceil(6/7.14 * 2) = 2 at each end of 16 slots: they fit.
// At 2^-10 half a slot holds 3.3 sigma, so 6 sigma are 1 slot. At 2^-3 half a slot of 3 bits holds 1.53
// sigma: 6 sigma are 8 of 32 slots. At 2^-1 it holds 0.67, and 6 sigma are more than half of any window.
// NONE: error: a table rounded to 3 bits has no window that leaves 6 standard deviations of the noise free at its ends at a failure probability of 2^-1 [Q034]
// OFTEN-LABEL: func @table
// OFTEN: fhe.lut {{.*}} width 4 guard 2 :
// COIN-LABEL: func @table
// COIN: fhe.lut {{.*}} width 5 guard 10 {rounded_width = 3 : i64}
// PROVEN-LABEL: func @table
// PROVEN: fhe.linear {{.*}} -> tensor<1x!fhe.int<-5:5>>
// PROVEN: fhe.lut %{{.*}} lo -5 tables dense<{{\[\[\[}}0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]]> : tensor<1x1x11xi32> width 4 guard 2 :
// CALIBRATED-LABEL: func @table
// CALIBRATED: fhe.linear {{.*}}calibrated{{.*}} -> tensor<1x!fhe.int<-1:2>>
// CALIBRATED: fhe.lut %{{.*}} lo -1 tables dense<{{\[\[\[}}4, 5, 6, 7]]]> : tensor<1x1x4xi32> width 2 guard 0 :
// ROUND-LABEL: func @table
// ROUND: fhe.lut {{.*}} width 4 guard 2 {rounded_width = 2 : i64}
func.func @table(%x: tensor<1x!fhe.int<-1:1>>) -> tensor<1x!fhe.int<0:10>> {
  %a = fhe.linear %x weights dense<5> : tensor<1x1xi32>
      {ranges = #fhe.ranges<interval = [-5, 5], proven = [-5, 5], observed = [-1, 1]>}
      : tensor<1x!fhe.int<-1:1>> -> tensor<1x!fhe.int<-5:5>>
  %b = fhe.lut %a lo -5 tables dense<[[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]]> : tensor<1x1x11xi32> width 4 guard 0
      : tensor<1x!fhe.int<-5:5>> -> tensor<1x!fhe.int<0:10>>
  return %b : tensor<1x!fhe.int<0:10>>
}

// An accumulator the client sees keeps its proven range.
// PROVEN-LABEL: func @raw(%{{.*}}) -> tensor<1x!fhe.int<-15:15>>
// CALIBRATED-LABEL: func @raw(%{{.*}}) -> tensor<1x!fhe.int<-15:15>>
// CALIBRATED-NOT: calibrated
// CALIBRATED: return %{{.*}} : tensor<1x!fhe.int<-15:15>>
// ROUND-LABEL: func @raw(%{{.*}}) -> tensor<1x!fhe.int<-15:15>>
func.func @raw(%x: tensor<1x!fhe.int<-3:3>>) -> tensor<1x!fhe.int<-15:15>> {
  %a = fhe.linear %x weights dense<5> : tensor<1x1xi32>
      {ranges = #fhe.ranges<interval = [-15, 15], proven = [-15, 15], observed = [0, 3]>}
      : tensor<1x!fhe.int<-3:3>> -> tensor<1x!fhe.int<-15:15>>
  return %a : tensor<1x!fhe.int<-15:15>>
}

// Guards widen the window where they do not fit: 16 integers rounded to 2 bits take 32 slots.
// ROUND-LABEL: func @widened
// ROUND: fhe.lut {{.*}} width 5 guard 8 {rounded_width = 2 : i64}
func.func @widened(%x: tensor<1x!fhe.int<0:15>>) -> tensor<1x!fhe.int<0:15>> {
  %b = fhe.lut %x lo 0 tables dense<[[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]]]> : tensor<1x1x16xi32> width 4 guard 0
      : tensor<1x!fhe.int<0:15>> -> tensor<1x!fhe.int<0:15>>
  return %b : tensor<1x!fhe.int<0:15>>
}

// Through a layout operation the accumulator behind it is what was observed.
// CALIBRATED-LABEL: func @layout
// CALIBRATED: fhe.linear {{.*}} -> tensor<1x!fhe.int<-1:2>>
// CALIBRATED: fhe.reshape %{{.*}} : tensor<1x!fhe.int<-1:2>> -> tensor<1x1x!fhe.int<-1:2>>
func.func @layout(%x: tensor<1x!fhe.int<-1:1>>) -> tensor<1x1x!fhe.int<0:10>> {
  %a = fhe.linear %x weights dense<5> : tensor<1x1xi32>
      {ranges = #fhe.ranges<interval = [-5, 5], proven = [-5, 5], observed = [-1, 1]>}
      : tensor<1x!fhe.int<-1:1>> -> tensor<1x!fhe.int<-5:5>>
  %r = fhe.reshape %a : tensor<1x!fhe.int<-5:5>> -> tensor<1x1x!fhe.int<-5:5>>
  %b = fhe.lut %r lo -5 tables dense<[[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]]> : tensor<1x1x11xi32> width 4 guard 0
      : tensor<1x1x!fhe.int<-5:5>> -> tensor<1x1x!fhe.int<0:10>>
  return %b : tensor<1x1x!fhe.int<0:10>>
}

// Frequencies are cut with the tables of a rounded lookup, and gone from an exact one.
// PROVEN-LABEL: func @frequencies
// PROVEN-NOT: frequencies =
// CALIBRATED-LABEL: func @frequencies
// CALIBRATED-NOT: frequencies =
// ROUND-LABEL: func @frequencies
// ROUND: fhe.lut {{.*}} width 4 guard 2 {frequencies = dense<{{\[\[}}0.000000e+00, 1.500000e+00, 5.000000e-01{{.*}}> : tensor<1x11xf64>, rounded_width = 2 : i64}
func.func @frequencies(%x: tensor<2x!fhe.int<-5:5>>) -> tensor<2x!fhe.int<0:10>> {
  %b = fhe.lut %x lo -5 tables dense<[[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]]> : tensor<1x1x11xi32> width 4 guard 0
      {frequencies = dense<[[0.0, 1.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<1x11xf64>}
      : tensor<2x!fhe.int<-5:5>> -> tensor<2x!fhe.int<0:10>>
  return %b : tensor<2x!fhe.int<0:10>>
}

// Sixteen integers fill 4 bits, unless values at the ends are often misread.
// PROVEN-LABEL: func @full
// PROVEN: fhe.lut {{.*}} width 4 guard 0 :
// OFTEN-LABEL: func @full
// OFTEN: fhe.lut {{.*}} width 5 guard 8 :
func.func @full(%x: tensor<1x!fhe.int<0:15>>) -> tensor<1x!fhe.int<0:1>> {
  %b = fhe.lut %x lo 0 tables dense<1> : tensor<1x1x16xi32> width 4 guard 0 : tensor<1x!fhe.int<0:15>> -> tensor<1x!fhe.int<0:1>>
  return %b : tensor<1x!fhe.int<0:1>>
}
