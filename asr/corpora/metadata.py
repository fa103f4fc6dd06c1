"""Tables and lists that lie in a folder of recordings and hold their transcripts."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from asr.corpora import jsonl, lists, table
from asr.corpora.collection import SPLIT_OF, Utterance
from asr.corpora.rows import Recordings, Row, make_utterances
from asr.util.text_files import TextError, read_text

#: Suffixes of files that may be tables or lists.
SUFFIXES = {
    ".csv", ".tsv", ".psv", ".jsonl", ".json", ".txt", ".data", ".trn", ".stm", ".mlf", ".text",
    ".lst", ".list", ".transcription", ".transcriptions", ".transcript", ".transcripts", ".trans",
    ".prompts", ".ref", "",
}  # fmt: skip
_TABLES = {".csv", ".tsv", ".psv", ".jsonl"}
#: Names, up to the first dot, of files that hold no transcripts, or unchecked ones.
_OTHERS = {
    "invalidated", "other", "reported", "clip_durations", "unvalidated_sentences",
    "validated_sentences", "license", "licence", "copying", "readme", "changelog", "authors",
    "speakers", "speaker-info", "books", "chapters", "makefile", "problems",
}  # fmt: skip
#: Names of the tables to take first where several name one recording.
_FIRST = ("metadata", "transcripts", "transcript", "validated")


@dataclass(frozen=True)
class Metadata:
    """The utterances of a folder's tables, the tables, and tables that name no recording here."""

    utterances: list[Utterance]
    tables: list[Path]
    unused: list[str]


def is_about(path: Path) -> bool:
    """Tell whether a file's name says that it holds no transcripts: README, LICENSE."""
    return path.name.partition(".")[0].casefold() in _OTHERS


def find_metadata(files: Iterable[Path], recordings: Recordings) -> Metadata:
    """Read the tables among files, those that name a recording.

    A table called as a split, or in a folder called so, gives its utterances that split; where some
    are, others without splits are copies or leftovers, and are not taken.

    Raises:
        UserError: a table of these recordings with a row that cannot be read.
    """
    read: list[tuple[Path, list[Utterance]]] = []
    unused: list[str] = []
    for path in sorted(filter(_may_be_table, files), key=_precedence):
        rows = _rows(path, recordings)
        if not any(recordings.find(row.audio, path.parent) for row in rows):
            if rows:
                unused.append(f"{path.name} names no recording here, such as {rows[0].audio!r}")
            continue
        split = _split_of(path, recordings.folder)
        named = [replace(row, split=row.split or split) for row in rows]
        read.append((path, make_utterances(named, path.parent, recordings)))
    if any(utterance.split for _, utterances in read for utterance in utterances):
        read = [(path, found) for path, found in read if any(one.split for one in found)]
    return Metadata(list(_without_copies(read)), [path for path, _ in read], unused)


def _may_be_table(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not is_about(path)


def _precedence(path: Path) -> tuple[int, Path]:
    name = path.name.partition(".")[0].casefold()
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), path)


def _rows(path: Path, recordings: Recordings) -> list[Row]:
    try:
        text = read_text(path)
    except TextError:
        if path.suffix.lower() in _TABLES:
            raise
        return []  # some file of another kind
    if path.suffix.lower() in (".jsonl", ".json"):
        return jsonl.read_rows(path) if jsonl.looks_like(text) else []
    if table.has_heading(path, text):
        return table.read_rows(path, text)
    return lists.read_rows(path, text, lambda name: _has(recordings, name, path.parent))


def _has(recordings: Recordings, name: str, near: Path) -> bool:
    return recordings.find(name, near) is not None


def _split_of(path: Path, root: Path) -> str | None:
    """Name the split that a table's name, or else the name of a folder around it, has as a word."""
    parts = (path.name, *reversed(path.relative_to(root).parts[:-1]))
    return next(filter(None, map(split_in, parts)), None)


def split_in(name: str) -> str | None:
    """Give the split's name that is one of the words of a file's or folder's name."""
    words = [word for word in re.split(r"[\W_]+", name) if word.casefold() in SPLIT_OF]
    return words[0] if len(words) == 1 else None


def _without_copies(read: list[tuple[Path, list[Utterance]]]) -> Iterator[Utterance]:
    """Leave out what a table without splits says of a recording that an earlier table has."""
    seen: set[Path] = set()
    for _, utterances in read:
        yield from (one for one in utterances if one.split or one.audio not in seen)
        seen |= {one.audio for one in utterances}
