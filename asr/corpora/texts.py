"""The sentences of a file that holds more than sentences: a table, a list with ids, subtitles."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.audio.suffixes import AUDIO_SUFFIXES
from asr.corpora import jsonl, lists, table
from asr.corpora.transcripts import is_subtitles, read_cues
from asr.util.errors import UserError
from asr.util.text_files import decode_text

_SAMPLE_BYTES = 1 << 16
#: A sound file's first and last sample, before the words, as in TIMIT.
_SAMPLES = re.compile(r"(\d+)\s+(\d+)\s+(?=[^\W\d]|\")")
_CTM = re.compile(r"\S+\s+\S+\s+\d+\.\d+\s+\d*\.\d+\s+\S+(?:\s+[\d.]+)?")
_DIGITS = re.compile(r"\d+")
#: A name with a digit and a mark that joins parts, or with many digits.
_STRONG = re.compile(r"(?=.*\d)[\w.:-]+[-_/.:][\w./:-]*\w|[A-Za-z]*\d{4,}[A-Za-z\d]*")
_WEAK = re.compile(r"[A-Za-z]+\d+")
_OTHER = {
    "\\data\\": "an n-gram model",
    "<?xml": "XML",
    "<!DOCTYPE": "HTML",
    "<html": "HTML",
    "{\\rtf": "RTF",
    "%PDF": "PDF",
}


@dataclass(frozen=True)
class Sentences:
    """The sentences of a file, and what the file was taken for."""

    lines: list[str]
    kind: str


def read_marked(path: Path, content: bytes) -> Sentences | None:
    """Read the sentences of a file that is no plain text; None for a plain text.

    A table gives its column of texts. Ids before or behind the sentences, in Kaldi's ``text``,
    LibriSpeech's ``.trans.txt`` or sclite's trn, TIMIT's sample numbers, and the times of STM and
    of subtitles are left out.

    Args:
        path: of the file; its suffix tells tables.
        content: of the file, unpacked.

    Raises:
        UserError: another kind of file, or a table without a column of texts.
    """
    start = content[:_SAMPLE_BYTES].rpartition(b"\n")[0] or content[:_SAMPLE_BYTES]
    try:
        sample = decode_text(start, str(path))
    except UserError:
        sample = start.decode("utf-8", errors="replace")
    first = sample.lstrip()[:20]
    if found := next((kind for mark, kind in _OTHER.items() if first.startswith(mark)), None):
        raise UserError(f"{path}: {found}, expected text with a sentence a line")
    kind = _kind(path, sample.splitlines(), sample)
    if kind is None:
        return None
    text = decode_text(content, str(path)).replace("\r\n", "\n")
    return Sentences(_READERS[kind](path, text), kind)


def _kind(path: Path, lines: Sequence[str], sample: str) -> str | None:
    lines = [line.strip() for line in lines if line.strip() and not line.startswith(";;")]
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix in table.DELIMITERS or table.has_heading(path, sample):
        return "a table" if table.has_texts(path, sample) else "a list with names"
    if jsonl.looks_like(sample):
        return "a manifest of JSON lines"
    if not lines:
        return None
    if is_subtitles(lines):
        return "subtitles"
    if lists.is_stm(lines):
        return "STM"
    if all(map(_CTM.fullmatch, lines)):
        raise UserError(f"{path}: CTM, expected text with a sentence a line; give a transcript")
    samples = [_SAMPLES.match(line) for line in lines]
    if all(found and int(found[1]) < int(found[2]) for found in samples):
        return "lines after sample numbers"
    rows = lists.read_rows(path, "\n".join(lines), is_id)
    if rows and _are_ids([row.audio for row in rows]):
        return "a list with names"
    return None


def is_id(name: str) -> bool:
    """Tell whether a token looks like an utterance's id or a recording's name, and not a word."""
    stem = Path(name).suffix.lower() in AUDIO_SUFFIXES
    return stem or bool(_STRONG.fullmatch(name) or _WEAK.fullmatch(name))


def _are_ids(names: Sequence[str]) -> bool:
    """Tell whether all of some tokens are ids: distinct, and clear or of one shape."""
    if len(set(names)) < len(names) or not all(map(is_id, names)):
        return False
    clear = all(
        Path(name).suffix.lower() in AUDIO_SUFFIXES or _STRONG.fullmatch(name) for name in names
    )
    return clear or (len(names) > 1 and len({_DIGITS.sub("0", name) for name in names}) == 1)


def _rows(path: Path, text: str) -> list[str]:
    return [row.text for row in lists.read_rows(path, text, is_id)]


def _lines_after_numbers(_path: Path, text: str) -> list[str]:
    return [_SAMPLES.sub("", line.strip(), count=1) for line in text.split("\n") if line.strip()]


_READERS = {
    "a table": table.read_texts,
    "a list with names": _rows,
    "a manifest of JSON lines": lambda path, _: [row.text for row in jsonl.read_rows(path)],
    "subtitles": lambda _, text: [cue.text for cue in read_cues(text)],
    "STM": lambda path, text: [row.text for row in lists.read_rows(path, text, lambda _: True)],
    "lines after sample numbers": _lines_after_numbers,
}
