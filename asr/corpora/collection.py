"""What a corpus says of itself, before and after its recordings are opened.

A reader (one file a corpus) gives a `Collection` of `Utterance`; nothing was opened yet, so an
utterance may still be faulty. `asr.corpora.prepare` checks them, splits them, writes cut
manifests and gives a `Summary`. Nothing here imports lhotse: the command line reads this file.
"""

import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asr.util.errors import UserError
from asr.util.printable import printable
from asr.util.text_files import read_text

LONGEST_S = 1e9  # more than any recording
SPLITS = ("train", "dev", "test")
#: What people call the splits, in lower case: folders, and cells of a table.
SPLIT_OF = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}


@dataclass(frozen=True)
class Problem:
    """One fault of one utterance: its kind (counted by it), the file and line, the particulars."""

    kind: str
    where: str
    detail: str

    def __str__(self) -> str:
        return printable(f"{self.where}: {self.kind}: {self.detail}")


@dataclass(frozen=True)
class Utterance:
    """One utterance as its corpus states it.

    `where` is the file and line that states it (``my.csv:17``). `start_s` and `end_s` bound it
    within its recording; without an `end_s` it lasts to the recording's end. `split` is None
    where the corpus leaves the choice to us. `problem` is what its reader found wrong with it.
    """

    id: str
    audio: Path
    text: str
    where: str
    speaker: str | None = None
    start_s: float = 0.0
    end_s: float | None = None
    split: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class Collection:
    """The utterances of a corpus in a fixed order, and what its reader has to say of them."""

    utterances: list[Utterance]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SplitSummary:
    """How much one manifest holds; `speakers` is None where they are not known."""

    path: Path
    utterances: int
    hours: float
    speakers: int | None


@dataclass(frozen=True)
class Summary:
    """What `prepare` wrote, what it left out (on request alone), and what the user should know.

    `left_out_path` is the file that names all that was left out, if anything was.
    """

    splits: dict[str, SplitSummary]
    left_out: list[Problem]
    left_out_path: Path
    notes: list[str]

    def __str__(self) -> str:
        lines = []
        for name, split in self.splits.items():
            speakers = "" if split.speakers is None else f", {split.speakers} speakers"
            size = f"{split.utterances} utterances, {split.hours:.2f} h{speakers}"
            lines.append(f"{name:5}  {size}  {split.path}")
        if self.left_out:
            lines.append(f"left out {len(self.left_out)}: {counts(self.left_out)}")
            lines += listing(self.left_out, self.left_out_path)
        return "\n".join(lines + self.notes)


def counts(problems: list[Problem]) -> str:
    """Say how many problems there are of each kind, as in ``2 missing audio, 1 empty text``."""
    return ", ".join(f"{n} {kind}" for kind, n in Counter(p.kind for p in problems).most_common())


def listing(problems: list[Problem], path: Path, most: int = 5) -> list[str]:
    """Name the first few problems, one an indented line, and the file that names all of them."""
    lines = [f"  {problem}" for problem in problems[:most]]
    more = len(problems) - most
    return lines + ([f"  and {more} more; all are in {path}"] if more > 0 else [])


def numbered_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Give every line of a UTF-8 text file that is not blank, with its place: ``text:3``, line."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", line.strip()


def utterance_id(audio: Path, root: Path) -> str:
    """Name an utterance after its file: ``alice/take 1.wav`` below `root` is ``alice-take_1``.

    A file elsewhere keeps the way to it, ``..-audio-alice-1``: the name alone may be that of
    another speaker's file. Ids hold no white space, because files of "id words" separate the two
    by it.
    """
    inside = Path(os.path.relpath(audio, root))
    return "_".join("-".join(inside.with_suffix("").parts).split())


def segment_id(recording: str, start_s: float, end_s: float | None) -> str:
    """Name a segment after its recording and its bounds in milliseconds."""
    end = "end" if end_s is None else f"{round(end_s * 1000):07d}"
    return f"{recording}-{round(start_s * 1000):07d}-{end}"


def seconds(value: object, name: str, where: str) -> float:
    """Read a time in seconds from a cell or a JSON value.

    Raises:
        UserError: it is not a number, or more than any recording has.
    """
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not abs(number) < LONGEST_S:
        raise UserError(f"{where}: {name} is {value!r}, expected seconds")
    return number


def stated(
    where: str,
    folder: Path,
    *,
    audio: str,
    text: str,
    start_s: float | None,
    end_s: float | None,
    speaker: str | None,
    split: str | None,
) -> Utterance:
    """Make the utterance that a line of a table in `folder` states.

    `audio` is relative to the folder. With a `start_s` the utterance is called after its bounds.

    Raises:
        UserError: `audio` is empty, or `split` is not what anyone calls a split.
    """
    if not audio.strip():
        raise UserError(f"{where}: names no recording; give its path, or delete the line")
    if split is not None and split.lower() not in SPLIT_OF:
        raise UserError(f"{where}: split is {split!r}, expected {', '.join(SPLITS)}")
    name = utterance_id(folder / audio, folder)
    return Utterance(
        id=name if start_s is None else segment_id(name, start_s, end_s),
        audio=folder / audio,
        text=" ".join(text.split()),
        where=where,
        speaker=(speaker or "").strip() or None,
        start_s=start_s or 0.0,
        end_s=end_s,
        split=split,
    )
