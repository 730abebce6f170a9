// onnxruntime.js MODEL.onnx INPUTS.npy OUTPUTS.npy: runs the model in onnxruntime over the inputs and compares
// with outputs, both float32. Exit 0: equal but for float rounding on every sample; 1: not; 77: the npm
// package onnxruntime-node is not installed (NODE_PATH says where it is looked for).
//
// Graph optimizations are off: they turn QuantizeLinear/DequantizeLinear pairs into integer kernels that
// round differently from the standard's formulas. Tolerance: onnxruntime sums in float32, so that a value
// within its rounding error of a quantizer's border may fall on the other side; such samples are counted and
// printed, and allowed to be one in ALLOWED.
'use strict';
const fs = require('fs');

const TOLERANCE = 1e-5; // of the largest output
const ALLOWED = 0.005;

function readNpy(path) {
  const bytes = fs.readFileSync(path);
  const version = bytes[6];
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  const header = bytes.toString('latin1', start, start + length);
  if (!header.includes("'<f4'") || header.includes("'fortran_order': True"))
    throw new Error(path + ' is not float32 in row-major order');
  const shape = header.match(/'shape': \(([^)]*)\)/)[1].split(',').filter(s => s.trim()).map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  const values = new Float32Array(count);
  for (let i = 0; i < count; ++i)
    values[i] = bytes.readFloatLE(start + length + 4 * i);
  return {shape, values};
}

async function main([model, inputPath, outputPath]) {
  let ort;
  try {
    ort = require('onnxruntime-node');
  } catch (error) {
    console.log('onnxruntime-node is not installed: skipped');
    return 77;
  }
  const session = await ort.InferenceSession.create(
      model, {graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, interOpNumThreads: 1});
  const input = readNpy(inputPath), expected = readNpy(outputPath);
  const samples = input.shape[0];
  const tensor = new ort.Tensor('float32', input.values, input.shape);
  const results = await session.run({[session.inputNames[0]]: tensor});
  const found = results[session.outputNames[0]].data;
  if (found.length !== expected.values.length)
    throw new Error(`${found.length} outputs, expected ${expected.values.length}`);
  const largest = expected.values.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  const size = found.length / samples;
  let different = 0;
  for (let s = 0; s < samples; ++s) {
    let same = true;
    for (let e = s * size; e < (s + 1) * size; ++e)
      same = same && Math.abs(found[e] - expected.values[e]) <= TOLERANCE * largest;
    different += same ? 0 : 1;
  }
  console.log(`${samples - different} of ${samples} samples equal`);
  return different > ALLOWED * samples ? 1 : 0;
}

main(process.argv.slice(2)).then(code => process.exit(code), error => {
  console.log(String(error));
  process.exit(1);
});
