"""One's own speech: a folder of recordings and transcripts, a table, JSON lines, or Kaldi data."""

from dataclasses import replace
from itertools import compress
from pathlib import Path

from asr.audio.recording import AUDIO_SUFFIXES, MEDIA_SUFFIXES
from asr.corpora import jsonl, kaldi, table
from asr.corpora.collection import (
    SPLIT_OF,
    SPLITS,
    Collection,
    Problem,
    Utterance,
    utterance_id,
)
from asr.corpora.convert import CONVERTED
from asr.util.errors import UserError
from asr.util.files import find_files
from asr.util.text_files import TextError, read_text


def read(source: Path | None, output: Path) -> Collection:
    """Read one's own speech, in the format of `source`.

    - a folder with ``wav.scp``, or with ``train/wav.scp`` and its like: Kaldi data directories;
    - any other folder: recordings, each with its transcript in a .txt of the same name;
    - a ``.csv`` or ``.tsv``: a table with the columns path and text;
    - a ``.jsonl`` or ``.json``: one JSON object a line, as NeMo writes them.

    Either all utterances get a split, one of `SPLITS`, or none does.

    Raises:
        UserError: `source` has no such format, or only some recordings have a split.
    """
    if source is None:
        raise UserError("prepare folder: no path given; name the folder or table of your speech")
    return _with_our_splits(_read(source, output), source)


def _read(source: Path, output: Path) -> Collection:
    """Read the collection with the splits' names as they are in `source`."""
    if source.is_dir():
        return kaldi.read(source) if kaldi.is_kaldi(source) else _read_folder(source, output)
    if not source.exists():
        raise UserError(f"{source}: there is no such file or folder; check the path")
    if source.suffix.lower() in table.DELIMITERS:
        return table.read(source)
    if source.suffix.lower() in (".jsonl", ".json"):
        return jsonl.read(source)
    raise UserError(
        f"{source}: not a collection of speech, expected a folder, or a file in .csv, .tsv, "
        f".jsonl or .json"
    )


def _with_our_splits(collection: Collection, source: Path) -> Collection:
    """Rename the splits to train, dev and test, with notes of changed names."""
    utterances = collection.utterances
    names = sorted({utterance.split for utterance in utterances if utterance.split is not None})
    without = [utterance.where for utterance in utterances if utterance.split is None]
    if names and without:
        raise UserError(
            f"{source}: some recordings are in {', '.join(names)} and others, such as "
            f"{without[0]}, in no split; put all of them in {', '.join(SPLITS)}, or none"
        )
    taken = [name for name in names if name.lower() not in SPLITS]
    notes = [f"{name} is taken for {SPLIT_OF[name.lower()]}." for name in taken]
    return Collection(
        [replace(u, split=SPLIT_OF[u.split.lower()] if u.split else None) for u in utterances],
        collection.notes + notes,
    )


def _read_folder(root: Path, output: Path) -> Collection:
    """Read recordings at any depth with their transcripts.

    Outermost folders with names of splits are the splits. The name of the next folder is the
    speaker: recordings are often kept so, and if it names a session, holding out whole sessions
    is still the more honest test. A folder that holds everything, such as ``wavs``, is neither.
    """
    by_stem: dict[Path, list[Path]] = {}
    for path in sorted(_files(root, without=output / CONVERTED)):
        by_stem.setdefault(path.with_suffix(""), []).append(path)
    found: list[tuple[Path, Path | None]] = []
    for paths in by_stem.values():
        text = next((path for path in paths if path.suffix.lower() == ".txt"), None)
        recordings = [path for path in paths if path.suffix.lower() in AUDIO_SUFFIXES]
        # the user may have converted a recording to a file beside it
        converted = [path for path in recordings if path.suffix.lower() not in MEDIA_SUFFIXES]
        recordings = converted or recordings
        if text is not None and not recordings:
            others = [path for path in paths if path != text]
            recordings = others[:1] or [text.with_suffix(".wav")]
        found += [(audio, text) for audio in recordings]
    if not found:
        raise UserError(f"{root}: no recordings found; expected wav, flac, mp3... with .txt beside")
    exist = [audio.is_file() for audio, _ in found]  # a stray text has no recording
    places = _places([audio.relative_to(root) for audio, _ in found], exist)
    utterances = [
        _utterance(audio, text, root, *place)
        for (audio, text), place in zip(found, places, strict=True)
    ]
    notes = []
    named = next((utterance for utterance in utterances if utterance.speaker), None)
    if named:
        example = f"such as {named.speaker} of {named.audio.relative_to(root)}"
        notes.append(f"the names of subfolders, {example}, are taken for the speakers.")
    return Collection(utterances, notes)


def _files(root: Path, without: Path) -> list[Path]:
    """List the files at any depth, without hidden ones."""
    files, closed = find_files(root, without)
    for error in closed:
        raise UserError(
            f"{error.filename}: cannot be read: {error.strerror}; mend its permissions"
        ) from error
    return files


def _places(recordings: list[Path], exist: list[bool]) -> list[tuple[str | None, str | None]]:
    """Take split and speaker, if any, from the names of the recordings' folders."""
    folders = _drop_shared([path.parts[:-1] for path in recordings], exist)
    splits = [one[0] if one and one[0].lower() in SPLIT_OF else None for one in folders]
    below = [one[1:] if split else one for one, split in zip(folders, splits, strict=True)]
    speakers = [one[0] if one else None for one in _drop_shared(below, exist)]
    return list(zip(splits, speakers, strict=True))


def _drop_shared(folders: list[tuple[str, ...]], exist: list[bool]) -> list[tuple[str, ...]]:
    """Drop the outermost folders that all existing recordings share, up to a split's folder."""
    shared: tuple[str, ...] = ()
    for names in zip(*compress(folders, exist), strict=False):
        if len(set(names)) > 1 or names[0].lower() in SPLIT_OF:
            break
        shared += names[:1]
    depth = len(shared)
    return [one[depth:] if one[:depth] == shared else one for one in folders]


def _utterance(
    audio: Path, text: Path | None, root: Path, split: str | None, speaker: str | None
) -> Utterance:
    words, problem = "", None
    try:
        words = "" if text is None else " ".join(read_text(text).split())
    except TextError as error:
        problem = Problem("unreadable text", error.where, error.detail)
    return Utterance(
        id=utterance_id(audio, root),
        audio=audio,
        text=words,
        where=f"{audio}" if text is None else f"{text}:1",
        speaker=speaker,
        split=split,
        problem=problem,
    )
