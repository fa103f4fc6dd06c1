"""One's own speech as a Kaldi data directory: wav.scp, text, utt2spk and perhaps segments.

The format: https://kaldi-asr.org/doc/data_prep.html.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from asr.corpora.collection import (
    SPLIT_OF,
    SPLITS,
    Collection,
    Utterance,
    numbered_lines,
    read_channel,
    seconds,
)
from asr.text.visible import visible_words
from asr.util.errors import UserError

#: How many folders around a data directory may be the one that its paths are relative to.
_ROOTS = 4
_ARCHIVED = re.compile(r".*\.ark(:\d+)?$")


def is_kaldi(folder: Path) -> bool:
    """Tell whether `folder` is a data directory, or holds some.

    Raises:
        UserError: a data directory with features in place of recordings.
    """
    if (folder / "wav.scp").is_file() or _directories(folder):
        return True
    if (folder / "feats.scp").is_file() and (folder / "text").is_file():
        raise UserError(
            f"{folder}: a Kaldi data directory with features, but without wav.scp; features are "
            "computed here, give the recordings by a wav.scp"
        )
    return False


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
    entries = list(_unique(folder, "wav.scp"))
    _check_entries(folder, entries)
    recordings = {name: _audio(entry, folder) for name, _, entry in entries}
    channels = _channels(folder, recordings)
    speakers = _speakers(folder)
    segments = {
        name: (where, *_segment(entry, where)) for name, where, entry in _unique(folder, "segments")
    } or {name: (f"{folder}/wav.scp", name, 0.0, None, None) for name in recordings}
    if not (folder / "text").is_file():
        raise UserError(
            f"{folder}: a Kaldi data directory without the file text, which has a line "
            "`utterance words` for each utterance; add it"
        )
    texts = list(_lines(folder / "text"))
    without = segments.keys() - {name for name, _, _ in texts}
    texts += [(name, segments[name][0], "") for name in segments if name in without]
    for name, where, text in texts:
        _, recording, start_s, end_s, channel = segments.get(name, (where, name, 0.0, None, None))
        yield Utterance(
            id=name,
            # a name that wav.scp lacks becomes a missing path, which validation counts
            audio=recordings.get(recording, folder / recording),
            text=visible_words(text),
            where=where,
            speaker=speakers.get(name) or None,
            start_s=start_s,
            end_s=end_s,
            split=split,
            channel=channels.get(recording) if channel is None else channel,
        )


def _speakers(folder: Path) -> dict[str, str]:
    """Read the speakers; none is known where each is its own utterance, as is Kaldi's custom."""
    speakers = {name: speaker for name, _, speaker in _unique(folder, "utt2spk")}
    if not speakers:
        listed = {speaker: names for speaker, _, names in _unique(folder, "spk2utt")}
        speakers = {name: speaker for speaker, names in listed.items() for name in names.split()}
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


def _check_entries(folder: Path, entries: list[tuple[str, str, str]]) -> None:
    """Refuse recordings that are commands or parts of archives, and say how to make files."""
    for kind, problem in (
        ([one for one in entries if one[2].endswith("|")], "a command, which is never run here"),
        ([one for one in entries if _ARCHIVED.match(one[2])], "in an archive of Kaldi's"),
    ):
        if kind:
            raise UserError(
                f"{kind[0][1]}: the recording is {problem} ({len(kind)} of {len(entries)} are); "
                f"convert all by `wav-copy scp:{folder}/wav.scp scp:wavs.scp`, where wavs.scp has "
                "lines `recording recording.wav`, and prepare with that as the wav.scp"
            )


def _audio(entry: str, folder: Path) -> Path:
    """Find a recording by a path relative to the working folder, as in Kaldi, or to the corpus.

    A published corpus has paths relative to its root, which is around the data directory.
    """
    path = Path(entry)
    if path.is_absolute() or path.is_file():
        return path
    around = folder.resolve().parents[:_ROOTS]
    places = (folder / path, *(parent / path for parent in around))
    return next((place for place in places if place.is_file()), folder / path)


def _channels(folder: Path, recordings: dict[str, Path]) -> dict[str, int]:
    """Give the channels of recordings that share a file, by reco2file_and_channel.

    A recording with a file of its own has its channel alone in it.
    """
    shared = Counter(recordings.values())
    channels = {}
    for name, where, entry in _unique(folder, "reco2file_and_channel"):
        fields = entry.split()
        channel = read_channel(fields[1]) if len(fields) == 2 else None
        if channel is None:
            raise UserError(f"{where}: found {entry!r}, expected a file and its channel, A or B")
        if shared[recordings.get(name, folder)] > 1:
            channels[name] = channel
    return channels


def _segment(entry: str, where: str) -> tuple[str, float, float | None, int | None]:
    """Read recording, start, end and perhaps the channel, which Kaldi counts from 0."""
    fields = entry.split()
    if len(fields) not in (3, 4):
        raise UserError(f"{where}: found {entry!r}, expected recording, start and end")
    start_s, end_s = (seconds(field, "start or end", where) for field in fields[1:3])
    channel = None
    if len(fields) == 4:
        channel = int(fields[3]) if fields[3].isdecimal() else read_channel(fields[3])
        if channel is None:
            raise UserError(f"{where}: channel is {fields[3]!r}, expected 0, 1, A or B")
    return fields[0], start_s, None if end_s == -1 else end_s, channel  # -1 is the recording's end
