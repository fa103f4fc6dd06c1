/* Live captions: the microphone's words while they are spoken. */

import { LiveSession } from "./live.js";
import { makeWav, openMicrophone } from "./microphone.js";
import { Player } from "./player.js";
import { settings } from "./server.js";
import { formatTime } from "./transcript.js";
import { makeWord } from "./words.js";

/** A microphone below this level for this long is taken to be muted. */
const SILENT_DB = -75;
const SILENT_S = 3;
const SPEAK = "Speak now";
const MUTED = "The microphone is silent. Is it muted?";

const element = (id) => document.getElementById(id);

export class Captions {
  /** `onTranscript(transcript, wav, failure)` is called with what was spoken.

      `failure` is the sentence of a connection that broke, or undefined. `onError(sentence)` is
      called where the microphone is at fault.
  */
  constructor({ onTranscript, onError }) {
    this.onTranscript = onTranscript;
    this.onError = onError;
    this.state = "idle"; // then opening, recording, finishing, and idle again
    element("record").addEventListener("click", () => this.toggle());
  }

  toggle() {
    if (this.state === "idle") this.#start();
    else if (this.state === "recording") this.#finish();
  }

  async #start() {
    this.onError(settings.needsKey ? "Enter the API key first." : "");
    if (settings.needsKey) return;
    Player.pauseAll();
    this.#enter("opening", "Opening the microphone …");
    Object.assign(this, { blocks: [], segments: [], samples: 0, session: null });
    this.loudestDb = -Infinity;
    try {
      this.microphone = await openMicrophone({
        onBlock: (samples, levelDb) => this.#take(samples, levelDb),
        onLost: () => this.#lose(),
      });
    } catch (error) {
      this.#enter("idle");
      this.onError(error.message);
      return;
    }
    this.#enter("recording", SPEAK);
    element("finals").replaceChildren();
    this.#showPartial("");
    element("live").hidden = false;
    this.session = new LiveSession(this.microphone.sampleRate, {
      onPartial: (text) => this.#showPartial(text),
      onFinal: (segment) => this.#showFinal(segment),
    });
    for (const block of this.blocks) this.session.send(block);
    this.session.ended.catch((error) => this.#fail(error));
  }

  async #finish() {
    await this.#stopMicrophone("Waiting for the last words …");
    let failure;
    try {
      await this.session.finish();
    } catch (error) {
      failure = error.message;
    }
    this.#end(failure);
  }

  #lose() {
    if (this.state !== "recording") return;
    this.onError("The microphone was disconnected.");
    this.#finish();
  }

  /** The connection broke while words were spoken: what was spoken until then is kept. */
  async #fail(error) {
    if (this.state !== "recording") return;
    await this.#stopMicrophone("The connection broke");
    this.#end(error.message);
  }

  async #stopMicrophone(sentence) {
    this.#enter("finishing", sentence);
    await this.microphone.stop();
    showLevel(-60);
  }

  #end(failure) {
    element("live").hidden = true;
    this.#enter("idle");
    const { sampleRate } = this.microphone;
    const duration = this.samples / sampleRate;
    const wav = makeWav(this.blocks, sampleRate);
    this.onTranscript({ duration, segments: this.segments }, wav, failure);
  }

  #take(samples, levelDb) {
    this.blocks.push(samples);
    this.session?.send(samples);
    this.samples += samples.byteLength / 2;
    if (this.state !== "recording") return;
    const seconds = this.samples / this.microphone.sampleRate;
    element("live-time").textContent = formatTime(seconds);
    showLevel(levelDb);
    this.loudestDb = Math.max(this.loudestDb, levelDb);
    const isSilent = seconds > SILENT_S && this.loudestDb < SILENT_DB;
    element("record-state").textContent = isSilent ? MUTED : SPEAK;
  }

  #showPartial(text) {
    element("partial").textContent = text;
    keepEndInView();
  }

  #showFinal(segment) {
    this.segments.push(segment);
    for (const word of segment.words) element("finals").append(makeWord(word), " ");
    this.#showPartial("");
  }

  #enter(state, sentence = "Press to speak") {
    this.state = state;
    const button = element("record");
    button.classList.toggle("is-recording", state === "recording");
    // Not `disabled`, which would take the focus away from who pressed the key.
    button.setAttribute("aria-disabled", String(state === "opening" || state === "finishing"));
    element("record-name").textContent =
      state === "recording" ? "Stop the microphone" : "Start transcribing the microphone";
    element("record-state").textContent = sentence;
  }
}

function showLevel(levelDb) {
  const db = Math.round(Math.max(-60, Math.min(0, levelDb)));
  const meter = element("level");
  meter.ariaValueNow = db;
  meter.ariaValueText = db > -60 ? `${db} dB` : "silent";
  meter.style.setProperty("--level", (db + 60) / 60);
}

function keepEndInView() {
  const box = element("partial").closest(".captions");
  box.scrollTop = box.scrollHeight;
}
