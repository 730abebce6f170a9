//===- DiagnosticIds.h - The one list of diagnostic identifiers -----------------===//
//
// Every refusal ends with its identifier: "... [Q012]". docs/diagnostics.md has
// one section for each: why it is refused, an example, the ways out. An
// identifier keeps its meaning for ever; a retired one is not used again.
//
//===---------------------------------------------------------------------------===//
#ifndef DIALECTS_SHARED_DIAGNOSTICIDS_H
#define DIALECTS_SHARED_DIAGNOSTICIDS_H

#include <string>

namespace fhe::diag {

/// " [Q012]": the end of every message.
inline std::string tag(const char *id) { return std::string(" [") + id + "]"; }

// The file and its graph (import).
inline constexpr char FileUnreadable[] = "Q001"; ///< missing, empty, not a regular file, too large
inline constexpr char NotOnnx[] = "Q002";        ///< no ONNX model can be parsed from the file
inline constexpr char UnknownVersion[] = "Q003"; ///< operator set missing, too old or too new
inline constexpr char BrokenGraph[] = "Q004";    ///< duplicate, missing or unsorted tensors
inline constexpr char BadTensorData[] = "Q005";  ///< data do not fit dimensions or type
inline constexpr char NotFinite[] = "Q006";      ///< a constant holds NaN or infinity
inline constexpr char ExternalData[] = "Q007";   ///< external data outside the folder or too short
inline constexpr char BadInterface[] = "Q008";   ///< shape or type of a network input or output
inline constexpr char NoQuantizers[] = "Q009";   ///< float network, no calibration data

// Quantizers and ranges (qnn).
inline constexpr char OperandNotQuantized[] =
    "Q010";                                     ///< operand of a linear op lacks a QuantIdentity
inline constexpr char NoCommonScale[] = "Q011"; ///< add or concat operands not on one scale
inline constexpr char InputNotQuantized[] = "Q012";  ///< network input without a quantizer
inline constexpr char OutputNotAffine[] = "Q013";    ///< output not affine in one integer
inline constexpr char WeightsNotQuantized[] = "Q014"; ///< weights of a linear op lack a quantizer
inline constexpr char InputForm[] = "Q015";  ///< what lies before an input's quantizer
inline constexpr char NotANumber[] = "Q016"; ///< a table value is no number
inline constexpr char BehindClient[] = "Q017"; ///< something encrypted behind an operation of the client
inline constexpr char StatisticOfData[] = "Q018"; ///< a mean or variance of encrypted numbers
inline constexpr char AccumulatorTooWide[] = "Q020"; ///< an accumulator exceeds the limit
inline constexpr char TableTooWide[] = "Q021";       ///< a table input exceeds the limit

// Parameters and noise (tfhe).
inline constexpr char ParametersNotBuilt[] = "Q030"; ///< a security level or p_error without parameters
inline constexpr char NoParameters[] = "Q031"; ///< no parameter set satisfies a table or output
inline constexpr char TableFails[] = "Q032";   ///< a table fails more often than allowed
inline constexpr char OutputFails[] = "Q033";  ///< an output fails more often than allowed
inline constexpr char WindowEnds[] = "Q034";   ///< too little guard at the ends of a rounded window
inline constexpr char InferenceFails[] = "Q035"; ///< an inference fails more often than allowed
inline constexpr char NotShareable[] = "Q036"; ///< --profile=shareable with what it does not allow
inline constexpr char BeyondLimits[] = "Q037"; ///< keys or memory above what was allowed

// Nodes (import).
inline constexpr char UnknownDomain[] = "Q040";       ///< operator of an unknown domain
inline constexpr char UnsupportedOperator[] = "Q041"; ///< known domain, operator not supported
inline constexpr char BothEncrypted[] = "Q042";       ///< a product of two encrypted operands
inline constexpr char MalformedNode[] =
    "Q043"; ///< number of inputs, attribute types, unknown attributes
inline constexpr char UnsupportedForm[] = "Q044"; ///< an attribute value or form not supported
inline constexpr char ShapeMismatch[] = "Q045";   ///< shapes do not agree
inline constexpr char BatchMoved[] = "Q046";      ///< batch dimension moved, merged or removed
inline constexpr char BadQuantizer[] = "Q047";    ///< scale, zero point, bit width or rounding
inline constexpr char QuantizePair[] =
    "Q048"; ///< QuantizeLinear and DequantizeLinear do not form a pair
inline constexpr char NotConstant[] = "Q049"; ///< an operand that must be a constant is not
inline constexpr char DeclaredInput[] =
    "Q050";                                ///< --input-bits/--input-range do not fit the network
inline constexpr char TooLarge[] = "Q051"; ///< a tensor or graph beyond the limits
inline constexpr char IntegerTensor[] = "Q052"; ///< integer tensor where real numbers are expected
inline constexpr char ControlFlow[] = "Q053";   ///< functions, subgraphs, control flow

// The command line.
inline constexpr char Calibration[] = "Q060"; ///< calibration files do not fit the inputs
inline constexpr char CalibrationUnfit[] = "Q061"; ///< values nothing can be quantized from
inline constexpr char AlreadyQuantized[] = "Q062"; ///< quantizers asked for where there are some
inline constexpr char QuantizeBits[] = "Q063"; ///< a bit width quantization does not take
inline constexpr char OutputForm[] = "Q065"; ///< --outputs asks for what the network does not have
inline constexpr char NotExportable[] = "Q064"; ///< what an ONNX format has no node for

} // namespace fhe::diag

#endif // DIALECTS_SHARED_DIAGNOSTICIDS_H
