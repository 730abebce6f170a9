//===- NodeLocation.cpp - The ONNX node an operation came from -----------------===//
#include "dialects/shared/NodeLocation.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace fhe {

Location makeNodeLocation(MLIRContext *context, const OnnxNode &node) {
  Builder b(context);
  auto place = FileLineColLoc::get(context, node.file, node.index, 1);
  auto metadata = b.getDictionaryAttr({b.getNamedAttr("op", b.getStringAttr(node.op)),
                                       b.getNamedAttr("output", b.getStringAttr(node.output))});
  return NameLoc::get(b.getStringAttr(node.name),
                      FusedLoc::get(context, {place}, metadata));
}

/// Reads a NameLoc made by makeNodeLocation (or a plain NameLoc of hand-written IR).
static OnnxNode readNode(NameLoc loc) {
  OnnxNode node;
  node.name = loc.getName();
  Location child = loc.getChildLoc();
  if (auto fused = dyn_cast<FusedLoc>(child)) {
    if (auto metadata = dyn_cast_or_null<DictionaryAttr>(fused.getMetadata())) {
      if (auto op = metadata.getAs<StringAttr>("op"))
        node.op = op;
      if (auto output = metadata.getAs<StringAttr>("output"))
        node.output = output;
    }
    if (!fused.getLocations().empty())
      child = fused.getLocations().front();
  }
  if (auto place = dyn_cast<FileLineColLoc>(child)) {
    node.file = place.getFilename();
    node.index = place.getLine();
  }
  return node;
}

SmallVector<OnnxNode> collectNodes(Location location) {
  SmallVector<OnnxNode> nodes;
  location->walk([&](Location loc) {
    if (auto name = dyn_cast<NameLoc>(loc)) {
      OnnxNode node = readNode(name);
      if (!llvm::any_of(nodes, [&](const OnnxNode &other) {
            return other.name == node.name && other.index == node.index;
          }))
        nodes.push_back(node);
      return WalkResult::skip();
    }
    return WalkResult::advance();
  });
  return nodes;
}

std::optional<OnnxNode> primaryNode(Location location) {
  SmallVector<OnnxNode> nodes = collectNodes(location);
  if (nodes.empty())
    return std::nullopt;
  return nodes.front();
}

} // namespace fhe
