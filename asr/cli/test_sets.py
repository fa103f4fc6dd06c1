"""What `asr evaluate` takes for a test set: a cut manifest, or speech as `asr prepare` reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.inputs import Input, make_input, readable
from asr.cli.remedies import worded
from asr.util.errors import UserError
from asr.util.paths import is_manifest, is_shar
from asr.util.text_files import read_text

if TYPE_CHECKING:
    from lhotse import CutSet

    from asr.audio.selection import Selection
    from asr.corpora.convert import Converter


@dataclass(frozen=True)
class TestSet:
    """The cuts to score, the utterances that cannot be scored, and notes."""

    cuts: "CutSet"
    problems: list[str]
    notes: list[str]


#: How a packed cut manifest begins, and how an unpacked one does.
_MANIFEST_STARTS = (b"\x1f\x8b", b"{")


@contextmanager
def open_test_set(source: str, selection: "Selection") -> Iterator[TestSet]:
    """Read a test set; nothing is written beside it.

    Args:
        source: a cut manifest, or lhotse's Shar in a folder or at an address, or a folder, a table,
            JSON lines, STM or Kaldi data with transcripts, of which the test split is taken if
            there is one. Recordings that libsndfile cannot read are converted in a temporary
            folder, which is removed in the end. Standard input, ``-``, and a pipe give a cut
            manifest.
        selection: which channel and track of the recordings is read.

    Raises:
        UserError: the source cannot be read, or has no utterance that can.
    """
    from asr.corpora.convert import Converter

    one = make_input(source)
    if is_shar(source) or one.is_stream or _is_cut_manifest(one.path):
        if selection.track is not None:
            raise UserError(
                f"{source}: a manifest names the audio of its recordings; leave --track out"
            )
        cuts = _read_stream(one) if one.is_stream else _read_manifest(source)
        yield _picked(cuts, selection.channel)
        return
    with Converter(selection=selection) as converter:
        yield _read(one.path, converter)


def _read_stream(stream: Input) -> "CutSet":
    with readable([stream]) as (paths, refused):
        for _, error in refused:
            raise error
        (path,) = paths
        with path.open("rb") as file:
            if not file.read(2).startswith(_MANIFEST_STARTS):
                raise UserError(
                    f"{stream.name}: expected a cut manifest, since a recording alone is no test "
                    "set; give a folder or a table of recordings and transcripts by its path"
                )
        try:
            return _read_manifest(path)
        except UserError as error:
            raise error.reworded(str(error).replace(str(path), stream.name, 1)) from error


def _read_manifest(path: str | Path) -> "CutSet":
    from asr.data.cut_checks import LONGEST_AT_ONCE_S
    from asr.data.manifests import read_cuts

    return read_cuts(path, LONGEST_AT_ONCE_S)


def _picked(cuts: "CutSet", channel: str) -> TestSet:
    """Take one channel of each cut, and name the cuts whose recording has not this channel."""
    if channel == "mix":
        return TestSet(cuts, [], [])
    from lhotse import CutSet

    from asr.data.channels import pick_channel

    picked, problems = [], []
    for cut in cuts:
        try:
            picked.append(pick_channel(cut, channel))
        except UserError as error:
            problems.append(f"cut {cut.id}: {worded(error)}")
    if not picked:
        raise UserError(problems[0])
    return TestSet(CutSet.from_cuts(picked), problems, [])


def _is_cut_manifest(path: Path) -> bool:
    """Tell a cut manifest, or what is to be refused as one, from speech to prepare."""
    from asr.corpora import jsonl

    if path.is_dir():
        return False
    if not path.is_file() or path.name.endswith(".gz"):
        return True
    return is_manifest(path) and not jsonl.looks_like(read_text(path))


def _read(path: Path, converter: "Converter") -> TestSet:
    from lhotse import CutSet

    from asr.corpora import folder
    from asr.corpora.validation import validate
    from asr.data.cut_checks import LONGEST_AT_ONCE_S

    collection = folder.read(path, None)
    utterances, notes = collection.utterances, collection.notes
    if any(utterance.split == "test" for utterance in utterances):
        chosen = [utterance for utterance in utterances if utterance.split == "test"]
        if len(chosen) < len(utterances):
            notes = [*notes, f"of {len(utterances)} utterances, the test split's are scored."]
        utterances = chosen
    found = validate(utterances, converter, LONGEST_AT_ONCE_S)
    problems = [str(problem) for problem in found.problems]
    if not found.cuts:
        raise UserError(problems[0] if problems else f"{path}: no utterance to score; give another")
    return TestSet(CutSet.from_cuts(found.cuts), problems, notes + found.notes)
