/* Live transcription by vosk-server's WebSocket protocol. */

import { settings } from "./server.js";

const LAST_WORDS_MS = 30_000;
/** The code of a WebSocket that was closed in order, RFC 6455. */
const NORMAL = 1000;
const ENDED = "The server ended the connection.";
const LATE = "The server did not send the last words in time.";
const REFUSED = "The server did not take the connection: it is busy, or has stopped.";

/** One WebSocket from the first samples to the last words.

    `onPartial(text)` is called with the words under way, and `onFinal(segment)` with words that
    stay. `ended` settles when the server has sent all words, or rejects with a sentence.
*/
export class LiveSession {
  constructor(sampleRate, { onPartial, onFinal }) {
    this.onPartial = onPartial;
    this.onFinal = onFinal;
    this.waiting = []; // what is spoken before the socket opens
    this.opened = false;
    this.finishing = false;
    const url = new URL("./", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    // A browser sets no headers on a WebSocket: OpenAI's clients send the key as a subprotocol.
    const protocols = settings.key ? ["vosk", `openai-insecure-api-key.${settings.key}`] : [];
    this.socket = new WebSocket(url, protocols);
    this.ended = new Promise((resolve, reject) => {
      this.socket.onopen = () => this.#open(sampleRate);
      this.socket.onmessage = ({ data }) => this.#read(JSON.parse(data));
      this.socket.onclose = ({ code, reason }) => {
        if (this.finishing && code === NORMAL) resolve();
        else reject(new Error(reason || (this.opened ? ENDED : REFUSED)));
      };
      this.fail = (sentence) => reject(new Error(sentence));
    });
  }

  /** Send PCM16 samples, an ArrayBuffer. */
  send(samples) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(samples);
    else if (this.socket.readyState === WebSocket.CONNECTING) this.waiting.push(samples);
  }

  /** Tell the server that no more samples come, and wait for the last words. */
  async finish() {
    this.finishing = true;
    this.send('{"eof" : 1}');
    const timer = setTimeout(() => this.fail(LATE), LAST_WORDS_MS);
    try {
      await this.ended;
    } finally {
      clearTimeout(timer);
      this.socket.close();
    }
  }

  #open(sampleRate) {
    this.opened = true;
    const config = { sample_rate: sampleRate, words: true };
    if (settings.hotWords.length) config.phrase_list = settings.hotWords;
    this.socket.send(JSON.stringify({ config }));
    for (const message of this.waiting.splice(0)) this.socket.send(message);
  }

  #read(message) {
    if (message.error) this.fail(message.error);
    else if ("partial" in message) this.onPartial(message.partial);
    else if (message.result?.length) this.onFinal(makeSegment(message));
    else this.onPartial("");
  }
}

function makeSegment({ result, text }) {
  const words = result.map(({ word, start, end, conf: confidence }) => (
    { word, start, end, confidence }
  ));
  return { start: words[0].start, end: words.at(-1).end, text, words };
}
