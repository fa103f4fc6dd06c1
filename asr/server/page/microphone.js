/* The microphone as blocks of PCM16 samples. */

const SAMPLE_RATE = 16_000;
/** The first and the last block of samples come in this time, or never. */
const AT_MOST_MS = 5_000;
const SILENT = "The microphone gives no sound: another program may be using it.";

/** Open the microphone, which asks the user.

    `onBlock(samples, levelDb)` is called ten times a second with an ArrayBuffer of PCM16 and its
    level in dB below full scale, `onLost()` when the microphone is gone. Gives {sampleRate, stop};
    `stop()` resolves when the last block has been given. Rejects with an error whose message is
    one sentence for the user.
*/
export async function openMicrophone({ onBlock, onLost }) {
  if (!navigator.mediaDevices) throw new Error(explainInsecure());
  let stream;
  try {
    // Echo and noise cancellers are made for people's ears and remove what recognizers use.
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new Error(explain(error));
  }
  stream.getAudioTracks()[0].onended = onLost;
  let context, source;
  const close = () => {
    for (const track of stream.getTracks()) track.stop();
    return context?.close();
  };
  try {
    ({ context, source } = connect(stream));
    await context.audioWorklet.addModule("page/pcm-worklet.js");
    const worklet = new AudioWorkletNode(context, "pcm", { numberOfOutputs: 0 });
    const [started, stopped] = readBlocks(worklet.port, onBlock);
    source.connect(worklet);
    context.resume(); // does not settle where Firefox finds nothing to play sound with
    if (!await settles(started)) throw new Error(SILENT);
    const stop = async () => {
      worklet.port.postMessage("stop");
      await settles(stopped);
      await close();
    };
    return { sampleRate: context.sampleRate, stop };
  } catch (error) {
    close();
    throw error;
  }
}

/** Pass blocks on; give promises of the first block and of the last. */
function readBlocks(port, onBlock) {
  let start;
  const started = new Promise((resolve) => { start = resolve; });
  const stopped = new Promise((resolve) => {
    port.onmessage = ({ data: { samples, levelDb, last } }) => {
      start(true);
      onBlock(samples, levelDb);
      if (last) resolve(true);
    };
  });
  return [started, stopped];
}

/** Give what a promise of true gives, or undefined where that takes too long. */
function settles(promise) {
  return Promise.race([promise, new Promise((resolve) => { setTimeout(resolve, AT_MOST_MS); })]);
}

/** Have the browser resample to 16 kHz; where it cannot (older Firefox), the server will. */
function connect(stream) {
  const context = new AudioContext({ sampleRate: SAMPLE_RATE });
  try {
    return { context, source: context.createMediaStreamSource(stream) };
  } catch {
    context.close();
    const native = new AudioContext();
    return { context: native, source: native.createMediaStreamSource(stream) };
  }
}

function explain(error) {
  return {
    NotAllowedError:
      "The browser was not allowed to use the microphone: allow it for this page and press again.",
    NotFoundError: "No microphone was found: connect one and press again.",
    NotReadableError: SILENT,
  }[error.name] ?? `The microphone cannot be opened: ${error.message}.`;
}

function explainInsecure() {
  return "Browsers give the microphone to https and to localhost alone, and this page is from "
    + `${location.origin}: start the server with --tls-cert and --tls-key.`;
}

/** Join blocks of PCM16 samples to a wav file. */
export function makeWav(blocks, sampleRate) {
  const bytes = blocks.reduce((sum, block) => sum + block.byteLength, 0);
  const header = new DataView(new ArrayBuffer(44));
  const ascii = (place, text) => {
    [...text].forEach((letter, i) => header.setUint8(place + i, letter.charCodeAt(0)));
  };
  ascii(0, "RIFF");
  header.setUint32(4, 36 + bytes, true);
  ascii(8, "WAVEfmt ");
  header.setUint32(16, 16, true); // bytes of the format
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // channels
  header.setUint32(24, sampleRate, true);
  header.setUint32(28, 2 * sampleRate, true); // bytes a second
  header.setUint16(32, 2, true); // bytes a sample
  header.setUint16(34, 16, true); // bits a sample
  ascii(36, "data");
  header.setUint32(40, bytes, true);
  return new Blob([header, ...blocks], { type: "audio/wav" });
}
