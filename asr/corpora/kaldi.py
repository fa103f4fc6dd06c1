"""One's own speech as a Kaldi data directory: wav.scp, text, utt2spk and perhaps segments.

The format: https://kaldi-asr.org/doc/data_prep.html.
"""

from collections.abc import Iterator
from pathlib import Path

from asr.corpora.collection import (
    SPLIT_OF,
    SPLITS,
    Collection,
    Utterance,
    numbered_lines,
    seconds,
)
from asr.util.errors import UserError


def is_kaldi(folder: Path) -> bool:
    """Tell whether `folder` is a data directory, or holds some."""
    return (folder / "wav.scp").is_file() or bool(_directories(folder))


def read(folder: Path) -> Collection:
    """Read one data directory, or the data directories in `folder`, each named as a split.

    Raises:
        UserError: a directory without the name of a split, or a file or line that cannot be read.
    """
    if (folder / "wav.scp").is_file():
        return Collection(list(_directory(folder, None)))
    directories = _directories(folder)
    for directory in directories:
        if directory.name.lower() not in SPLIT_OF:
            raise UserError(
                f"{directory}: a Kaldi data directory whose name is no split's, expected "
                f"{', '.join(SPLITS)}; rename it or move it away, or prepare it alone"
            )
    # the first utterance with a repeated id is kept, so that train has precedence
    directories.sort(key=lambda directory: SPLITS.index(SPLIT_OF[directory.name.lower()]))
    return Collection([u for place in directories for u in _directory(place, place.name)])


def _directories(folder: Path) -> list[Path]:
    """List the data directories in `folder`, without hidden ones."""
    places = sorted(path.parent for path in folder.glob("*/wav.scp") if path.is_file())
    return [place for place in places if not place.name.startswith(".")]


def _directory(folder: Path, split: str | None) -> Iterator[Utterance]:
    """Read the utterances of ``text``, then, with empty text, those that ``text`` lacks."""
    recordings = {
        name: _audio(entry, where, folder) for name, where, entry in _unique(folder, "wav.scp")
    }
    speakers = _speakers(folder)
    segments = {
        name: (where, *_segment(entry, where)) for name, where, entry in _unique(folder, "segments")
    } or {name: (f"{folder}/wav.scp", name, 0.0, None) for name in recordings}
    texts = list(_lines(folder / "text"))
    without = segments.keys() - {name for name, _, _ in texts}
    texts += [(name, segments[name][0], "") for name in segments if name in without]
    for name, where, text in texts:
        _, recording, start_s, end_s = segments.get(name, (where, name, 0.0, None))
        yield Utterance(
            id=name,
            # a name that wav.scp lacks becomes a missing path, which validation counts
            audio=recordings.get(recording, folder / recording),
            text=" ".join(text.split()),
            where=where,
            speaker=speakers.get(name) or None,
            start_s=start_s,
            end_s=end_s,
            split=split,
        )


def _speakers(folder: Path) -> dict[str, str]:
    """Read the speakers; none is known where each is its own utterance, as is Kaldi's custom."""
    speakers = {name: speaker for name, _, speaker in _unique(folder, "utt2spk")}
    return {} if all(name == speaker for name, speaker in speakers.items()) else speakers


def _lines(path: Path) -> Iterator[tuple[str, str, str]]:
    """Give the first word, the place and the rest of each line."""
    for where, line in numbered_lines(path):
        name, *rest = line.split(maxsplit=1)
        yield name, where, "".join(rest)


def _unique(folder: Path, table: str) -> Iterator[tuple[str, str, str]]:
    """Give the lines of a table without repeated names; a missing table has no lines."""
    first: dict[str, str] = {}
    for name, where, rest in _lines(folder / table) if (folder / table).is_file() else ():
        if name in first:
            raise UserError(f"{where}: {name!r} is already in {first[name]}; keep one of them")
        first[name] = where
        yield name, where, rest


def _audio(entry: str, where: str, folder: Path) -> Path:
    """Find a recording by a path relative to the working folder, as in Kaldi, or to `folder`."""
    if entry.endswith("|"):
        raise UserError(
            f"{where}: the recording is a command, which is never run here; write its output to "
            f"a file and name that"
        )
    path = Path(entry)
    return path if path.is_absolute() or path.is_file() else folder / path


def _segment(entry: str, where: str) -> tuple[str, float, float | None]:
    fields = entry.split()
    if len(fields) != 3:
        raise UserError(f"{where}: found {entry!r}, expected recording, start and end")
    start_s, end_s = (seconds(field, "start or end", where) for field in fields[1:])
    return fields[0], start_s, None if end_s == -1 else end_s  # -1 is the recording's end
