"""References and hypotheses read from files: lines of text in three layouts, or texts with times.

In the **kaldi** layout a line is an utterance id, whitespace and the words, lines in any order. An
id alone is an empty utterance, and blank lines are skipped. If every line has a tab, the id ends at
the first tab, so that the ``path<TAB>text`` lines of ``asr transcribe`` are read too, with spaces
in their paths. In the **trn** layout, sclite's, the id follows the words in parentheses, ``one two
(an4-01)``. In the **plain** layout a line is an utterance, a blank line an empty one; the id is the
line number, and line n of one file belongs to line n of the other; a reference of one line belongs
to all lines of the other.

Lines that begin with ``;;`` are comments where lines have ids. `asr.scoring.timed` reads texts with
times, and `asr.scoring.pairs` finds which belong together.
"""

import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

from asr.util.errors import UserError, UserNote
from asr.util.printable import quoted

Layout = Literal["auto", "kaldi", "trn", "plain"]

_COMMENT = ";;"
#: The words, if any, and the id in parentheses.
_TRN_LINE = re.compile(r"(?:(.*)\s)?\((\S+)\)")
#: The fraction of lines that decides on a layout; other lines are mistakes, which errors name.
MAJORITY = 0.8
#: In fewer lines than this, words may look like ids by chance.
FEW = 10


class _Utterance(NamedTuple):
    """A line that is not blank."""

    line: int
    utterance_id: str
    text: str


@dataclass(frozen=True)
class LineFile:
    """A text file's lines, without line ends, and without whitespace but tabs at their ends."""

    path: Path
    lines: list[str]

    @classmethod
    def of(cls, path: Path, text: str) -> "LineFile":
        """Split a text at its line ends alone; `str.splitlines` knows U+2028 and rarer ones."""
        return cls(path, [line.strip(" ") for line in text.removesuffix("\n").split("\n")])

    @property
    def separator(self) -> str | None:
        """The separator after an id: a tab if all lines have one, else any whitespace (None)."""
        lines = [line for line in self.lines if line.strip() and not line.startswith(_COMMENT)]
        return "\t" if all("\t" in line for line in lines) else None

    def split_kaldi(self) -> list[_Utterance]:
        """Split each line that is not blank into id and words."""
        separator = self.separator
        columns = []
        for number, line in enumerate(self.lines, start=1):
            if line.strip() and not line.startswith(_COMMENT):
                first, *rest = line.split(separator, 1)
                utterance_id = unicodedata.normalize("NFC", first.strip())
                columns.append(_Utterance(number, utterance_id, rest[0].strip() if rest else ""))
        return columns

    def split_trn(self) -> list[_Utterance]:
        """Split each line that is not blank into words and id."""
        found = []
        for number, line in enumerate(self.lines, start=1):
            if line.startswith(_COMMENT):
                continue
            if match := _TRN_LINE.fullmatch(line.strip()):
                utterance_id = unicodedata.normalize("NFC", match[2])
                found.append(_Utterance(number, utterance_id, (match[1] or "").strip()))
            elif line.strip():
                raise UserError(
                    f"{self.path}:{number}: expected an utterance id in parentheses at its end, "
                    f"found {quoted(line.strip())}",
                    remedy="other_layout",
                )
        return found

    def by_id(self, layout: Layout) -> dict[str, str]:
        """Give the text of each id, in the layout kaldi or trn.

        Raises:
            UserError: an id is repeated, or a line lacks one.
        """
        return _index_by_id(self, self.split_trn() if layout == "trn" else self.split_kaldi())

    def joined(self) -> str:
        """Join all lines, as the text of one recording."""
        return " ".join(line.strip() for line in self.lines if line.strip())

    def begins_with_ids(self) -> bool:
        """Whether lines begin with ids: all have a tab, or nearly all first words look like ids."""
        firsts = [found.utterance_id for found in self.split_kaldi()]
        if not firsts:
            return False
        alike = sum(map(_looks_like_id, firsts))
        return self.separator is not None or alike >= MAJORITY * len(firsts)

    def ends_in_ids(self) -> bool:
        """Whether nearly all lines end in parentheses, with mostly distinct contents."""
        lines = [line.strip() for line in self.lines if line.strip()]
        lines = [line for line in lines if not line.startswith(_COMMENT)]
        ids = [match[2] for line in lines if (match := _TRN_LINE.fullmatch(line))]
        return len(ids) >= MAJORITY * len(lines) and _mostly_distinct(ids)


def read_lines(
    files: Sequence[LineFile], layout: Layout = "auto"
) -> tuple[tuple[dict[str, str], ...], Layout]:
    """Read a reference file and the hypothesis files to score against it.

    Layout "auto" is trn if the lines of all files end in parentheses with mostly distinct contents;
    kaldi if nearly all lines begin with an apparent id (a digit among other characters, ``_`` or
    ``/``), or if all lines have a tab; and plain otherwise. A wrong guess would give a wrong error
    rate unnoticed, so doubtful files are refused: if only some files have ids, or if the first
    words are mostly distinct in each file and mostly equal in both, which may be ids or short plain
    texts.

    Returns:
        For each file, in order, utterance id to text; and the layout.

    Raises:
        UserError: an id is repeated; numbers of plain lines differ; the layout is doubtful.

    Warns:
        UserWarning: few lines seem to have ids; words such as ``1st`` and ``B2B`` look like ids.
    """
    if not any(line.strip() for line in files[0].lines):
        raise UserError(
            f"{files[0].path}: there is no text in this file; give one utterance a line"
        )
    if layout == "auto":
        layout = _guess_layout(files)
        _warn_of_few(files[0], layout)
    if layout == "plain":
        return _read_plain(files), layout
    return tuple(file.by_id(layout) for file in files), layout


def _index_by_id(file: LineFile, found: Sequence[_Utterance]) -> dict[str, str]:
    if repeat := _first_repeat(found):
        again, before = repeat
        raise UserError(
            f"{file.path}:{again.line}: utterance id {quoted(again.utterance_id)} stands already "
            f"in line {before.line}; keep one of them"
        )
    return {utterance_id: text for _, utterance_id, text in found}


def _first_repeat(found: Sequence[_Utterance]) -> tuple[_Utterance, _Utterance] | None:
    """Find the first utterance with an earlier one's id, and the earlier one."""
    seen: dict[str, _Utterance] = {}
    for one in found:
        before = seen.setdefault(one.utterance_id, one)
        if before is not one:
            return one, before
    return None


def _read_plain(files: Sequence[LineFile]) -> tuple[dict[str, str], ...]:
    reference = files[0]
    texts = [line for line in reference.lines if line.strip()]
    if len(texts) == 1 and any(len(file.lines) != len(reference.lines) for file in files):
        for file in files[1:]:
            if len(file.lines) > 1:
                found = f"{file.path}: its {len(file.lines)} lines are scored as one utterance"
                warnings.warn(UserNote(f"{found}, as the reference has one"), stacklevel=4)
        return tuple({"1": file.joined()} for file in files)
    for file in files[1:]:
        if len(file.lines) != len(reference.lines):
            raise UserError(
                f"{file.path}: has {len(file.lines)} lines, but {reference.path} has "
                f"{len(reference.lines)}; without ids, line n of one belongs to line n of the other"
            )
    return tuple(
        {str(number): line.strip() for number, line in enumerate(file.lines, start=1)}
        for file in files
    )


def _guess_layout(files: Sequence[LineFile]) -> Layout:
    # ESPnet writes a tab before the id at the end, so this is looked for before tabs are.
    if _all_or_none(files, [file.ends_in_ids() for file in files], "end in", " in parentheses"):
        return "trn"
    if _all_or_none(files, [file.begins_with_ids() for file in files], "begin with"):
        return "kaldi"
    if len([line for line in files[0].lines if line.strip()]) == 1:
        return "plain"
    for file in files[1:]:
        if _may_have_equal_ids(files[0], file):
            _refuse_doubtful(files[0], file)
    return "plain"


def _warn_of_few(file: LineFile, layout: Layout) -> None:
    """Warn that a few lines are taken to have ids, if they are too few to be certain."""
    certain = layout == "kaldi" and file.separator is not None
    if certain or layout == "plain" or len(file.lines) >= FEW:
        return
    found = file.split_trn() if layout == "trn" else file.split_kaldi()
    first = quoted(found[0].utterance_id)
    note = f"{file.path}: {first} and its like are taken for utterance ids"
    warnings.warn(UserNote(note, remedy="plain_layout"), stacklevel=3)


def _all_or_none(
    files: Sequence[LineFile], have_ids: Sequence[bool], verb: str, where: str = ""
) -> bool:
    """Whether all files have ids; refuse files of which only some have."""
    if any(have_ids) and not all(have_ids):
        with_ids, without = files[have_ids.index(True)], files[have_ids.index(False)]
        raise UserError(
            f"{without.path}: its lines do not {verb} utterance ids{where}, but those of "
            f"{with_ids.path} do",
            remedy="same_layout",
        )
    return all(have_ids)


def _may_have_equal_ids(a: LineFile, b: LineFile) -> bool:
    """Whether the first words are mostly distinct in each file and mostly equal in both."""
    firsts_a, firsts_b = ([one.utterance_id for one in file.split_kaldi()] for file in (a, b))
    if not (_mostly_distinct(firsts_a) and _mostly_distinct(firsts_b)):
        return False
    unique_a, unique_b = set(firsts_a), set(firsts_b)
    return len(unique_a & unique_b) > max(len(unique_a), len(unique_b)) / 2


def _refuse_doubtful(a: LineFile, b: LineFile) -> NoReturn:
    """Refuse files of doubtful layout; name a repeated id, if that is the reason for the doubt."""
    for file in (a, b):
        if repeat := _first_repeat(file.split_kaldi()):
            again, before = repeat
            raise UserError(
                f"{file.path}:{again.line}: the first words of the lines may be utterance ids, but "
                f"{quoted(again.utterance_id)} stands already in line {before.line}",
                remedy="repeated_id",
            )
    raise UserError(
        f"{a.path} and {b.path}: the first words of the lines may be utterance ids or plain text",
        remedy="either_layout",
    )


def _mostly_distinct(words: Sequence[str]) -> bool:
    return bool(words) and len({*words}) >= MAJORITY * len(words)


def _looks_like_id(word: str) -> bool:
    """A digit among other characters (``an4-01``, ``61-70968-0000``), or ``_`` or ``/``."""
    has_digit = any(character.isdigit() for character in word)
    return (has_digit and not word.isdigit()) or "_" in word or "/" in word
