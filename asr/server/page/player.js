/* Plays a recording: a button, a slider, the time. */

import { formatTime } from "./transcript.js";

/** The player of one card.

    `onTime(seconds)` is called as often as the screen is drawn while sound plays, with null where
    nothing was played yet or all of it; `onUnplayable()` where the browser cannot decode it.
*/
export class Player {
  constructor(element, name, { onTime, onUnplayable }) {
    this.element = element;
    this.onTime = onTime;
    this.button = element.querySelector(".play");
    this.slider = element.querySelector("input");
    this.output = element.querySelector("output");
    this.name = name;
    this.slider.ariaLabel = `Position in ${name}`;
    this.audio = new Audio();
    this.audio.preload = "metadata";
    this.audio.onloadedmetadata = () => this.#show();
    this.audio.ondurationchange = () => this.#show();
    this.audio.onplay = () => this.#follow();
    this.audio.onpause = () => this.#show();
    this.audio.onseeked = () => this.#show();
    this.audio.onerror = () => onUnplayable();
    this.button.addEventListener("click", () => this.toggle());
    this.slider.addEventListener("input", () => { this.audio.currentTime = this.slider.value; });
  }

  /** Take a recording in place of the one before. */
  open(blob) {
    this.close();
    this.url = URL.createObjectURL(blob);
    this.audio.src = this.url;
    this.element.hidden = false;
    this.#show();
  }

  playFrom(seconds) {
    if (this.audio.paused) Player.pauseAll();
    this.audio.currentTime = seconds;
    this.#play();
  }

  toggle() {
    if (this.audio.paused) this.playFrom(this.audio.ended ? 0 : this.audio.currentTime);
    else this.pause();
  }

  pause() {
    this.audio.pause();
  }

  /** Release the recording, which is in memory where it was spoken. */
  close() {
    this.pause();
    if (!this.url) return;
    this.audio.removeAttribute("src");
    URL.revokeObjectURL(this.url);
    Player.playing.delete(this);
    this.element.hidden = true;
  }

  #play() {
    Player.playing.add(this);
    this.audio.play().catch(() => {}); // refused or broken off: onerror and onpause tell
  }

  #follow() {
    this.#show();
    if (!this.audio.paused) requestAnimationFrame(() => this.#follow());
  }

  #show() {
    const { currentTime, duration, ended, paused } = this.audio;
    const length = Number.isFinite(duration) ? duration : 0;
    this.element.classList.toggle("is-playing", !paused);
    this.button.ariaLabel = `${paused ? "Play" : "Pause"} ${this.name}`;
    this.slider.max = length;
    this.slider.value = currentTime;
    this.slider.ariaValueText = `${formatTime(currentTime)} of ${formatTime(length)}`;
    this.slider.style.setProperty("--played", `${length ? (100 * currentTime) / length : 0}%`);
    this.output.textContent = `${formatTime(currentTime)} / ${formatTime(length)}`;
    this.onTime(currentTime > 0 && !ended ? currentTime : null);
  }
}

/** Players that were started: one plays at a time, and none beside an open microphone. */
Player.playing = new Set();
Player.pauseAll = () => {
  for (const player of Player.playing) player.pause();
};
