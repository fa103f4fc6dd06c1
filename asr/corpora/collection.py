"""The utterances of a corpus as its reader states them, and the summary of the manifests.

A reader (one file a corpus) gives a `Collection` of `Utterance`. No recording is open yet, so an
utterance may be invalid. `asr.corpora.prepare` validates and splits the utterances, writes cut
manifests and gives a `Summary`. Nothing here imports lhotse, since the command line imports this.
"""

import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from asr.util.errors import UserError
from asr.util.printable import printable
from asr.util.text_files import read_text

LONGEST_S = 1e9  # more than any recording
SPLITS = ("train", "dev", "test")
#: Names of the splits in lower case, as people call folders or write in tables.
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
    """A problem of an utterance: its kind, by which problems are counted, its place and details."""

    kind: str
    where: str
    detail: str

    def __str__(self) -> str:
        return printable(f"{self.where}: {self.kind}: {self.detail}")


@dataclass(frozen=True)
class Utterance:
    """One utterance as its corpus states it.

    `where` is the file and line of the statement (``my.csv:17``). `start_s` and `end_s` are times
    in the recording; an `end_s` of None is the recording's end. `channel` counts from 0; None is
    all channels, mixed. `split` is None where the corpus has no splits. `problem` is a problem that
    the reader found.
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
    channel: int | None = None


@dataclass(frozen=True)
class Collection:
    """The utterances of a corpus in a fixed order, and its reader's notes for the user."""

    utterances: list[Utterance]
    notes: list[str] = field(default_factory=list)

    def put_into(self, split: str | None) -> "Collection":
        """Give all utterances one split, whatever they have; None leaves theirs.

        Raises:
            UserError: there is no such split.
        """
        if split is None:
            return self
        if split not in SPLITS:
            raise UserError(f"prepare: into is {split!r}, expected {', '.join(SPLITS)}")
        return Collection([replace(one, split=split) for one in self.utterances], self.notes)


@dataclass(frozen=True)
class SplitSummary:
    """The size of one manifest; `speakers` is None where speakers are not known."""

    path: Path
    utterances: int
    hours: float
    speakers: int | None


@dataclass(frozen=True)
class Summary:
    """The manifests that `prepare` wrote, the problems of skipped utterances, and notes.

    `problems_path` is the file that lists all problems, if there are any.
    """

    splits: dict[str, SplitSummary]
    skipped: list[Problem]
    problems_path: Path
    notes: list[str]

    def __str__(self) -> str:
        lines = []
        for name, split in self.splits.items():
            speakers = "" if split.speakers is None else f", {split.speakers} speakers"
            size = f"{split.utterances} utterances, {split.hours:.2f} h{speakers}"
            lines.append(f"{name:5}  {size}  {split.path}")
        if self.skipped:
            lines.append(f"skipped {len(self.skipped)}: {counts(self.skipped)}")
            lines += listing(self.skipped, self.problems_path)
        return "\n".join(lines + self.notes)


def counts(problems: list[Problem]) -> str:
    """Count the problems of each kind, as in ``2 missing audio, 1 empty text``."""
    return ", ".join(f"{n} {kind}" for kind, n in Counter(p.kind for p in problems).most_common())


def listing(problems: list[Problem], path: Path, most: int = 5) -> list[str]:
    """List the first few problems, one an indented line, and name the file that lists all."""
    lines = [f"  {problem}" for problem in problems[:most]]
    more = len(problems) - most
    return lines + ([f"  and {more} more; all are in {path}"] if more > 0 else [])


def numbered_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Give each line of a UTF-8 text file that is not blank, after its place: ``text:3``, line."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", line.strip()


def utterance_id(audio: Path, root: Path) -> str:
    """Name an utterance after its file: ``alice/take 1.wav`` below `root` is ``alice-take_1``.

    The id of a file outside `root` keeps the path, ``..-audio-alice-1``, since two speakers' files
    may have one name. Ids have no white space, which separates id and words in text files.
    """
    inside = Path(os.path.relpath(audio, root))
    return "_".join("-".join(inside.with_suffix("").parts).split())


def segment_id(recording: str, start_s: float, end_s: float | None) -> str:
    """Name a segment after its recording and its bounds in milliseconds."""
    end = "end" if end_s is None else f"{round(end_s * 1000):07d}"
    return f"{recording}-{round(start_s * 1000):07d}-{end}"


def seconds(value: object, name: str, where: str) -> float:
    """Read a time from a cell or a JSON value: seconds, or ``1:02:03.5``.

    Raises:
        UserError: the value is no number, or longer than any recording.
    """
    *above, last = str(value).split(":")
    is_clock = len(above) <= 2 and all(part.strip().isdecimal() for part in above)
    try:
        number = float(last if is_clock else math.nan)
        for place, part in enumerate(reversed(above if is_clock else []), start=1):
            number += int(part) * 60**place
    except ValueError:
        number = math.nan
    if not abs(number) < LONGEST_S:
        raise UserError(f"{where}: {name} is {value!r}, expected seconds")
    return number


def read_channel(name: str) -> int | None:
    """Number a channel from 0 that corpora call 1 or A, 2 or B; None for another name."""
    return {"1": 0, "a": 0, "2": 1, "b": 1}.get(name.casefold())
