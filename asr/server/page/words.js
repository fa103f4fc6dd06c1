/* The words of a transcript: colored by confidence, and played from where they stand. */

import { findSeparator, formatTime } from "./transcript.js";

/** Classes of style.css by the least confidence; the legend of index.html states them. */
const LEVELS = [[0.8, ""], [0.5, "medium"], [0, "low"]];
/** Keys that move among the words, and how far. */
const MOVES = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

/** Make the element of a word. */
export function makeWord({ word, confidence }) {
  const element = document.createElement("span");
  const [, level] = LEVELS.find(([least]) => confidence >= least) ?? LEVELS.at(-1);
  element.className = `word ${level}`.trim();
  element.textContent = word;
  element.title = `${Math.round(100 * confidence)} %`;
  return element;
}

/** The segments of a transcript as paragraphs.

    The words are one stop of the Tab key; arrow keys move among them, and Enter or a click calls
    `onPlay(seconds)`. Without `onPlay`, or without confidence, the words are plain text.
*/
export class WordView {
  constructor(container) {
    this.container = container;
    this.onPlay = null;
    container.addEventListener("click", (event) => this.#play(event.target));
    container.addEventListener("keydown", (event) => this.#press(event));
  }

  show(segments, showConfidence) {
    this.showConfidence = showConfidence;
    this.words = [];
    this.marked = null;
    this.container.replaceChildren(...segments.map((segment) => this.#makeParagraph(segment)));
    if (this.buttons.length) this.buttons[0].tabIndex = 0;
  }

  /** Mark the word that is played at a time; null marks none. */
  mark(seconds) {
    const found = seconds === null ? null : this.#findWord(seconds);
    if (found === this.marked) return;
    this.marked?.element.classList.remove("playing");
    found?.element.classList.add("playing");
    this.marked = found;
  }

  get buttons() {
    return this.onPlay ? this.words.map(({ element }) => element) : [];
  }

  #makeParagraph(segment) {
    const row = document.createElement("div");
    row.className = "segment";
    const text = document.createElement("p");
    text.dir = "auto";
    row.append(this.#makeTime(segment), text);
    if (!this.showConfidence) {
      text.textContent = segment.text;
      return row;
    }
    segment.words.forEach((word, place) => {
      const element = makeWord(word);
      if (this.onPlay) makeButton(element, word);
      if (place) text.append(findSeparator(segment));
      text.append(element);
      this.words.push({ ...word, element });
    });
    return row;
  }

  #makeTime({ start }) {
    const time = document.createElement(this.onPlay ? "button" : "span");
    time.className = "time";
    time.textContent = formatTime(start);
    if (this.onPlay) {
      time.type = "button";
      time.ariaLabel = `Play from ${formatTime(start)}`;
      time.addEventListener("click", () => this.onPlay(start));
    }
    return time;
  }

  #play(element) {
    const word = this.onPlay && this.words.find((one) => one.element === element);
    if (!word) return;
    this.#focus(element);
    this.onPlay(word.start);
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = this.buttons.indexOf(event.target);
    if (place < 0) return;
    if (event.key === "Enter" || event.key === " ") this.#play(event.target);
    else if (event.key in MOVES) this.#focus(this.#moveFrom(place, MOVES[event.key]));
    else return;
    event.preventDefault();
  }

  #moveFrom(place, step) {
    return this.buttons[Math.max(0, Math.min(this.buttons.length - 1, place + step))];
  }

  #focus(element) {
    for (const other of this.container.querySelectorAll(".word[tabindex='0']")) other.tabIndex = -1;
    element.tabIndex = 0;
    element.focus();
  }

  /** The last word that starts no later, until half a second after its end. */
  #findWord(seconds) {
    let [low, high] = [0, this.words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle].start <= seconds) low = middle + 1;
      else high = middle;
    }
    const word = this.words[low - 1];
    return word && seconds < word.end + 0.5 ? word : null;
  }
}

/** Have a screen reader read the confidence after the word, where it is not high. */
function makeButton(element, { word, confidence }) {
  element.role = "button";
  element.tabIndex = -1;
  if (confidence < LEVELS[0][0]) element.ariaLabel = `${word}, ${Math.round(100 * confidence)} %`;
}
