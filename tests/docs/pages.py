"""The project's pages, cut into fenced blocks, and their shell blocks into commands.

A block without a mark is run by the tests. The word behind ``sh`` or ``python`` marks the others:
``download`` (needs a corpus from the network or of the reader), ``long`` (takes minutes or more),
``peers`` (needs other software) and ``example`` (needs the code above, see test_contributing.py).
The shell blocks but the last kind are parsed.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "recipes").rglob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
        *(ROOT / "asr" / "models").rglob("*.md"),
    ]
)
MARKS = ("", "download", "long", "peers", "example")
FENCE = re.compile(r"^```(\w*) *(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, the line it begins on, its language, its mark and its text."""

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command of a shell block, split into words; `output` is the file behind ``>``."""

    block: Block
    words: tuple[str, ...]
    output: str | None

    def __str__(self) -> str:
        return f"{self.block}: {' '.join(self.words)}"

    @property
    def verb(self) -> tuple[str, ...] | None:
        """The arguments of `asr`, also where torchrun or Python starts it; None of others."""
        words = self.words
        if words[0] in ("torchrun", "python") and "asr" in words:
            return words[words.index("asr") + 1 :]
        return words[1:] if words[0] in ("asr", ".venv/bin/asr") else None


def blocks(page: Path) -> list[Block]:
    """Cut out the fenced blocks of a page."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, found.start()) + 2, *found.groups())
        for found in FENCE.finditer(text)
    ]


def commands(page: Path) -> Iterator[Command]:
    """Give the commands of a page's shell blocks, those of a pipe one by one."""
    for block in blocks(page):
        if block.language != "sh":
            continue
        joined = block.text.replace("\\\n", " ").replace("|\n", "| ")
        for line in joined.splitlines():
            words = shlex.split(line, comments=True)
            while words:
                end = words.index("|") if "|" in words else len(words)
                one, words = words[:end], words[end + 1 :]
                output = one[one.index(">") + 1] if ">" in one else None
                one = one[: one.index(">")] if ">" in one else one
                yield Command(block, tuple(one), output)


def prose(page: Path) -> str:
    """Give a page without its fenced blocks."""
    return FENCE.sub("", page.read_text())
