/* Files on their way to the server, two at a time: one is sent while another is transcribed. */

import { RequestError, transcribeFile } from "./server.js";

const AT_ONCE = 2;

export class Queue {
  /** `onDone(job, data)` and `onFailure(job, error)` are called for each job of {file, card}. */
  constructor({ onDone, onFailure }) {
    this.onDone = onDone;
    this.onFailure = onFailure;
    this.waiting = [];
    this.running = 0;
  }

  add(job) {
    job.controller = new AbortController();
    job.card.showProgress("Waiting", 0);
    this.waiting.push(job);
    this.#startNext();
  }

  remove(job) {
    this.waiting = this.waiting.filter((other) => other !== job);
    job.controller?.abort(); // a job that was never added has none
  }

  async #startNext() {
    if (this.running >= AT_ONCE || !this.waiting.length) return;
    const job = this.waiting.shift();
    this.running += 1;
    try {
      this.onDone(job, await this.#transcribe(job));
    } catch (error) {
      if (error.name !== "AbortError") this.onFailure(job, error);
    } finally {
      this.running -= 1;
      this.#startNext();
    }
  }

  /** Transcribe, and wait as long as a busy server says before it is asked again. */
  async #transcribe({ file, card, controller: { signal } }) {
    for (;;) {
      const clock = new Clock(card);
      try {
        return await transcribeFile(file, (fraction) => clock.showUpload(fraction), signal);
      } catch (error) {
        if (!(error instanceof RequestError) || error.status !== 429) throw error;
        const waitS = Math.max(1, error.retryAfterS);
        card.showProgress(`The server is busy; next try in ${waitS} s`, 0);
        await sleep(1000 * waitS, signal);
      } finally {
        clock.stop();
      }
    }
  }
}

/** Shows on a card how much is sent, then for how long the server has been at work. */
class Clock {
  constructor(card) {
    this.card = card;
    card.showProgress("Sending", 0);
  }

  showUpload(fraction) {
    if (fraction < 1) this.card.showProgress(`Sending, ${Math.round(100 * fraction)} %`, fraction);
    else if (!this.timer) this.#count();
  }

  #count() {
    const start = performance.now();
    const show = () => {
      const seconds = Math.floor((performance.now() - start) / 1000);
      this.card.showProgress(seconds ? `Transcribing, ${seconds} s` : "Transcribing", null);
    };
    show();
    this.timer = setInterval(show, 1000);
  }

  stop() {
    clearInterval(this.timer);
  }
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, ms);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}
