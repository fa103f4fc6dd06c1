"""One's own speech: a folder of recordings and transcripts, a table, JSON lines, or Kaldi data."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import compress
from pathlib import Path

from asr.corpora import jsonl, kaldi, lists, table
from asr.corpora.beside import match
from asr.corpora.collection import (
    SPLIT_OF,
    SPLITS,
    Collection,
    Problem,
    Utterance,
    segment_id,
    utterance_id,
)
from asr.corpora.convert import CONVERTED
from asr.corpora.metadata import SUFFIXES, Metadata, find_metadata, is_about, split_in
from asr.corpora.rows import Recordings, make_utterances
from asr.corpora.transcripts import UNREAD, Spoken, read_transcript
from asr.text.visible import visible_words
from asr.util.errors import UserError
from asr.util.files import find_files
from asr.util.text_files import TextError, read_text

#: TIMIT's folders of dialects, in which its speakers have theirs.
_DIALECT = re.compile(r"dr[1-8]", re.IGNORECASE)


def read(source: Path | None, output: Path | None, into: str | None = None) -> Collection:
    """Read one's own speech, in the format of `source`.

    - a folder with ``wav.scp``, or with ``train/wav.scp`` and its like: Kaldi data directories;
    - any other folder: recordings, with their transcripts in files of the same names, or in tables
      and lists that lie there, see `asr.corpora.metadata`;
    - a ``.csv`` or ``.tsv``: a table with columns for the recording and the text;
    - a ``.jsonl`` or ``.json``: one JSON object a line, as NeMo writes them;
    - another text file: a list of names and texts, see `asr.corpora.lists`.

    Either all utterances get a split, one of `SPLITS`, or none does; `into` gives all of them one.

    Raises:
        UserError: `source` has no such format, or only some recordings have a split.
    """
    if source is None:
        raise UserError("prepare folder: no path given; name the folder or table of your speech")
    collection = _read(source, output)
    return collection.put_into(into) if into else _with_our_splits(collection, source)


def _read(source: Path, output: Path | None) -> Collection:
    """Read the collection with the splits' names as they are in `source`."""
    if source.is_dir() and kaldi.is_kaldi(source):
        return kaldi.read(source)
    if source.is_dir():
        found = _read_folder(source, output)
        return Collection(_without_repeats(found.utterances), found.notes)
    if not source.exists():
        raise UserError(f"{source}: there is no such file or folder; check the path")
    suffix = source.suffix.lower()
    if suffix in (".jsonl", ".json"):
        return jsonl.read(source)
    if suffix in SUFFIXES:
        return _read_table(source)
    raise UserError(
        f"{source}: not a collection of speech, expected a folder, or a file in .csv, .tsv, "
        f".jsonl, .json, .stm or .txt"
    )


def _read_table(path: Path) -> Collection:
    """Read a table with a heading, or a list of names and texts."""
    text = read_text(path)
    if not table.has_heading(path, text):
        recordings = Recordings(path.parent)
        rows = lists.read_rows(
            path, text, lambda name: recordings.find(name, path.parent) is not None
        )
        if rows:
            return Collection(make_utterances(rows, path.parent, recordings))
        if path.suffix.lower() not in table.DELIMITERS:
            raise UserError(
                f"{path}: no line of it names a recording that lies in its folder; expected "
                "`name text` a line, or a table whose first line names path and text"
            )
    return table.read(path)


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


def _read_folder(root: Path, output: Path | None) -> Collection:
    """Read recordings at any depth with their transcripts.

    Outermost folders with names of splits are the splits. The name of the next folder is the
    speaker: recordings are often kept so, and if it names a session, holding out whole sessions
    is still the more honest test. A folder that holds everything, such as ``wavs``, is neither.
    """
    matched = match(sorted(_files(root, without=output and output / CONVERTED)))
    recordings = Recordings(root, list(matched.transcripts))
    metadata = find_metadata(matched.others if matched.without else [], recordings)
    utterances = [u for u in metadata.utterances if not matched.transcripts.get(u.audio)]
    transcripts = matched.transcripts
    if metadata.tables:
        transcripts = {audio: text for audio, text in transcripts.items() if text}
    else:
        transcripts |= _strays(matched.others)
    for audio, text in transcripts.items():
        utterances += (
            _utterances(audio, text, root)
            if text
            else [_untranscribed(audio, root, matched.others, metadata.unused)]
        )
    if not utterances:
        raise UserError(f"{root}: no recordings found; expected wav, flac, mp3... with .txt beside")
    notes = matched.notes + _note_tables(metadata, root, matched.without)
    utterances, how = _placed(utterances, root)
    return Collection(utterances, notes + how)


def _strays(files: Iterable[Path]) -> dict[Path, Path | None]:
    """Give texts without a recording the one that they may be of: a file of a type unknown here."""
    beside: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        beside[path.with_suffix("")].append(path)
    strays: dict[Path, Path | None] = {}
    for stem, paths in beside.items():
        text = next((path for path in paths if path.suffix.lower() == ".txt"), None)
        if text is not None and not is_about(text):
            others = [path for path in paths if path != text]
            strays[others[0] if others else stem.with_suffix(".wav")] = text
    return strays


def _note_tables(metadata: Metadata, root: Path, without: list[Path]) -> list[str]:
    if not metadata.tables:
        return []
    first = metadata.tables[0].relative_to(root)
    more = f" and {len(metadata.tables) - 1} more" if len(metadata.tables) > 1 else ""
    notes = [f"transcripts are read from {first}{more}."]
    unnamed = len(set(without) - {utterance.audio for utterance in metadata.utterances})
    if unnamed:
        notes.append(f"{unnamed} recordings are left out, since no table names them.")
    return notes


def _without_repeats(utterances: list[Utterance]) -> list[Utterance]:
    """Leave out of ids the folders that a file's name repeats, as LibriSpeech's do.

    ``1272/128104/1272-128104-0000.flac`` is ``1272-128104-0000``. All ids stay as they are where
    two would become one.
    """
    shorter = [replace(one, id=_without_repeat(one)) for one in utterances]
    as_many = len({one.id for one in shorter}) == len({one.id for one in utterances})
    return shorter if as_many else utterances


def _without_repeat(utterance: Utterance) -> str:
    stem, *folders = (
        "_".join(part.split()) for part in (utterance.audio.stem, *utterance.audio.parent.parts)
    )
    for first in range(len(folders)):
        repeated = "-".join(folders[first:]) + "-"
        if stem.startswith(repeated) and repeated + stem in utterance.id:
            return utterance.id.replace(repeated + stem, stem, 1)
    return utterance.id


def _files(root: Path, without: Path | None) -> list[Path]:
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
    if all(
        one and split_in(one[0]) for one in below
    ):  # train-clean-5 and dev-clean are no speakers
        below = [one[1:] for one in below]
    below = [one[1:] if one and _DIALECT.fullmatch(one[0]) else one for one in below]
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


def _placed(utterances: list[Utterance], root: Path) -> tuple[list[Utterance], list[str]]:
    """Take the splits and speakers that tables do not state from folders, with a note."""
    inside = [one for one in utterances if one.audio.is_relative_to(root)]
    exist = [one.audio.is_file() for one in inside]  # a stray text has no recording
    places = dict(
        zip(
            [one.audio for one in inside],
            _places([one.audio.relative_to(root) for one in inside], exist),
            strict=True,
        )
    )
    by_table = any(one.speaker for one in utterances)
    placed = []
    for one in utterances:
        split, speaker = places.get(one.audio, (None, None))
        speaker = one.speaker if by_table else speaker
        placed.append(replace(one, split=one.split or split, speaker=speaker))
    named = next((one for one in placed if one.speaker), None)
    if by_table or named is None:
        return placed, []
    example = f"such as {named.speaker} of {named.audio.relative_to(root)}"
    return placed, [f"the names of subfolders, {example}, are taken for the speakers."]


def _utterances(audio: Path, text: Path, root: Path) -> list[Utterance]:
    """Make the utterances of a recording with a transcript: one, or one for each subtitle."""
    name = utterance_id(audio, root)
    whole = Utterance(id=name, audio=audio, text="", where=f"{text}:1")
    try:
        spoken = read_transcript(text)
    except TextError as error:
        return [replace(whole, problem=Problem("unreadable text", error.where, error.detail))]
    return [_part(whole, one) for one in spoken or [Spoken("")]]


def _part(whole: Utterance, spoken: Spoken) -> Utterance:
    part = replace(whole, text=visible_words(spoken.text))
    if spoken.start_s is None:
        return part
    return replace(
        part,
        id=segment_id(whole.id, spoken.start_s, spoken.end_s),
        start_s=spoken.start_s,
        end_s=spoken.end_s,
    )


def _untranscribed(audio: Path, root: Path, others: list[Path], unused: list[str]) -> Utterance:
    """Make the utterance of a recording without a transcript, and tell what lies there instead."""
    name = utterance_id(audio, root)
    beside = [path for path in others if path.suffix.lower() in UNREAD]
    own = [path for path in beside if path.with_suffix("") == audio.with_suffix("")]
    hint = "".join(f"; {one}" for one in unused[:1])
    for path in (own or beside)[:1]:
        hint = f"; {path.name} is not read: {UNREAD[path.suffix.lower()]}"
    detail = f"{name!r} has no words: no {audio.stem}.txt beside it, and no table names it{hint}"
    return Utterance(
        name, audio, "", where=str(audio), problem=Problem("empty text", str(audio), detail)
    )
