/* Transcripts as the page keeps them, and their JSON in the fields of OpenAI's verbose_json.

   A transcript is {duration, segments}, a segment {start, end, text, words}, and a word
   {word, start, end, confidence}. Times are in seconds from the start of the sound; a confidence
   is the estimated probability, 0 to 1, that the word is right.
*/

/** Read the server's answer: each word goes to the last segment that starts no later. */
export function fromVerboseJson(data) {
  const segments = (data.segments ?? []).map(({ start, end, text }) => (
    { start, end, text, words: [] }
  ));
  let place = 0;
  for (const word of data.words ?? []) {
    while (place + 1 < segments.length && segments[place + 1].start <= word.start) place += 1;
    segments[place]?.words.push(word);
  }
  return { duration: data.duration, segments };
}

/** Write a transcript that was spoken live as the server writes those of files. */
export function toVerboseJson({ duration, segments }) {
  return {
    task: "transcribe",
    language: "unknown",
    duration: round(duration),
    segments: segments.map(({ start, end, text }, id) => ({ id, start, end, text })),
    words: segments.flatMap((segment) => segment.words),
    text: segments.map((segment) => segment.text).join(" "),
  };
}

/** Text between the words of a segment: nothing in scripts that are written without spaces. */
export function findSeparator(segment) {
  return segment.text === segment.words.map(({ word }) => word).join("") ? "" : " ";
}

export function countWords({ segments }) {
  return segments.reduce((count, segment) => count + segment.words.length, 0);
}

/** Write seconds as people do: 0:07, 12:30, 1:02:03. */
export function formatTime(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const parts = hours ? [hours, pad(minutes)] : [minutes];
  return [...parts, pad(whole % 60)].join(":");
}

function pad(number) {
  return String(number).padStart(2, "0");
}

function round(seconds) {
  return Math.round(1000 * seconds) / 1000;
}
