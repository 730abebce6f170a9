//===- Onnx.h - Debian's protobuf classes of ONNX ------------------------------===//
//
// The classes only: never ONNX's checker or shape inference, which know no
// custom domains and no operator set after 17. Newer fields are skipped.
//
//===---------------------------------------------------------------------------===//
#ifndef COMPILER_IMPORT_ONNX_H
#define COMPILER_IMPORT_ONNX_H

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

#endif // COMPILER_IMPORT_ONNX_H
