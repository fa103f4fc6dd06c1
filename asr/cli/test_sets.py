"""What `asr evaluate` takes for a test set: a cut manifest, or speech as `asr prepare` reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from asr.util.errors import UserError
from asr.util.paths import is_manifest
from asr.util.text_files import read_text

if TYPE_CHECKING:
    from lhotse import CutSet


@dataclass(frozen=True)
class TestSet:
    """The cuts to score, the utterances that cannot be scored, and notes."""

    cuts: "CutSet"
    problems: list[str]
    notes: list[str]


@contextmanager
def open_test_set(source: str) -> Iterator[TestSet]:
    """Read a test set; nothing is written beside it.

    Args:
        source: a cut manifest, or a folder, a table, JSON lines, STM or Kaldi data with
            transcripts, of which the test split is taken if there is one. Recordings that
            libsndfile cannot read are converted in a temporary folder, which is removed in the end.

    Raises:
        UserError: the source cannot be read, or has no utterance that can.
    """
    from asr.data.cut_checks import LONGEST_AT_ONCE_S
    from asr.data.manifests import read_cuts

    path = Path(source)
    if _is_cut_manifest(path):
        yield TestSet(read_cuts(path, LONGEST_AT_ONCE_S), [], [])
        return
    with TemporaryDirectory(prefix="asr-") as scratch:
        yield _read(path, Path(scratch))


def _is_cut_manifest(path: Path) -> bool:
    """Tell a cut manifest, or what is to be refused as one, from speech to prepare."""
    from asr.corpora import jsonl

    if path.is_dir():
        return False
    if not path.is_file() or path.name.endswith(".gz"):
        return True
    return is_manifest(path) and not jsonl.looks_like(read_text(path))


def _read(path: Path, scratch: Path) -> TestSet:
    from lhotse import CutSet

    from asr.corpora import folder
    from asr.corpora.convert import CONVERTED
    from asr.corpora.validation import validate
    from asr.data.cut_checks import LONGEST_AT_ONCE_S

    collection = folder.read(path, scratch)
    utterances, notes = collection.utterances, collection.notes
    if any(utterance.split == "test" for utterance in utterances):
        chosen = [utterance for utterance in utterances if utterance.split == "test"]
        if len(chosen) < len(utterances):
            notes = [*notes, f"of {len(utterances)} utterances, the test split's are scored."]
        utterances = chosen
    found = validate(utterances, scratch / CONVERTED, LONGEST_AT_ONCE_S)
    problems = [str(problem) for problem in found.problems]
    if not found.cuts:
        raise UserError(problems[0] if problems else f"{path}: no utterance to score; give another")
    return TestSet(CutSet.from_cuts(found.cuts), problems, notes + found.notes)
