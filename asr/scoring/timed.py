"""Transcripts with times, read from the formats that `asr transcribe` and other tools write.

**stm** and **ctm** are NIST's, with a segment and a word a line, and comments that begin with
``;;``. **srt**, **vtt**, **json** (OpenAI's verbose_json), **tsv** (whisper's) and **TextGrid**
hold the text of one recording, which the file's name stands for. **jsonl** and lists in JSON name
their recordings, as NeMo's manifests do.

Source of stm and ctm: the document infmts.htm of SCTK, https://github.com/usnistgov/SCTK.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from asr.text.captions import read_captions
from asr.util.errors import UserError
from asr.util.printable import quoted

IGNORED = "ignore_time_segment_in_scoring"
_SILENT = re.compile(r";; (\S+) (\S+) no words")
_CHANNEL_NAME = re.compile(r"\[(?:left|right|\d+)\] ")
#: Other formats of subtitles, whose times and styles would count as words.
_UNREAD = ("ass", "ssa", "sbv", "lrc", "ttml", "dfxp", "smi", "sub")
#: Keys of a text, of the recognized text beside a reference, and of a recording's name, in JSON.
_TEXTS = ("text", "transcript", "transcription", "sentence", "txt", "words")
_HYPOTHESES = ("pred_text", "hypothesis", "hyp", "prediction")
_NAMES = ("id", "utt_id", "utterance_id", "key", "audio_filepath", "audio", "path", "file", "wav")


class Timed(NamedTuple):
    """Words of a recording, and when they are spoken, NaN where the file does not say."""

    recording: str
    channel: str
    start_s: float
    end_s: float
    text: str

    @property
    def middle_s(self) -> float:
        """The midpoint, by which a word belongs to a segment."""
        return (self.start_s + self.end_s) / 2


@dataclass(frozen=True)
class TimedFile:
    """A file of transcripts with times.

    Attributes:
        path: the file.
        kind: the format, in lower case.
        parts: segments or, in a ctm, words, in the order of the file.
    """

    path: Path
    kind: str
    parts: tuple[Timed, ...]

    @property
    def is_nist(self) -> bool:
        """Whether it names its recordings and channels, and may have alternatives."""
        return self.kind in ("stm", "ctm")


def read_timed(path: Path, text: str, *, is_reference: bool) -> TimedFile | None:
    """Read a file with times; None if it is none, but lines of text.

    The end of the name decides, ``.gz`` left out, and for another name the content.

    Raises:
        UserError: a file of that name has another content, or the format is not read.
    """
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower().removeprefix(".")
    if suffix in _UNREAD:
        raise UserError(f"{path}: subtitles in .{suffix} are not read; convert them to .srt")
    kind = suffix if suffix in _READERS and _is_plausible(suffix, text) else _guess_kind(text)
    if kind is None:
        return None
    name = path.name.removesuffix(".gz")
    parts = _READERS[kind](text, _Source(path, Path(name).stem, is_reference))
    return TimedFile(path, kind, tuple(parts))


class _Source(NamedTuple):
    path: Path
    stem: str
    is_reference: bool

    def problem(self, line: int, kind: str, expected: str, found: str) -> UserError:
        return UserError(
            f"{self.path}:{line}: not a line of {kind}: expected {expected}, "
            f"found {quoted(found)}; mend the line"
        )


def _is_plausible(suffix: str, text: str) -> bool:
    """Whether a name's end tells the content; .json and .tsv are given to other things too."""
    if suffix == "tsv":
        return text.lower().startswith("start\tend\ttext")
    return suffix not in ("json", "jsonl") or text.lstrip()[:1] in ("{", "[")


def _guess_kind(text: str) -> str | None:
    """Find the format of a text by its content; times have decimals in a stm and a ctm."""
    start = text.lstrip()[:200]
    if start.startswith("WEBVTT"):
        return "vtt"
    if re.match(r"\d+\s*\n\s*\d+:\d+:\d+,\d+\s+-->", start):
        return "srt"
    if start.startswith("File type = ") or '"ooTextFile' in start:
        return "textgrid"
    if start.lower().startswith("start\tend\ttext"):
        return "tsv"
    if re.match(r'\{\s*"|\[\s*\{\s*"', start):
        lines = [line for line in text.split("\n") if line.strip()]
        return (
            "jsonl"
            if len(lines) > 1
            and all(line[0] == "{" for line in lines[:2])
            and lines[0].rstrip().endswith("}")
            else "json"
        )
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith(";;")]
    for kind, first in (("stm", 3), ("ctm", 2)):
        if lines and all(_has_times(line, first, kind) for line in lines):
            return kind
    return None


def _has_times(line: str, first: int, kind: str) -> bool:
    fields = line.split()
    times = fields[first : first + 2]
    is_long = len(fields) >= 5 if kind == "stm" else len(fields) in (5, 6)
    return is_long and all(re.fullmatch(r"\d+\.\d+", time) for time in times)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _read_stm(text: str, source: _Source) -> Iterator[Timed]:
    """Read ``recording channel speaker start end [<labels>] words``."""
    for number, line in _lines(text):
        if line.startswith(";;"):
            continue
        fields = line.split(None, 5)
        times = [_seconds(field) for field in fields[3:5]]
        if len(times) < 2 or times[0] is None or times[1] is None or times[1] < times[0]:
            expected = "recording, channel, speaker, start, end and words"
            raise source.problem(number, "stm", expected, line)
        words = re.sub(r"^<[^<>\s]*>(?=\s|$)", "", fields[5] if len(fields) > 5 else "").strip()
        is_ignored = IGNORED in (fields[2].lower(), words.lower())
        yield Timed(fields[0], fields[1], times[0], times[1], IGNORED if is_ignored else words)


def _read_ctm(text: str, source: _Source) -> Iterator[Timed]:
    """Read ``recording channel start duration word [confidence]``; of alternatives, the first."""
    skips = False
    for number, line in _lines(text):
        if match := _SILENT.fullmatch(line):
            yield Timed(match[1], match[2], 0.0, 0.0, "")
        if line.startswith(";;"):
            continue
        fields = line.split()
        word = fields[4] if len(fields) > 4 else ""
        if word.upper() in ("<ALT_BEGIN>", "<ALT>", "<ALT_END>"):
            skips = word.upper() == "<ALT>"
            continue
        start, duration = (
            [_seconds(field) for field in fields[2:4]] if len(fields) > 4 else (None,) * 2
        )
        if start is None or duration is None:
            expected = "recording, channel, start, duration and word"
            raise source.problem(number, "ctm", expected, line)
        if not skips:
            yield Timed(
                fields[0],
                fields[1],
                start,
                start + duration,
                "" if word in ("@", "<eps>") else word,
            )


def _read_cues(text: str, source: _Source) -> Iterator[Timed]:
    """Read the cues of SubRip and WebVTT."""
    for one in read_captions(text):
        words = _CHANNEL_NAME.sub("", one.text, count=1)
        yield Timed(source.stem, "", one.start_s, one.end_s, words)


def _read_tsv(text: str, source: _Source) -> Iterator[Timed]:
    """Read whisper's ``start end text``, times in milliseconds."""
    for number, line in list(_lines(text))[1:]:
        fields = line.split("\t")
        times = [_seconds(field) for field in fields[:2]]
        if len(times) < 2 or times[0] is None or times[1] is None:
            raise source.problem(number, "tsv", "start, end and text", line)
        words = fields[2] if len(fields) > 2 else ""
        yield Timed(source.stem, "", times[0] / 1000, times[1] / 1000, words)


def _read_textgrid(text: str, source: _Source) -> Iterator[Timed]:
    """Read the intervals of Praat's tier of words, or else of its first tier."""
    body = text.split("<exists>", 1)[-1]
    found = re.findall(r'"((?:[^"]|"")*)"|(?<![\w.\[])(-?\d+(?:\.\d+)?)(?![\w\]])', body)
    tiers: list[tuple[str, list[Timed]]] = []
    numbers: list[float] = []
    names = iter(found)
    for string, number in names:
        if number:
            numbers.append(float(number))
        elif string in ("IntervalTier", "TextTier"):
            tiers.append((next(names, ("", ""))[0] if string == "IntervalTier" else "", []))
        elif tiers and len(numbers) >= 2:
            words = string.replace('""', '"').strip()
            tiers[-1][1].append(Timed(source.stem, "", numbers[-2], numbers[-1], words))
            numbers = []
    named = [parts for name, parts in tiers if "word" in name.lower()]
    return iter((named or [parts for _, parts in tiers] or [[]])[0])


def _read_json(text: str, source: _Source) -> Iterator[Timed]:
    """Read verbose_json, a list of objects as in jsonl, or an object of ids and texts."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        found = f"{source.path}: cannot be read as JSON ({error})"
        raise UserError(f"{found}; get the file again, or give it another suffix") from error
    if isinstance(data, dict) and not any(key in data for key in (*_TEXTS, "segments")):
        if not data or not all(isinstance(value, str) for value in data.values()):
            raise UserError(
                f"{source.path}: expected an object with a text, or of ids and their texts, found "
                f"{quoted(', '.join(data))}; give the JSON that transcribing wrote"
            )
        return (Timed(key, "", math.nan, math.nan, value) for key, value in data.items())
    if (
        isinstance(data, dict)
        and not isinstance(data.get("text"), str)
        and isinstance(data.get("segments"), list)
    ):
        segments = [one for one in data["segments"] if isinstance(one, dict)]
        data["text"] = " ".join(str(one.get("text", "")).strip() for one in segments)
    rows = data if isinstance(data, list) else [data]
    return iter([_parse_row(row, number, source) for number, row in enumerate(rows, start=1)])


def _read_jsonl(text: str, source: _Source) -> Iterator[Timed]:
    """Read an object a line, as in NeMo's manifests."""
    for number, line in _lines(text):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise source.problem(number, "jsonl", "an object", line) from error
        yield _parse_row(row, number, source)


def _parse_row(row: Any, number: int, source: _Source) -> Timed:
    """Parse an object with a text; `pred_text` is a hypothesis beside its reference."""
    if not isinstance(row, dict):
        raise source.problem(number, "JSON", "an object with a text", str(row))
    match row.get("supervisions"):
        case [dict() as supervision]:  # a cut manifest
            row = {**row, **supervision, "id": row.get("id")}
    keys = _TEXTS if source.is_reference else (*_HYPOTHESES, *_TEXTS)
    words = next((row[key] for key in keys if isinstance(row.get(key), str)), None)
    if words is None:
        raise source.problem(number, "JSON", f"a text under {', '.join(keys[:3])}", ", ".join(row))
    name = next((row[key] for key in _NAMES if isinstance(row.get(key), str)), source.stem)
    start, duration = (row.get(key) for key in ("offset", "duration"))
    known = isinstance(start, int | float) and isinstance(duration, int | float)
    start_s, end_s = (float(start), float(start + duration)) if known else (math.nan, math.nan)
    return Timed(name, str(row.get("channel") or ""), start_s, end_s, words)


_READERS: dict[str, Callable[[str, _Source], Iterator[Timed]]] = {
    "stm": _read_stm,
    "ctm": _read_ctm,
    "srt": _read_cues,
    "vtt": _read_cues,
    "tsv": _read_tsv,
    "textgrid": _read_textgrid,
    "json": _read_json,
    "jsonl": _read_jsonl,
}


def assign_words(
    segments: Sequence[Timed], words: Sequence[Timed]
) -> tuple[dict[str, str], dict[str, str]]:
    """Give each word to the segment of its recording and channel that holds its midpoint.

    A word between segments goes to the nearest, where it is an insertion; one in a segment to be
    ignored goes with it. So does sclite, but for words between segments, which it gives to the
    segment that follows.

    Returns:
        References and hypotheses by the id of the segment.
    """
    by_channel: dict[tuple[str, str], list[tuple[str, Timed]]] = {}
    for segment_id, segment in name_segments(segments).items():
        key = segment.recording, segment.channel
        by_channel.setdefault(key, []).append((segment_id, segment))
    found: dict[str, list[str]] = {key: [] for group in by_channel.values() for key, _ in group}
    for word in sorted(words, key=lambda word: word.start_s):
        group = by_channel[word.recording, word.channel]
        nearest, _ = min(group, key=lambda one: _distance_s(one[1], word.middle_s))
        found[nearest] += word.text.split()
    kept = {
        key: segment
        for group in by_channel.values()
        for key, segment in group
        if segment.text != IGNORED
    }
    return (
        {key: segment.text for key, segment in kept.items()},
        {key: " ".join(found[key]) for key in kept},
    )


def _distance_s(segment: Timed, time_s: float) -> float:
    return max(segment.start_s - time_s, time_s - segment.end_s, 0.0)


def name_segments(segments: Sequence[Timed]) -> dict[str, Timed]:
    """Make an id of each segment: ``recording-channel-start-end``, and a number if repeated."""
    named: dict[str, Timed] = {}
    for one in segments:
        name = base = f"{one.recording}-{one.channel}-{one.start_s:.3f}-{one.end_s:.3f}"
        number = 1
        while name in named:
            number += 1
            name = f"{base}#{number}"
        named[name] = one
    return named
