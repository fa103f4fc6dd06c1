"""Rows of tables, lists and manifests, and the recordings that they name."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath

from asr.audio.suffixes import AUDIO_SUFFIXES, MEDIA_SUFFIXES
from asr.corpora.collection import SPLIT_OF, SPLITS, Utterance, segment_id, utterance_id
from asr.text.visible import visible_words
from asr.util.errors import UserError
from asr.util.files import find_files
from asr.util.text_files import read_text

#: Folders of a corpus that hold tables; the recordings are beside them.
_TABLE_FOLDERS = {
    "csv", "data", "doc", "etc", "filelists", "lists", "metadata", "prompts", "script", "text",
    "transcript", "transcription", "transcriptions", "transcripts", "tsv", "txt",
}  # fmt: skip
#: What recordings by several microphones append to the name of their utterance, the first first.
_MICROPHONES = ("", "_mic1", "_mic2")


@dataclass(frozen=True)
class Row:
    """An utterance as a table states it; `audio` is a path, or a name without folder or suffix."""

    where: str
    audio: str
    text: str
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    split: str | None = None
    channel: int | None = None


class Recordings:
    """The recordings below a folder, by the names that tables give them.

    Args:
        folder: searched at the first name that is not a path to a file.
        files: the recordings, where they are known already.
    """

    def __init__(self, folder: Path, files: Sequence[Path] | None = None) -> None:
        self.folder, self._files = folder, files

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        files = self._files
        if files is None:
            inside = [path for path in find_files(self.folder)[0] if _is_audio(path)]
            beside = not inside and self.folder.name.casefold() in _TABLE_FOLDERS
            files = find_files(self.folder.parent)[0] if beside else inside
        found = defaultdict(list)
        for path in files:
            if _is_audio(path):
                found[_key(path.stem)].append(path)
        return found

    def find(self, name: str, near: Path) -> Path | None:
        """Find the recording that a table in the folder `near` calls `name`, if it is here.

        A path that leads nowhere is searched by its last part, with or without a suffix. Of several
        recordings with that name, the one whose path ends most alike counts, then the one nearest
        to the table.
        """
        with suppress(OSError, ValueError):  # a name that no file can have
            if (near / name).is_file():
                return near / name
        wanted = PurePosixPath(name.replace("\\", "/"))
        stem = wanted.stem if wanted.suffix.lower() in AUDIO_SUFFIXES else wanted.name
        for end in _MICROPHONES:
            candidates = self._by_name.get(_key(stem) + end, ())
            if candidates:
                return _likeliest(candidates, wanted, near)
        return None


def _is_audio(path: Path) -> bool:
    return path.suffix.lower() in AUDIO_SUFFIXES


def _key(name: str) -> str:
    """Fold case and the two ways of writing an accent, in which file systems and tables differ."""
    return unicodedata.normalize("NFC", name).casefold()


def _likeliest(candidates: Sequence[Path], wanted: PurePosixPath, near: Path) -> Path | None:
    def rank(path: Path) -> tuple[int, int, bool, bool]:
        folders = [[_key(part) for part in reversed(one.parent.parts)] for one in (path, wanted)]
        converted = path.suffix.lower() not in MEDIA_SUFFIXES
        same, shared = _shared(*folders), _shared(path.parts, near.parts)
        return same, shared, path.name == wanted.name, converted

    best = max(map(rank, candidates))
    first = [path for path in candidates if rank(path) == best]
    return first[0] if len({path.parent for path in first}) == 1 else None


def _shared(first: Sequence[str], second: Sequence[str]) -> int:
    """Count the parts with which two paths begin alike."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def make_utterances(rows: Iterable[Row], near: Path, recordings: Recordings) -> list[Utterance]:
    """Make the utterances of a table's rows; a recording that is not here stays a missing file.

    With a start, the id has the segment's times.

    Raises:
        UserError: a row names no recording, or a split that there is not.
    """
    return [_utterance(row, near, recordings) for row in rows]


def _utterance(row: Row, near: Path, recordings: Recordings) -> Utterance:
    if not row.audio.strip():
        raise UserError(f"{row.where}: names no recording; give its path, or delete the line")
    if row.split is not None and row.split.lower() not in SPLIT_OF:
        raise UserError(f"{row.where}: split is {row.split!r}, expected {', '.join(SPLITS)}")
    audio = recordings.find(row.audio, near) or near / row.audio
    name = utterance_id(audio, recordings.folder)
    return Utterance(
        id=name if row.start_s is None else segment_id(name, row.start_s, row.end_s),
        audio=audio,
        text=visible_words(_text(row, near)),
        where=row.where,
        speaker=(row.speaker or "").strip() or None,
        start_s=row.start_s or 0.0,
        end_s=row.end_s,
        split=row.split,
        channel=row.channel,
    )


def _text(row: Row, near: Path) -> str:
    """Give the words of a row, which may name the file that has them, as in deepspeech.pytorch."""
    name = row.text.strip()
    if name.lower().endswith(".txt"):
        with suppress(OSError, ValueError):  # a name that no file can have
            if (near / name).is_file():
                return read_text(near / name)
    return row.text
