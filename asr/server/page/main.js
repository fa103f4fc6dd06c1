/* Connects the parts of the page. */

import { Captions } from "./captions.js";
import { Card } from "./card.js";
import { watchDrops } from "./drop.js";
import { Queue } from "./queue.js";
import { findModel, settings } from "./server.js";
import { countWords, fromVerboseJson, toVerboseJson } from "./transcript.js";

const element = (id) => document.getElementById(id);
const cards = new Set();

const queue = new Queue({
  onDone: (job, data) => {
    const transcript = fromVerboseJson(data);
    showTranscript(job, transcript, data);
    announce(`${job.file.name} is transcribed: ${countWords(transcript)} words.`);
  },
  onFailure: (job, error) => {
    const sentence = error.status === 401 ? "Enter the API key, then try again." : error.message;
    job.card.showFailure(sentence);
    announce(`${job.file.name} failed: ${sentence}`);
    if (error.status === 401) askForKey();
  },
});

const captions = new Captions({
  onTranscript: (transcript, wav, failure) => {
    const time = new Date().toTimeString().slice(0, 8);
    const file = new File([wav], `microphone-${time.replaceAll(":", "-")}.wav`);
    const job = makeJob(file, `Microphone, ${time}`);
    element("transcripts").prepend(job.card.element);
    const count = countWords(transcript);
    if (count || !failure) showTranscript(job, transcript, toVerboseJson(transcript));
    if (failure) {
      const sentence = failure.replace(/\.?$/, ".");
      job.card.showFailure(`${sentence} What you spoke is kept, and can be sent again.`);
    }
    announce(failure ?? `The microphone is off: ${count} words.`);
  },
  onError: (sentence) => { element("microphone-error").textContent = sentence; },
});

/** Queue files: what came last stands on top, in the order in which it was chosen. */
function addFiles(files) {
  const jobs = files.map((file) => makeJob(file, file.name));
  element("transcripts").prepend(...jobs.map(({ card }) => card.element));
  for (const job of jobs) queue.add(job);
}

/** Make what the queue takes: a file and its card, from which it can be sent again. */
function makeJob(file, name) {
  const job = { file };
  job.card = makeCard(name, file.name.replace(/\.[^.]*$/, ""), {
    onRemove: () => queue.remove(job),
    onRetry: () => queue.add(job),
  });
  return job;
}

function showTranscript({ card, file }, transcript, data) {
  card.showTranscript(transcript, data, file, element("show-confidence").checked);
}

function makeCard(name, stem, { onRemove, onRetry } = {}) {
  const card = new Card(name, stem, {
    onRetry,
    onRemove: () => {
      cards.delete(card);
      element("empty").hidden = cards.size > 0;
      onRemove?.();
    },
  });
  cards.add(card);
  element("empty").hidden = true;
  return card;
}

function announce(sentence) {
  element("status").textContent = sentence;
}

function askForKey(sentence = "") {
  settings.needsKey = true;
  element("key-form").hidden = false;
  element("key-error").textContent = sentence;
  element("key").focus();
}

/** Ask the server for its model, and the user for the key where the server wants one. */
async function connect() {
  try {
    settings.model = await findModel();
    settings.needsKey = false;
  } catch (error) {
    if (error.status === 401) askForKey(settings.key && "The server does not take this key.");
    else element("notice").textContent = error.message;
    return;
  }
  element("notice").textContent = "";
  element("model").textContent = `Model: ${settings.model}`;
  if (element("key-form").hidden) return;
  element("key-form").hidden = true;
  element("record").focus(); // the focus was in the form
}

element("files").addEventListener("change", ({ target }) => {
  addFiles([...target.files]);
  target.value = ""; // so that one file can be chosen twice
});
watchDrops(element("drop-cover"), addFiles, (name) => {
  const card = makeCard(name, name);
  element("transcripts").prepend(card.element);
  card.showFailure("This is a folder: drop the recordings in it.");
});

element("hot-words").addEventListener("input", ({ target }) => {
  settings.hotWords = target.value.split(/[\n,]/).map((phrase) => phrase.trim()).filter(Boolean);
});

element("show-confidence").addEventListener("change", ({ target }) => {
  element("legend").hidden = !target.checked;
  for (const card of cards) card.setShowConfidence(target.checked);
});

window.addEventListener("beforeunload", (event) => {
  if (captions.state !== "idle") event.preventDefault(); // what is being spoken would be lost
});

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  settings.key = element("key").value;
  connect();
});

connect();
