// Recognize recordings with an exported model by the npm package sherpa-onnx, in WebAssembly.
//
//     npm install sherpa-onnx
//     node exported_node.js FOLDER < recordings.txt
//
// FOLDER is what `asr export MODEL --format sherpa-onnx` wrote, and recordings.txt has a path of a
// wav file a line. Prints a line of text for each, then the CPU seconds of recognizing all of them.
const fs = require('fs');
const { createRequire } = require('module');
const sherpa = createRequire(process.cwd() + '/')('sherpa-onnx'); // of the working folder

const folder = process.argv[2];
const recognizer = sherpa.createOfflineRecognizer({
  modelConfig: {
    omnilingual: { model: `${folder}/model.onnx` },
    tokens: `${folder}/tokens.txt`,
    numThreads: 1,
    debug: 0,
  },
});

function recognize(path) {
  const wave = sherpa.readWave(path);
  const stream = recognizer.createStream();
  stream.acceptWaveform(wave.sampleRate, wave.samples);
  recognizer.decode(stream);
  const text = recognizer.getResult(stream).text.split(/\s+/).join(' ').trim();
  stream.free();
  return text;
}

const paths = fs.readFileSync(0, 'utf-8').trim().split('\n');
recognize(paths[0]); // warms up
const start = process.cpuUsage();
const texts = paths.map(recognize);
const spent = process.cpuUsage(start);
console.log(texts.join('\n'));
console.log((spent.user + spent.system) / 1e6);
