/* Words to subtitle cues, by the rules of asr/formats/cues.py, which explains them.

   The page cuts cues itself because a second request would transcribe the recording again, and
   what was spoken live is nowhere but in the page. A test compares the two.
*/

import { findSeparator } from "./transcript.js";

const LINES = 2;
const LINE_CHARACTERS = 42;
const SHORTEST_MS = 1000;
const LONGEST_MS = 7000;
const PAUSE_S = 0.25;

/** Cut the words of a transcript into cues {startMs, endMs, lines} without overlap. */
export function makeCues({ duration, segments }) {
  const fragments = segments.flatMap((segment) => {
    const separator = findSeparator(segment);
    return segment.words.flatMap((word, place) => splitWord(word, place ? separator : " "));
  });
  return separate(group(fragments).map(makeCue), toMs(duration));
}

/** Split a word that is longer than a line, its duration in proportion to its letters. */
function splitWord({ word, start, end }, before) {
  const letters = [...word];
  if (letters.length <= LINE_CHARACTERS) return [makeFragment(letters, start, end, before, false)];
  const letterS = (end - start) / letters.length;
  const fragments = [];
  for (let place = 0; place < letters.length; place += LINE_CHARACTERS) {
    const part = letters.slice(place, place + LINE_CHARACTERS);
    const startS = start + place * letterS;
    const endS = startS + part.length * letterS;
    fragments.push(makeFragment(part, startS, endS, place ? "" : before, place > 0));
  }
  return fragments;
}

function makeFragment(letters, startS, endS, before, inside) {
  return { text: letters.join(""), width: letters.length, startS, endS, before, inside };
}

/** Choose the cuts of least cost; best[n] is the cost of the first n fragments. */
function group(fragments) {
  const best = [0];
  const cut = [0];
  for (let end = 1; end <= fragments.length; end += 1) {
    let pausesS = 0;
    let [least, from] = [Infinity, 0];
    for (let start = end - 1; start >= 0; start -= 1) {
      const members = fragments.slice(start, end);
      if (members.length > 1) {
        if (!fits(members)) break;
        pausesS += Math.max(0, members[1].startS - members[0].endS);
      }
      const cost = best[start] + 1 + pausesS + costOfEnding(fragments, start, end);
      if (cost <= least) [least, from] = [cost, start]; // of equal costs, the longest cue
    }
    best.push(least);
    cut.push(from);
  }
  const groups = [];
  for (let end = fragments.length; end; end = cut[end]) groups.push(fragments.slice(cut[end], end));
  return groups.reverse();
}

/** Whether the fragments fill at most two lines and seven seconds. */
function fits(members) {
  if (toMs(members.at(-1).endS) - toMs(members[0].startS) > LONGEST_MS) return false;
  let [line, used] = [1, 0];
  members.forEach(({ width, before }, place) => {
    if (place && used + before.length + width > LINE_CHARACTERS) [line, used] = [line + 1, width];
    else used += width + (place ? before.length : 0);
  });
  return line <= LINES;
}

/** Cost of ending a cue before fragment `end`: of the cut, and of too short a cue. */
function costOfEnding(fragments, start, end) {
  if (end === fragments.length) return 0;
  const following = fragments[end];
  if (following.inside) return LINE_CHARACTERS;
  const pauseS = Math.max(0, following.startS - fragments[end - 1].endS);
  const lackingS = SHORTEST_MS / 1000 - (following.startS - fragments[start].startS);
  return PAUSE_S / (PAUSE_S + pauseS) + Math.max(0, lackingS);
}

/** Lay fragments out in one line, or in two of similar length, without splitting words if so. */
function makeCue(members) {
  const cue = { startMs: toMs(members[0].startS), endMs: toMs(members.at(-1).endS) };
  const whole = joinFragments(members);
  if (countLetters(whole) <= LINE_CHARACTERS) return { ...cue, lines: [whole] };
  const layouts = members.slice(1).map((fragment, place) => {
    const lines = [members.slice(0, place + 1), members.slice(place + 1)].map(joinFragments);
    const width = Math.max(...lines.map(countLetters));
    return { order: [Number(width > LINE_CHARACTERS), Number(fragment.inside), width], lines };
  });
  // Sorting is stable, so a tie goes to the first layout, whose upper line is the shorter.
  layouts.sort((one, other) => compare(one.order, other.order));
  return { ...cue, lines: layouts[0].lines };
}

function joinFragments(members) {
  return members.map(({ text, before }, place) => (place ? before + text : text)).join("");
}

function compare(one, other) {
  const place = one.findIndex((value, index) => value !== other[index]);
  return place < 0 ? 0 : one[place] - other[place];
}

function countLetters(text) {
  return [...text].length;
}

/** Lengthen cues to a second where there is room; let none overlap. */
function separate(cues, lastMs) {
  const separated = [];
  for (const cue of cues) {
    let startMs = cue.startMs;
    const before = separated.at(-1);
    if (before) {
      startMs = Math.max(startMs, before.endMs);
      before.endMs = Math.min(Math.max(before.endMs, before.startMs + SHORTEST_MS), startMs);
    }
    const lastsMs = Math.min(Math.max(1, cue.endMs - cue.startMs), LONGEST_MS);
    separated.push({ ...cue, startMs, endMs: startMs + lastsMs });
  }
  const last = separated.at(-1);
  if (last) last.endMs = Math.max(last.endMs, Math.min(last.startMs + SHORTEST_MS, lastMs));
  return separated;
}

function toMs(seconds) {
  return Math.max(0, Math.round(1000 * seconds));
}
