//===- QNNEnums.td - Kinds, functions and statistics of qnn -------------------===//
#ifndef QNN_ENUMS
#define QNN_ENUMS

include "mlir/IR/EnumAttr.td"

def QNN_Rounding : I32EnumAttr<"Rounding", "how a quantizer rounds", [
    I32EnumAttrCase<"Round", 0, "ROUND">,       // half to even
    I32EnumAttrCase<"Ceil", 1, "CEIL">,
    I32EnumAttrCase<"Floor", 2, "FLOOR">,
    I32EnumAttrCase<"Up", 3, "UP">,             // away from zero
    I32EnumAttrCase<"Down", 4, "DOWN">,         // towards zero
    I32EnumAttrCase<"HalfUp", 5, "HALF_UP">,    // halves away from zero
    I32EnumAttrCase<"HalfDown", 6, "HALF_DOWN"> // halves towards zero
  ]> {
  let cppNamespace = "::fhe::qnn";
}

def QNN_QuantizerKind : I32EnumAttr<"QuantizerKind", "what a quantizer does", [
    I32EnumAttrCase<"Uniform", 0, "uniform">,
    I32EnumAttrCase<"Bipolar", 1, "bipolar">]> {
  let cppNamespace = "::fhe::qnn";
}

def QNN_Function : I32EnumAttr<"Function", "an element-wise function", [
    I32EnumAttrCase<"Relu", 0, "relu">,
    I32EnumAttrCase<"LeakyRelu", 1, "leaky_relu">, // alpha
    I32EnumAttrCase<"Sigmoid", 2, "sigmoid">,
    I32EnumAttrCase<"HardSigmoid", 3, "hard_sigmoid">, // alpha, beta
    I32EnumAttrCase<"Tanh", 4, "tanh">,
    I32EnumAttrCase<"Clip", 5, "clip">, // alpha = min, beta = max
    I32EnumAttrCase<"Elu", 6, "elu">, // alpha
    I32EnumAttrCase<"Abs", 7, "abs">,
    I32EnumAttrCase<"Neg", 8, "neg">,
    I32EnumAttrCase<"Exp", 9, "exp">,
    I32EnumAttrCase<"Sign", 10, "sign">,
    I32EnumAttrCase<"Floor", 11, "floor">,
    I32EnumAttrCase<"Ceil", 12, "ceil">,
    I32EnumAttrCase<"Round", 13, "round">, // halves to even
    I32EnumAttrCase<"Selu", 14, "selu">, // alpha, beta = gamma
    I32EnumAttrCase<"Celu", 15, "celu">, // alpha
    I32EnumAttrCase<"HardSwish", 16, "hard_swish">,
    I32EnumAttrCase<"Softplus", 17, "softplus">,
    I32EnumAttrCase<"Softsign", 18, "softsign">,
    I32EnumAttrCase<"Erf", 19, "erf">,
    I32EnumAttrCase<"Gelu", 20, "gelu">,
    I32EnumAttrCase<"GeluTanh", 21, "gelu_tanh">, // the tanh approximation
    I32EnumAttrCase<"Mish", 22, "mish">,
    I32EnumAttrCase<"Log", 23, "log">,
    I32EnumAttrCase<"Sqrt", 24, "sqrt">,
    I32EnumAttrCase<"Reciprocal", 25, "reciprocal">,
    I32EnumAttrCase<"Sin", 26, "sin">,
    I32EnumAttrCase<"Cos", 27, "cos">,
    I32EnumAttrCase<"Tan", 28, "tan">,
    I32EnumAttrCase<"Asin", 29, "asin">,
    I32EnumAttrCase<"Acos", 30, "acos">,
    I32EnumAttrCase<"Atan", 31, "atan">,
    I32EnumAttrCase<"Sinh", 32, "sinh">,
    I32EnumAttrCase<"Cosh", 33, "cosh">,
    I32EnumAttrCase<"Asinh", 34, "asinh">,
    I32EnumAttrCase<"Acosh", 35, "acosh">,
    I32EnumAttrCase<"Atanh", 36, "atanh">,
    I32EnumAttrCase<"ThresholdedRelu", 37, "thresholded_relu">, // alpha
    I32EnumAttrCase<"Shrink", 38, "shrink">, // alpha = lambd, beta = bias
    I32EnumAttrCase<"Not", 39, "not">, // of 0 and 1
    I32EnumAttrCase<"Trunc", 40, "trunc_real">, // towards zero
    I32EnumAttrCase<"ToHalf", 41, "to_half">, // nearest IEEE half
    I32EnumAttrCase<"ToBfloat16", 42, "to_bfloat16">, // nearest bfloat16
    I32EnumAttrCase<"IsNan", 43, "is_nan">, // 0 or 1
    I32EnumAttrCase<"IsInf", 44, "is_inf">]> {
  let cppNamespace = "::fhe::qnn";
}

def QNN_BinaryFunction : I32EnumAttr<"BinaryFunction", "a function of two numbers; truth is 1, falsehood 0", [
    I32EnumAttrCase<"Pow", 0, "pow">,
    I32EnumAttrCase<"Min", 1, "min">,
    I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Mod", 3, "mod">, // the sign of the divisor
    I32EnumAttrCase<"Fmod", 4, "fmod">, // the sign of the dividend
    I32EnumAttrCase<"Less", 5, "less">,
    I32EnumAttrCase<"LessOrEqual", 6, "less_or_equal">,
    I32EnumAttrCase<"Greater", 7, "greater">,
    I32EnumAttrCase<"GreaterOrEqual", 8, "greater_or_equal">,
    I32EnumAttrCase<"Equal", 9, "equal">,
    I32EnumAttrCase<"And", 10, "and">,
    I32EnumAttrCase<"Or", 11, "or">,
    I32EnumAttrCase<"Xor", 12, "xor">,
    I32EnumAttrCase<"PRelu", 13, "prelu">]> {
  let cppNamespace = "::fhe::qnn";
}

def QNN_Statistic : I32EnumAttr<"Statistic", "a statistic of a run of numbers", [
    I32EnumAttrCase<"Mean", 0, "mean">,
    I32EnumAttrCase<"Variance", 1, "variance">, // divided by their number
    I32EnumAttrCase<"MeanSquare", 2, "mean_square">]> {
  let cppNamespace = "::fhe::qnn";
}

#endif // QNN_ENUMS
