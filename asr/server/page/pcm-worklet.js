/* Runs in the browser's audio thread: float samples to blocks of PCM16, ten a second. */

class PcmProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Int16Array(Math.round(sampleRate / 10));
    this.filled = 0;
    this.energy = 0;
    this.stopping = false;
    this.port.onmessage = () => { this.stopping = true; };
  }

  process([[channel]]) {
    for (const sample of channel ?? []) {
      const clipped = Math.max(-1, Math.min(1, sample));
      this.block[this.filled] = Math.round(32767 * clipped);
      this.energy += clipped * clipped;
      this.filled += 1;
      if (this.filled === this.block.length) this.post(false);
    }
    if (this.stopping) this.post(true);
    return !this.stopping;
  }

  post(last) {
    const samples = this.block.slice(0, this.filled).buffer;
    const levelDb = 10 * Math.log10(this.energy / Math.max(1, this.filled) + 1e-9);
    this.port.postMessage({ samples, levelDb, last }, [samples]);
    this.filled = 0;
    this.energy = 0;
  }
}

registerProcessor("pcm", PcmProcessor);
