"""Lists without a heading: the name of a recording and its text a line, as corpora write them.

- LJSpeech and its like: ``LJ001-0001|as printed|as spoken``, ``wavs/a.wav|text``;
- LibriSpeech's .trans.txt, Kaldi's text, AISHELL, VoxForge's prompts: ``name text``;
- OpenSLR's line_index.tsv: ``name<tab>text``;
- JSUT and JVS: ``name:text``;
- CMU Arctic's txt.done.data: ``( arctic_a0001 "text" )``;
- sclite's trn: ``text (name)``;
- STM: ``recording channel speaker start end <labels> text``;
- HTK's master label file of words.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean

from asr.corpora.collection import read_channel, seconds
from asr.corpora.rows import Row
from asr.util.errors import UserError

#: Tells whether a recording has a name.
Has = Callable[[str], bool]
_Numbered = list[tuple[int, str]]

_FESTIVAL = re.compile(r'\(\s*(\S+)\s+"(.*)"\s*\)')
_TRN = re.compile(r"(.*?)\s*\(([^()\s]+)\)")
_STM = re.compile(r"(\S+)\s+(\S+)\s+(\S+)\s+([\d.]+)\s+([\d.]+)(?:\s+<[^>\s]*>)?(?:\s+(.*))?")
_IGNORED = re.compile(r"ignore_time_segment_in_scoring", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_LEAST_FOUND = 0.1  # of the lines name recordings, where it is a list of recordings
_ALIKE = 0.4  # of the words are in both columns, where one column is the other as it is spoken


def read_rows(path: Path, text: str, has: Has) -> list[Row]:
    """Read the rows of a list, or none where it is no list of these recordings.

    Args:
        path: of the list, for messages.
        text: its content.
        has: tells whether a recording has a name.

    Raises:
        UserError: the list names the recordings, but several columns may be their texts.
    """
    lines = [
        (number, line.strip("\r"))
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip() and not line.startswith(";;")
    ]
    if lines and lines[0][1].startswith("#!MLF!#"):
        return list(_master_labels(lines, path))
    if rows := read_stm(path, lines):
        return rows if _are_named(rows, has) else []
    for read in (_festival, _bars, _tabs, _commas, _trn, _words, _colons):
        rows = [Row(f"{path}:{n}", name, words) for n, name, words in read(lines, has, path)]
        if rows and _are_named(rows, has):
            return rows
    return []


def _are_named(rows: Sequence[Row], has: Has) -> bool:
    found = sum(has(row.audio) for row in rows)
    return found > 0 and found >= _LEAST_FOUND * len(rows)


def is_stm(lines: Sequence[str]) -> bool:
    """Tell whether lines without comments are STM."""
    return all(_STM.fullmatch(line.strip()) for line in lines)


def read_stm(path: Path, lines: _Numbered) -> list[Row]:
    """Read STM, where every line is; segments that its scoring would ignore are left out."""
    matched = [(number, _STM.fullmatch(line.strip())) for number, line in lines]
    rows = []
    for number, found in matched:
        if found is None:
            return []
        name, channel, speaker, start, end, words = found.groups()
        where = f"{path}:{number}"
        if not _IGNORED.search(words or ""):
            start_s, end_s = (seconds(time, "start or end", where) for time in (start, end))
            told = read_channel(channel)
            rows.append(Row(where, name, words or "", start_s, end_s, speaker, channel=told))
    return rows


_Found = Iterator[tuple[int, str, str]]


def _festival(lines: _Numbered, _has: Has, _path: Path) -> _Found:
    return _matched(lines, _FESTIVAL, name=1, text=2)


def _trn(lines: _Numbered, _has: Has, _path: Path) -> _Found:
    return _matched(lines, _TRN, name=2, text=1)


def _matched(lines: _Numbered, pattern: re.Pattern[str], *, name: int, text: int) -> _Found:
    """Read lines by the groups of a pattern, if it matches all of them."""
    matched = [(number, pattern.fullmatch(line.strip())) for number, line in lines]
    if all(found for _, found in matched):
        for number, found in matched:
            assert found is not None
            yield number, found[name], found[text]


def _words(lines: _Numbered, _has: Has, _path: Path) -> _Found:
    for number, line in lines:
        name, *text = line.split(maxsplit=1)
        yield number, name, "".join(text)


def _colons(lines: _Numbered, _has: Has, _path: Path) -> _Found:
    for number, line in lines:
        name, _, text = line.partition(":")
        yield number, name.strip(), text.strip()


def _bars(lines: _Numbered, has: Has, path: Path) -> _Found:
    return _cells([(number, line.split("|")) for number, line in lines], has, path)


def _tabs(lines: _Numbered, has: Has, path: Path) -> _Found:
    return _cells([(number, line.split("\t")) for number, line in lines], has, path)


def _commas(lines: _Numbered, has: Has, path: Path) -> _Found:
    """Take the text behind the first comma, with its other commas."""
    cells = [(number, line.split(",", maxsplit=1)) for number, line in lines]
    if all(len(row) > 1 for _, row in cells):
        for number, name, words in _cells(cells, has, path):
            quoted = len(words) > 1 and words[0] == words[-1] == '"'
            yield number, name, words[1:-1].replace('""', '"') if quoted else words


def _cells(rows: list[tuple[int, list[str]]], has: Has, path: Path) -> _Found:
    width = len(rows[0][1]) if rows else 0
    if width < 2 or any(len(cells) != width for _, cells in rows):
        return
    columns = [[cells[column].strip() for _, cells in rows] for column in range(width)]
    named = [sum(map(has, filter(None, column))) for column in columns]
    audio = named.index(max(named))
    if not named[audio]:
        return
    text = _text_column(columns, audio, path)
    for (number, _), name, words in zip(rows, columns[audio], columns[text], strict=True):
        yield number, name, words


def _text_column(columns: list[list[str]], audio: int, path: Path) -> int:
    """Choose the column of the words: the long one; of two alike, the last, which is as spoken.

    Raises:
        UserError: several columns may be the text.
    """
    length = {
        number: mean(map(_letters, column))
        for number, column in enumerate(columns)
        if number != audio
    }
    longest = max(length.values())
    wordy = [
        number
        for number, letters in length.items()
        if letters >= longest / 2 and letters and not _is_spelled(columns[number])
    ]
    if not wordy:
        return max(length)
    alike = all(_are_alike(columns[wordy[0]], columns[one]) for one in wordy[1:])
    if len(wordy) > 2 or not alike:
        raise UserError(
            f"{path}: {len(wordy)} of its {len(columns)} columns may be the text; name the columns "
            "path and text in a first line"
        )
    return wordy[-1]


def _is_spelled(column: list[str]) -> bool:
    """Tell whether texts are spelled letter by letter, as in a column of FLEURS."""
    return all(len(word) == 1 for text in column for word in text.split()) and any(
        " " in text for text in column
    )


def _letters(cell: str) -> int:
    return sum(map(str.isalpha, cell))


def _are_alike(first: list[str], second: list[str]) -> bool:
    """Tell whether two columns have about the same words, one perhaps with numbers spelled out."""
    same = total = 0
    for one, other in zip(first, second, strict=True):
        words = set(_WORD.findall(one.casefold()))
        same += len(words & set(_WORD.findall(other.casefold())))
        total += len(words)
    return same >= _ALIKE * total


def _master_labels(lines: _Numbered, path: Path) -> Iterator[Row]:
    """Read a master label file, whose labels are words where they have no times."""
    where, name = "", ""
    words: list[str] = []
    for number, line in lines[1:]:
        label = line.strip()
        if label.startswith('"') and label.endswith('"'):
            where, name, words = f"{path}:{number}", Path(label.strip('"').lstrip("*/")).stem, []
        elif label == "." and name:
            yield Row(where, name, " ".join(words))
            name = ""
        elif label.split()[0].isdigit():
            return
        else:
            words.append(label.strip('"'))
