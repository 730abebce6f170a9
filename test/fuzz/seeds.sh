#!/bin/bash
# seeds.sh OUT [all]: the first corpus of each fuzz target in OUT/fuzz-import and OUT/fuzz-files, made from
# the models and tests of this repository; with "all" also from the ONNX project's test data, where they
# are installed.
set -u
mkdir -p "$1/fuzz-import" "$1/fuzz-files" || exit 1
OUT=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.." || exit 1
# Small ones only: a mutation of a large file rarely hits what matters.
find test/models -name '*.onnx' ! -path '*/zoo_*' -size -64k | while read -r file; do
  cp "$file" "$OUT/fuzz-import/$(echo "${file#test/models/}" | tr / _)"
done
for file in test/import/*.txtpb test/driver/*.txtpb; do
  protoc -I /usr/include --encode=onnx.ModelProto onnx/onnx.proto <"$file" \
    >"$OUT/fuzz-import/$(basename "$file" .txtpb)" 2>/dev/null || true
done
if [ "${2:-}" = all ]; then
  find /usr/share/libonnx-testdata/data -name '*.onnx' -size -8k 2>/dev/null | while read -r file; do
    cp "$file" "$OUT/fuzz-import/onnx_$(basename "$(dirname "$file")").onnx"
  done
fi
find test/models -name '*.npy' -size -64k | while read -r file; do
  cp "$file" "$OUT/fuzz-files/$(echo "${file#test/models/}" | tr / _)"
done
# The manifest that docs/formats.md shows.
sed -n '/^```json$/,/^```$/p' docs/formats.md | sed '1d;$d' >"$OUT/fuzz-files/manifest.json"
for target in fuzz-import fuzz-files; do
  find test/fuzz/findings/$target -type f -exec cp {} "$OUT/$target" \; 2>/dev/null
done

exit 0
