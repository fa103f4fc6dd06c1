r"""Read and write language models in the ARPA format of SRILM and KenLM, plain or gzipped.

    \data\
    ngram 1=100
    ngram 2=1192

    \1-grams:
    -1.7488245<TAB>I<TAB>-0.38710132
    \2-grams:
    -0.5<TAB>I AM
    \end\

Each line holds log10 p(last word | words before), the words, and the log10 back-off weight of the
n-gram as a context, which may be missing where it is 0, and always is at the highest order. A model
without <unk> gets one of log10 probability -100, as in KenLM; <UNK> is read as <unk>. Lines before
\data\, such as the description that CMU's tools write, are skipped.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np

from asr.lm import arpa_lines
from asr.lm.arpa_lines import Section, format_entries, parse_section
from asr.lm.ngram import BEGIN, END, LN_10, UNKNOWN, NGram
from asr.lm.tokenized_text import UNKNOWN_ID
from asr.lm.tree import TreeBuilder
from asr.lm.vocabulary import WordTable, add_lines, new_table
from asr.util.errors import UserError
from asr.util.files import write_atomically
from asr.util.text_files import line_number

MISSING_UNKNOWN_LOG10 = -100.0
MAX_DECIMALS = 6
_MAX_ENTRIES = 2**31 - 2  # the tree counts in int32
_GZIP_LEVEL = 6
_WRITERS = 2
_BLOCK_ENTRIES, _BLOCK_BYTES = 1 << 17, 1 << 28  # at most
_DATA = re.compile(rb"^(?:\xef\xbb\xbf)?[ \t\r]*\\data\\[ \t\r]*$", re.MULTILINE)
_NUMBERS_LENGTH = 40  # more bytes than two numbers and their separators take on a line

_MESSAGES = {
    arpa_lines.NO_NUMBER: "the log-probability is not a finite number",
    arpa_lines.POSITIVE: "the log-probability is more than 0",
    arpa_lines.MISSING_WORD: "an n-gram lacks a word",
    arpa_lines.UNKNOWN_WORD: "an n-gram has a word that is not among the 1-grams",
    arpa_lines.BACK_OFF: "the back-off is not a finite number, or not 0 at the highest order",
    arpa_lines.TRAILING: "there is more on the line than an n-gram has",
}


def parse_arpa(text: bytes, path: Path) -> NGram:
    """Read the text of an ARPA file; messages name `path`.

    Raises:
        UserError: the file is damaged: it is not ARPA, has other counts than its header, invalid
            numbers, unknown words, repeated n-grams or n-grams without context.
    """
    return _Reader(text, path).read()


class _Reader:
    """Reads an ARPA file's text in one pass; `at` is the current byte."""

    def __init__(self, text: bytes, path: Path) -> None:
        self.text, self.path = text, path
        self.letters = np.frombuffer(text, np.uint8)
        self.at = 0

    def read(self) -> NGram:
        counts = self._header()
        table = self._word_table(counts[0])
        builder: TreeBuilder | None = None
        for order, count in enumerate(counts, 1):
            self._expect(f"\\{order}-grams:")
            start = self.at
            section = self._section(table, order, count, highest=order == len(counts))
            if builder is None:
                section = _with_unknown(section)
                counts[0] = len(section.words)
                builder = TreeBuilder(counts)
            self._append(builder, section, start, highest=order == len(counts))
        self._expect("\\end\\")
        assert builder is not None  # the header has 1-grams
        vocabulary = self._vocabulary(table)
        return NGram(vocabulary, counts, builder.finish())

    def _refuse(self, at: int, problem: str) -> NoReturn:
        raise UserError(
            f"{self.path}:{line_number(self.text, at)}: {problem}; the ARPA file is damaged or not "
            "one, make it again"
        )

    def _next_line(self) -> tuple[int, str]:
        """Start and content of the next line that is not blank; "" at the end of the file."""
        while self.at < len(self.text):
            start = self.at
            end = self.text.find(b"\n", start)
            self.at = len(self.text) if end < 0 else end + 1
            line = self.text[start : self.at].strip()
            if line:
                return start, line[:80].decode(errors="replace")
        return len(self.text), ""

    def _expect(self, expected: str) -> None:
        start, line = self._next_line()
        if line != expected:
            found = f"'{line}'" if line else "the end of the file"
            self._refuse(start, f"expected '{expected}', found {found}")

    def _header(self) -> list[int]:
        begins = _DATA.search(self.text)
        if begins is None:
            start, line = self._next_line()
            self._refuse(start, f"no line is '\\data\\', the first is '{line}'")
        self.at = begins.end() + 1
        counts: list[int] = []
        while self.text[self.at : self.at + 1] not in (b"\\", b""):
            start, line = self._next_line()
            if line.startswith("\\"):  # after a blank line
                self.at = start
                break
            match = re.fullmatch(r"ngram\s+(\d+)\s*=\s*(\d+)", line)
            if not match or int(match[1]) != len(counts) + 1:
                self._refuse(
                    start, f"expected 'ngram {len(counts) + 1}=' and a count, found '{line}'"
                )
            counts.append(min(int(match[2]), _MAX_ENTRIES + 1))
            least = sum(count * _least_bytes(order) for order, count in enumerate(counts, 1))
            if least > len(self.text) or sum(counts) > _MAX_ENTRIES:
                self._refuse(start, f"{line} is more n-grams than the file can hold")
        if not counts or counts[0] == 0:
            self._refuse(self.at, "the header lists no 1-grams")
        return counts

    def _word_table(self, count: int) -> WordTable:
        """An empty table for the 1-grams, with room for as many bytes as their section has."""
        section = self.text.find(b"\n\\", self.at)
        table = new_table(count + 1, (section if section >= 0 else len(self.text)) + 8)
        add_lines(table, np.frombuffer(f"{UNKNOWN}\n".encode(), np.uint8))
        return table

    def _section(self, table: WordTable, order: int, count: int, *, highest: bool) -> Section:
        section = Section(
            np.empty((count, order), np.int32),
            np.empty(count, np.float32),
            np.empty(count, np.float32),
        )
        start = self.at
        status, self.at = parse_section(self.letters, start, table, highest, section)
        if status == arpa_lines.TOO_FEW_LINES:
            found = self.text.count(b"\n", start, self.at)
            self._refuse(self.at, f"the header says {count} {order}-grams, found {found}")
        if status != arpa_lines.OK:
            end = self.text.find(b"\n", self.at)
            rest = self.text[self.at : end if end >= 0 else None][:40].decode(errors="replace")
            self._refuse(self.at, f"{_MESSAGES[status]}, found '{rest}'")
        return section

    def _append(self, builder: TreeBuilder, section: Section, at: int, *, highest: bool) -> None:
        """Sort an order's n-grams into the tree; row i comes from the i-th line after byte `at`."""
        parent, word = builder.find(section.words), section.words[:, -1]
        rank = np.argsort((parent.astype(np.int64) << 32) | word, kind="stable")
        parent, word = parent[rank], word[rank]
        if len(parent) and parent[0] < 0:
            self._refuse_row(at, rank[0], "the n-gram's context, all but its last word, is missing")
        repeated = np.flatnonzero((parent[1:] == parent[:-1]) & (word[1:] == word[:-1]))
        if len(repeated):
            self._refuse_row(at, rank[repeated[0] + 1], "the n-gram is listed twice")
        back_off = section.back_off[:0] if highest else section.back_off[rank]
        builder.append(parent, word, section.log_prob[rank], back_off)

    def _refuse_row(self, at: int, row: int, problem: str) -> NoReturn:
        for _ in range(row):
            at = self.text.index(b"\n", at) + 1
        line = self.text[at:].split(b"\n", 1)[0][:80].decode(errors="replace")
        self._refuse(at, f"{problem}: '{line}'")

    def _vocabulary(self, table: WordTable) -> bytes:
        vocabulary = table.letters[: table.starts[table.size[0]]].tobytes()[:-1]
        for word in (BEGIN, END):
            if f"\n{word}\n" not in f"\n{vocabulary.decode(errors='replace')}\n":
                self._refuse(0, f"the 1-grams lack {word}")
        try:
            vocabulary.decode()
        except UnicodeDecodeError as error:
            self._refuse(0, f"a word is not UTF-8 (byte 0x{vocabulary[error.start]:02x})")
        return vocabulary


def _least_bytes(order: int) -> int:
    """Fewest bytes of an n-gram's line: `0 a b`, without a newline at the end of the file."""
    return 2 * order + 1


def _with_unknown(section: Section) -> Section:
    """The 1-grams with an <unk>, added where the file has none."""
    if (section.words == UNKNOWN_ID).any():
        return section
    return Section(
        np.append(section.words, np.array([[UNKNOWN_ID]], np.int32), axis=0),
        np.append(section.log_prob, np.float32(MISSING_UNKNOWN_LOG10 * LN_10)),
        np.append(section.back_off, np.float32(0.0)),
    )


def check_decimals(decimals: int) -> None:
    """Refuse a number of decimals that `write_arpa` cannot write.

    Raises:
        UserError: decimals are not 1 to 6.
    """
    if not 1 <= decimals <= MAX_DECIMALS:
        raise UserError(
            f"decimals is {decimals}, expected 1 to {MAX_DECIMALS}; take 1 for a small file"
        )


def write_arpa(lm: NGram, path: Path, decimals: int = MAX_DECIMALS) -> None:
    """Write a model atomically as an ARPA file, gzipped where its name ends in .gz.

    Numbers have seven digits, as many as float32 holds, and at most `decimals` decimals; with one
    decimal, probabilities are at most 12.2 % off, and a gzipped file is little over half as large.
    Equal models give equal bytes: each block of n-grams is a gzip member without a time. Blocks are
    compressed in parallel.

    Raises:
        UserError: the file cannot be written, or decimals are not 1 to 6.
    """
    check_decimals(decimals)
    lines = np.frombuffer(lm.vocabulary + b"\n", np.uint8)
    table = new_table(lm.counts[0], len(lines))
    add_lines(table, lines)
    pack = partial(gzip.compress, compresslevel=_GZIP_LEVEL, mtime=0)

    def block(part: tuple[str, int, int, int]) -> bytes:
        text = part[0].encode() + _format_block(lm, table, decimals, *part[1:])
        return pack(text) if path.suffix == ".gz" else text

    with write_atomically(path) as file, ThreadPoolExecutor(_WRITERS) as pool:
        for content in pool.map(block, _blocks(lm.counts, _longest(table))):
            file.write(content)


def _blocks(counts: Sequence[int], longest: int) -> Iterator[tuple[str, int, int, int]]:
    """Blocks of the file: the lines before a block's n-grams, their order, and their entries."""
    before = "\\data\\\n" + "".join(f"ngram {k}={n}\n" for k, n in enumerate(counts, 1))
    first = 1
    for order, count in enumerate(counts, 1):
        before += f"\n\\{order}-grams:\n"
        entries = min(_BLOCK_ENTRIES, 1 + _BLOCK_BYTES // _entry_bytes(order, longest))
        for start in range(first, first + count, entries):
            yield before, order, start, min(start + entries, first + count)
            before = ""
        first += count
    yield before + "\n\\end\\\n", 1, first, first


def _longest(table: WordTable) -> int:
    """Bytes of the longest word with its newline."""
    return int(np.diff(table.starts).max())


def _entry_bytes(order: int, longest: int) -> int:
    """Most bytes of an entry's line."""
    return order * (longest + 1) + _NUMBERS_LENGTH


def _format_block(
    lm: NGram, table: WordTable, decimals: int, order: int, start: int, end: int
) -> bytes:
    out = np.empty((end - start) * _entry_bytes(order, _longest(table)), np.uint8)
    path = np.full(order + 1, start, np.int64)
    for k in range(order, 1, -1):
        path[k - 1] = np.searchsorted(lm.arrays.first_child, path[k], side="right") - 1
    return out[: format_entries(lm.arrays, table, path, order, end, decimals, out)].tobytes()
