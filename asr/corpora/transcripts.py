"""Transcripts of one recording, in a file beside it: text, or subtitles and labels with times."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from asr.corpora.columns import find_columns
from asr.text.captions import has_times, read_captions
from asr.util.text_files import TextError, read_text

#: Endings of transcripts' names behind the recording's, the first that exists counts.
ENDINGS = (
    ".txt", ".normalized.txt", ".lab", ".trn", ".wrd", ".transcript", ".transcription", ".trans",
    ".text", ".srt", ".vtt", ".labels", ".json", ".original.txt",
)  # fmt: skip
#: Endings of transcripts that are not read, with the program that exports them as text.
UNREAD = {
    ".eaf": "export it from ELAN as tab-delimited text or as subtitles (.srt)",
    ".textgrid": "write the words of its tier to a .txt or .srt",
    ".trs": "export it from Transcriber as .stm, and prepare that",
    ".cha": "export it from CLAN as .srt",
    ".docx": "save it as plain text in UTF-8",
    ".pdf": "save it as plain text in UTF-8",
    ".xlsx": "save it as CSV in UTF-8",
    ".xls": "save it as CSV in UTF-8",
    ".ods": "save it as CSV in UTF-8",
    ".aup3": "export its labels from Audacity as .txt",
    ".ass": "convert it to .srt",
    ".phn": "phones are no transcript; add a .txt",
}

_LABEL = re.compile(r"(\d+[.,]\d+)\t(\d+[.,]\d+)(?:\t(.*))?")
#: TIMIT's first and last sample, before the text.
_SAMPLES = re.compile(r"0\s+\d{4,}\s+(?=\D)")
_TIMED = re.compile(r"\d+\s+\d+\s+\S.*")
_TRN = re.compile(r"(.*?)\s*\(([^()\s]+)\)", re.DOTALL)


class Spoken(NamedTuple):
    """Words, and their bounds in the recording in seconds; without bounds, all of it."""

    text: str
    start_s: float | None = None
    end_s: float | None = None


def may_be_transcript(path: Path) -> bool:
    """Tell a transcript from JSON that holds other facts about a recording."""
    if path.suffix.lower() != ".json":
        return True
    try:
        entry = json.loads(read_text(path))
    except (TextError, ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and "text" in find_columns(list(entry))


def read_transcript(path: Path) -> list[Spoken]:
    """Read the transcript of one recording; subtitles and labels give a part for each.

    TIMIT's sample numbers, an utterance's id before or behind the text, and the markup of subtitles
    are left out.

    Raises:
        TextError: the file cannot be read, or has times and labels of phones.
    """
    text, kind = read_text(path), path.suffix.lower()
    lines = [line for line in text.splitlines() if line.strip()]
    if kind == ".json":
        return [Spoken(_json_text(text, path))]
    if is_subtitles(lines):
        return read_cues(text)
    labels = [_LABEL.fullmatch(line.lstrip("\ufeff")) for line in lines if line[0] != "\\"]
    if labels and all(labels):
        return [
            Spoken((found[3] or "").strip(), _number(found[1]), _number(found[2]))
            for found in labels
            if found and (found[3] or "").strip()
        ]
    if lines and kind in (".wrd", ".lab") and all(map(_TIMED.fullmatch, map(str.strip, lines))):
        if kind == ".lab":
            raise TextError(f"{path}:1", "times and labels, expected the words alone")
        return [Spoken(" ".join(line.split(maxsplit=2)[2] for line in lines))]
    if kind == ".trn" and len(lines) == 3:  # THCHS-30: words, their syllables, their phones
        lines = lines[:1]
    return [Spoken(_plain(" ".join(" ".join(lines).split()), path))]


def _plain(text: str, path: Path) -> str:
    """Leave out sample numbers and the utterance's id."""
    text = _SAMPLES.sub("", text, count=1) if _SAMPLES.match(text) else text
    name = path.name.partition(".")[0]
    trn = _TRN.fullmatch(text)
    if trn and (trn[2] == name or path.suffix.lower() == ".trn"):
        return trn[1]
    first, _, rest = text.partition(" ")
    return rest if first == name and rest and any(map(str.isdigit, name)) else text


def _json_text(text: str, path: Path) -> str:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{path}", f"not JSON: {error}; give the text as .txt") from error
    columns = find_columns(list(entry)) if isinstance(entry, dict) else {}
    value = entry[columns["text"]] if "text" in columns else None
    if not isinstance(value, str):
        raise TextError(f"{path}", "an object without a text; give the text as .txt")
    return value


def is_subtitles(lines: Sequence[str]) -> bool:
    """Tell whether a text has the times of subtitles, in SRT or WebVTT."""
    return any(map(has_times, lines[:10]))


def read_cues(text: str) -> list[Spoken]:
    """Read the cues of subtitles, in SRT or WebVTT, without their markup."""
    captions = read_captions(text)
    return [Spoken(one.text, one.start_s, one.end_s) for one in captions if one.text]


def _number(text: str) -> float:
    return float(text.replace(",", "."))
