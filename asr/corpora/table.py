"""One's own speech as a table: a CSV or TSV file with a line an utterance."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from asr.corpora.collection import Collection
from asr.corpora.columns import find_columns, read_times
from asr.corpora.rows import Recordings, Row, make_utterances
from asr.util.errors import UserError
from asr.util.text_files import read_text

#: What separates the cells of a file, the usual first.
DELIMITERS = {".csv": ",;\t|", ".tsv": "\t,;|", ".psv": "|\t,;"}
_SEPARATED = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "pipes"}
#: The line by which Excel tells the delimiter.
_EXCELS = re.compile(r"\Asep=.\r?\n")
REQUIRED = ("path", "text")
OPTIONAL = ("start", "end", "speaker", "split")


def read(path: Path) -> Collection:
    """Read a table with columns for recording and text, and optionally times, speaker and split.

    Columns are found by the names that corpora give them, `asr.corpora.columns.NAMES`; other
    columns are ignored. Paths are relative to the table, or name a recording below its folder.
    Start and end are in seconds. In a CSV, cells with commas are quoted; between tabs and pipes,
    quotes are text.

    Raises:
        UserError: the file is no table, lacks a column, or has a line that cannot be read.
    """
    rows = read_rows(path, read_text(path))
    return Collection(make_utterances(rows, path.parent, Recordings(path.parent)))


def has_heading(path: Path, text: str) -> bool:
    """Tell whether the first line of a file names columns for recordings and text."""
    columns = find_columns(_heading(text, _delimiter(path, text)))
    return "audio" in columns and "text" in columns


def has_texts(path: Path, text: str) -> bool:
    """Tell whether the first line of a file names a column for texts."""
    return "text" in find_columns(_heading(text, _delimiter(path, text)))


def read_texts(path: Path, text: str) -> list[str]:
    """Read the column of texts of a table, which may lack any other.

    Raises:
        UserError: the quotes of a line are open.
    """
    delimiter = _delimiter(path, text)
    rows = _open(text, delimiter)
    try:
        column = find_columns(rows.fieldnames or [])["text"]
        return [row[column] or "" for row in rows]
    except csv.Error as error:
        raise _not_a_table(path, rows.line_num, error) from error


def read_rows(path: Path, text: str) -> list[Row]:
    """Read the rows of a table with a heading.

    Args:
        path: of the table, for messages and by its suffix for the delimiter.
        text: its content.

    Raises:
        UserError: as `read`.
    """
    delimiter = _delimiter(path, text)
    rows = _open(text, delimiter)
    above = 1 if _EXCELS.match(text) else 0
    try:
        columns = find_columns(rows.fieldnames or [])
        _check_columns(columns, rows.fieldnames or [], path, delimiter)
        return [_row(row, columns, f"{path}:{above + rows.line_num}") for row in rows]
    except csv.Error as error:
        raise _not_a_table(path, above + rows.line_num, error) from error


def _open(text: str, delimiter: str) -> "csv.DictReader[str]":
    return csv.DictReader(
        io.StringIO(_EXCELS.sub("", text), newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if delimiter in "\t|" else csv.QUOTE_MINIMAL,
        strict=True,  # without it, an unclosed quote would take all later lines into its cell
    )


def _not_a_table(path: Path, line: int, error: csv.Error) -> UserError:
    where = f"{path}:{line + 1}"  # the reader has counted the previous row's
    return UserError(f"{where}: not a table: {error}; correct this line's quotes")


def _heading(text: str, delimiter: str) -> list[str]:
    first = _EXCELS.sub("", text.lstrip("\r\n")).partition("\n")[0].rstrip("\r")
    return [name.strip().strip('"') for name in first.split(delimiter)]


def _delimiter(path: Path, text: str) -> str:
    """Find the delimiter by which the first line names a recording's and a text's column."""
    likely = DELIMITERS.get(path.suffix.lower(), "\t,;|")
    for delimiter in likely:
        columns = find_columns(_heading(text, delimiter))
        if "audio" in columns and "text" in columns:
            return delimiter
    return likely[0]


def _check_columns(
    columns: dict[str, str], names: Sequence[str], path: Path, delimiter: str
) -> None:
    missing = [
        name for name, kind in zip(REQUIRED, ("audio", "text"), strict=True) if kind not in columns
    ]
    if missing:
        raise UserError(
            f"{path}:1: no column {' or '.join(missing)}, found {', '.join(names) or 'nothing'}; "
            f"the first line must name path and text, and may name {', '.join(OPTIONAL)}; "
            f"cells are separated by {_SEPARATED[delimiter]}"
        )


def _row(row: dict[str, str | None], columns: dict[str, str], where: str) -> Row:
    if None in row or None in row.values():
        raise UserError(f"{where}: more or fewer cells than columns; quote cells with commas")
    cells = {column: (cell or "").strip() for column, cell in row.items()}
    times = read_times(columns, cells, where)
    return Row(
        where,
        audio=cells[columns["audio"]],
        text=cells[columns["text"]],
        start_s=times.start_s,
        end_s=times.end_s,
        speaker=cells[columns["speaker"]] if "speaker" in columns else None,
        split=cells[columns["split"]] if "split" in columns else None,
    )
