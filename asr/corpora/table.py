"""One's own speech as a table: a CSV or TSV file with a line an utterance."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from asr.corpora.collection import Collection, Utterance, make_utterance, seconds
from asr.util.errors import UserError
from asr.util.text_files import read_text

DELIMITERS = {".csv": ",", ".tsv": "\t"}
REQUIRED = ("path", "text")
OPTIONAL = ("start", "end", "speaker", "split")


def read(path: Path) -> Collection:
    """Read a table with the columns path and text, and optionally start, end, speaker and split.

    Paths are relative to the table; start and end are in seconds. In a CSV, cells with commas are
    quoted; in a TSV, quotes are text. Other columns are ignored.

    Raises:
        UserError: the file is no table, lacks a column, or has a line that cannot be read.
    """
    tabbed = path.suffix.lower() == ".tsv"
    rows = csv.DictReader(
        io.StringIO(read_text(path), newline=""),
        delimiter=DELIMITERS[path.suffix.lower()],
        quoting=csv.QUOTE_NONE if tabbed else csv.QUOTE_MINIMAL,
        strict=True,  # without it, an unclosed quote would take all later lines into its cell
    )
    try:
        _check_columns(rows.fieldnames or [], path)
        return Collection([_utterance(row, path, f"{path}:{rows.line_num}") for row in rows])
    except csv.Error as error:
        where = f"{path}:{rows.line_num + 1}"  # line_num is still the previous row's
        raise UserError(f"{where}: not a table: {error}; correct this line's quotes") from error


def _check_columns(columns: Sequence[str], path: Path) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        separated = "tabs" if path.suffix.lower() == ".tsv" else "commas"
        raise UserError(
            f"{path}:1: no column {' or '.join(missing)}, found {', '.join(columns) or 'nothing'}; "
            f"the first line must name path and text, and may name {', '.join(OPTIONAL)}; "
            f"cells are separated by {separated}"
        )


def _utterance(row: dict[str, str | None], table: Path, where: str) -> Utterance:
    if None in row or None in row.values():
        raise UserError(f"{where}: more or fewer cells than columns; quote cells with commas")
    cells = {column: (cell or "").strip() for column, cell in row.items()}
    end_s = seconds(cells["end"], "end", where) if cells.get("end") else None
    start_s = None if end_s is None else 0.0
    if cells.get("start"):
        start_s = seconds(cells["start"], "start", where)
    return make_utterance(
        where,
        table.parent,
        audio=cells["path"],
        text=cells["text"],
        start_s=start_s,
        end_s=end_s,
        speaker=cells.get("speaker"),
        split=cells.get("split"),
    )
