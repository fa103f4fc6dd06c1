/* The card of one recording: how far it is, what went wrong, its transcript. */

import { download, FORMATS } from "./formats.js";
import { Player } from "./player.js";
import { countWords, formatTime } from "./transcript.js";
import { WordView } from "./words.js";

const PARTS = [".progress", ".failure", ".downloads"];
let cards = 0;

export class Card {
  /** Make a card without content.

      `stem` names what is downloaded; `onRemove` and `onRetry` are called when the user asks.
  */
  constructor(name, stem, { onRemove, onRetry }) {
    this.name = name;
    this.stem = stem;
    this.transcript = null;
    const template = document.getElementById("card-template");
    this.element = template.content.firstElementChild.cloneNode(true);
    this.view = new WordView(this.#find(".words"));
    this.player = new Player(this.#find(".player"), name, {
      onTime: (seconds) => this.view.mark(seconds),
      onUnplayable: () => this.#becomeSilent(),
    });
    this.#connect(onRemove, onRetry);
    this.#label();
  }

  /** Show a sentence, and a bar: a fraction, or null where nobody knows how far it is. */
  showProgress(sentence, fraction) {
    this.#show(".progress");
    this.#find(".progress p").textContent = sentence;
    const bar = this.#find("progress");
    if (fraction === null) bar.removeAttribute("value");
    else bar.value = fraction;
  }

  /** Show what went wrong, beside the words so far if there are any. */
  showFailure(sentence) {
    this.#show(".failure", ...(this.transcript ? [".downloads"] : []));
    this.#find(".error").textContent = sentence;
  }

  /** Show a transcript (transcript.js), its verbose_json, and the recording as a Blob. */
  showTranscript(transcript, data, blob, showConfidence) {
    this.#show(".downloads");
    this.transcript = transcript;
    this.data = data;
    const count = countWords(transcript);
    this.#find(".facts").textContent =
      `${formatTime(transcript.duration)} · ${count} ${count === 1 ? "word" : "words"}`;
    this.#find(".notes").hidden = !data.notes;
    this.#find(".notes").textContent = `${this.name}: ${data.notes?.join("; ")}.`;
    this.#find(".wordless").hidden = count > 0;
    this.#find(".unplayable").hidden = true;
    this.view.onPlay = (seconds) => this.player.playFrom(seconds);
    this.view.show(transcript.segments, showConfidence);
    this.player.open(blob);
  }

  setShowConfidence(value) {
    if (this.transcript) this.view.show(this.transcript.segments, value);
  }

  #connect(onRemove, onRetry) {
    this.#find(".remove").addEventListener("click", () => { this.#remove(); onRemove(); });
    this.#find(".retry").addEventListener("click", () => {
      this.#find(".remove").focus(); // the button that has the focus is about to go
      onRetry();
    });
    this.#find(".retry").hidden = !onRetry;
    for (const button of this.element.querySelectorAll("[data-format]")) {
      const { format } = button.dataset;
      button.addEventListener("click", () => {
        download(this.stem, format, this.transcript, this.data);
      });
    }
    const copy = this.#find(".copy");
    copy.hidden = !navigator.clipboard; // as the microphone, for https and localhost alone
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(FORMATS.txt(this.transcript));
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 2000);
    });
  }

  /** Give every part a name that holds where it stands alone, in a list of buttons for example. */
  #label() {
    const heading = this.#find("h3");
    heading.textContent = this.name;
    heading.id = `card-${cards += 1}`;
    this.element.setAttribute("aria-labelledby", heading.id);
    this.#find(".remove").ariaLabel = `Remove ${this.name}`;
    this.#find(".retry").ariaLabel = `Try again: ${this.name}`;
    this.#find("progress").ariaLabel = `Progress of ${this.name}`;
    this.#find(".words").ariaLabel = `Words of ${this.name}: arrow keys move, Enter plays`;
    this.#find(".downloads").ariaLabel = `Transcript of ${this.name}`;
  }

  #becomeSilent() {
    this.player.close();
    this.#find(".unplayable").hidden = false;
    this.view.onPlay = null;
    this.view.show(this.transcript.segments, this.view.showConfidence);
  }

  #remove() {
    this.player.close();
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    const target = next?.querySelector(".remove") ?? document.getElementById("files");
    if (this.element.contains(document.activeElement)) target.focus();
    this.element.remove();
  }

  #show(...wanted) {
    for (const part of PARTS) this.#find(part).hidden = !wanted.includes(part);
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }
}
