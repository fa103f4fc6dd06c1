/* Transcripts as files: txt, srt, vtt and json, to the bytes of `asr transcribe --format`. */

import { makeCues } from "./cues.js";

/** Each takes a transcript and its verbose_json, and gives the text of a file. */
export const FORMATS = {
  txt: ({ segments }) => segments.map(({ text }) => `${text}\n`).join(""),

  srt: (transcript) => makeCues(transcript)
    .map((cue, place) => `${place + 1}\n${formatSpan(cue, ",")}\n${cue.lines.join("\n")}\n`)
    .join("\n"),

  vtt: (transcript) => ["WEBVTT\n", ...makeCues(transcript)
    .map((cue) => `${formatSpan(cue, ".")}\n${escape(cue.lines.join("\n"))}\n`)]
    .join("\n"),

  json: (_transcript, data) => `${JSON.stringify(data, null, 2)}\n`,
};

const TYPES = {
  txt: "text/plain",
  srt: "application/x-subrip",
  vtt: "text/vtt",
  json: "application/json",
};

/** Have the browser save a transcript as a file; `stem` is its name without a suffix. */
export function download(stem, format, transcript, data) {
  const blob = new Blob([FORMATS[format](transcript, data)], { type: TYPES[format] });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${stem}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // after the browser has taken it
}

function formatSpan({ startMs, endMs }, mark) {
  return `${formatClock(startMs, mark)} --> ${formatClock(endMs, mark)}`;
}

function formatClock(timeMs, mark) {
  const pad = (number, digits) => String(number).padStart(digits, "0");
  const seconds = Math.floor(timeMs / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${parts.map((part) => pad(part, 2)).join(":")}${mark}${pad(timeMs % 1000, 3)}`;
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
