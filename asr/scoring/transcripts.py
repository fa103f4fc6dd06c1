"""Reading references and hypotheses from text files.

Two layouts are in use. In the **kaldi** layout every line holds an utterance id, whitespace and
the words (nothing after the id is an empty utterance; blank lines are skipped), in any order.
Where every line has a tab, the id is what stands before the first tab, so that the
``path<TAB>text`` lines of ``asr transcribe`` are read too, spaces in paths included. In the
**plain** layout a line is an utterance, blank lines being empty ones; line n of one file belongs
to line n of the other, and the line number is the id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asr.errors import UserError
from asr.scoring.pairing import require_same_ids

Layout = Literal["auto", "kaldi", "plain"]


@dataclass(frozen=True)
class _File:
    """A text file's lines, without line ends and surrounding whitespace other than tabs."""

    path: Path
    lines: list[str]

    @property
    def separator(self) -> str | None:
        """What ends an id: a tab where all lines have one, else any whitespace (None)."""
        return "\t" if all("\t" in line for line in self.lines if line.strip()) else None

    def split(self) -> list[tuple[int, str, str]]:
        """Line number, first column and the rest of every line that is not blank."""
        separator = self.separator
        columns = []
        for number, line in enumerate(self.lines, start=1):
            if line.strip():
                first, *rest = line.split(separator, 1)
                columns.append((number, first.strip(), rest[0].strip() if rest else ""))
        return columns

    def has_ids(self) -> bool:
        """Whether the lines certainly begin with ids: a tab in all, or names no word looks like."""
        firsts = [first for _, first, _ in self.split()]
        if not firsts:
            return False
        return self.separator is not None or sum(map(_looks_like_id, firsts)) > len(firsts) / 2


def read_transcripts(
    reference: Path | str, *hypotheses: Path | str, layout: Layout = "auto"
) -> tuple[dict[str, str], ...]:
    """Read a reference file and the hypothesis files to score against it.

    With layout "auto" the files are read in the kaldi layout if all begin their lines with
    something that is surely an id (a digit among other characters, ``_``, ``/``, or a tab after
    it in every line), and in the plain layout if none does. A wrong guess would quietly give a
    wrong error rate, so what is in doubt is refused instead: files of which only some have ids,
    and files whose first words are all different and mostly the same in both, which may be names
    or just short plain texts.

    Returns:
        For each file, in the order given, utterance id to text; the ids are the same in all.

    Raises:
        UserError: a file cannot be read, is empty or not UTF-8; an id stands twice; ids or
            numbers of lines differ; the layout is in doubt.
    """
    files = [_read(Path(path)) for path in (reference, *hypotheses)]
    if not any(line.strip() for line in files[0].lines):
        raise UserError(
            f"{files[0].path}: there is no text in this file; give one utterance a line"
        )
    if layout == "auto":
        layout = _guess_layout(files)
    if layout == "plain":
        return _read_plain(files)
    transcripts = tuple(_read_kaldi(file) for file in files)
    for file, transcript in zip(files[1:], transcripts[1:], strict=True):
        require_same_ids(transcripts[0], transcript, str(files[0].path), str(file.path))
    return transcripts


def _read(path: Path) -> _File:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise UserError(f"{path}: this is a folder; give a text file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    if not data:
        raise UserError(f"{path}: the file is empty; give one utterance a line")
    data = data.removeprefix(b"\xef\xbb\xbf")  # the byte order mark that Windows editors write
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    # str.splitlines would also split inside a line, at U+2028 and other rare characters.
    return _File(path, [line.strip(" \r") for line in text.removesuffix("\n").split("\n")])


def _read_kaldi(file: _File) -> dict[str, str]:
    texts: dict[str, str] = {}
    first_lines: dict[str, int] = {}
    for number, utterance_id, text in file.split():
        if utterance_id in texts:
            raise UserError(
                f"{file.path}:{number}: utterance id {utterance_id!r} stands already in line "
                f"{first_lines[utterance_id]}; keep one of them"
            )
        texts[utterance_id] = text
        first_lines[utterance_id] = number
    return texts


def _read_plain(files: Sequence[_File]) -> tuple[dict[str, str], ...]:
    reference = files[0]
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


def _guess_layout(files: Sequence[_File]) -> Layout:
    have_ids = [file.has_ids() for file in files]
    if all(have_ids):
        return "kaldi"
    if any(have_ids):
        with_ids, without = files[have_ids.index(True)], files[have_ids.index(False)]
        raise UserError(
            f"{without.path}: its lines do not begin with utterance ids, but those of "
            f"{with_ids.path} do; give both in one layout, or say which with --layout"
        )
    for file in files[1:]:
        if _may_share_ids(files[0], file):
            raise UserError(
                f"{files[0].path} and {file.path}: the first words of the lines may be utterance "
                "ids or plain text; say --layout kaldi or --layout plain"
            )
    return "plain"


def _may_share_ids(a: _File, b: _File) -> bool:
    """Whether first columns are unique in both files and more than half are in both."""
    firsts_a, firsts_b = ([first for _, first, _ in file.split()] for file in (a, b))
    unique_a, unique_b = set(firsts_a), set(firsts_b)
    if len(unique_a) < len(firsts_a) or len(unique_b) < len(firsts_b):
        return False
    return len(unique_a & unique_b) > max(len(unique_a), len(unique_b)) / 2


def _looks_like_id(word: str) -> bool:
    """A digit among other characters (``an4-01``, ``61-70968-0000``), or ``_`` or ``/``."""
    has_digit = any(character.isdigit() for character in word)
    return (has_digit and not word.isdigit()) or "_" in word or "/" in word
