"""What the files in an output folder were made from.

A file is finished if it was made from this recording, by this model, with these settings. A line
for each recording in a hidden file of the folder tells that. Each shard of a command has a hidden
file of its own, since machines that append to one file over a network lose lines.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.util.errors import UserError
from asr.util.files import digest

#: The file that tells what the others were made from: of a whole command, and of any shard.
LEDGER_NAME = ".asr-outputs.jsonl"
_SHARD_LEDGERS = ".asr-outputs.*.jsonl"


@dataclass(frozen=True)
class Source:
    """What the outputs of a recording are made from.

    Attributes:
        recording: its absolute path, as it was named, not where links lead.
        key: a digest of the recording's size and time, the model and the settings.
    """

    recording: str
    key: str


def make_source(recording: str | Path, **others: object) -> Source:
    """Describe what outputs are made from: a recording's state, and `others` as JSON data."""
    path = os.path.abspath(recording)  # noqa: PTH100 (resolve would follow links)
    described = json.dumps([stamp(path), others], sort_keys=True, default=str)
    return Source(path, hashlib.sha256(described.encode(errors="surrogatepass")).hexdigest())


def stamp(path: str | Path) -> tuple[str, int, int]:
    """Give a file's absolute path, size and time of change, by which a change of it is noticed."""
    place = os.path.abspath(path)  # noqa: PTH100
    try:
        state = Path(place).stat()
    except (OSError, ValueError):  # the reader names it
        return place, 0, 0
    return place, state.st_size, state.st_mtime_ns


class Ledger:
    """The record of an output folder.

    Args:
        folder: of the outputs.
        part: names the file that lines are added to, for one of several processes; all are read.
    """

    def __init__(self, folder: Path, part: str = "") -> None:
        self._path = folder / f".asr-outputs.{part}.jsonl" if part else folder / LEDGER_NAME
        self._made: dict[str, dict[str, Any]] = {}
        for path in (folder / LEDGER_NAME, *sorted(folder.glob(_SHARD_LEDGERS))):
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            lines = path.read_bytes().splitlines()
        except OSError:  # there is none yet
            return
        for line in lines:
            try:
                row = json.loads(line)
                before = self._made.setdefault(row["file"], row)
                if row.get("time_ns", 0) >= before.get("time_ns", 0):
                    self._made[row["file"]] = row
            except (ValueError, TypeError, KeyError, AttributeError):  # a killed process's line
                continue

    def is_made_from(self, file: Path, source: Source) -> bool:
        """Tell whether a file was made from this."""
        row = self._made.get(self._name(file))
        return row is not None and row.get("key") == source.key

    def require_replaceable(self, file: Path, source: Source) -> None:
        """Refuse to replace a file that is not known to be an earlier output for this recording.

        Raises:
            UserError: it was made from another recording, by someone else, or changed since.
        """
        row = self._made.get(self._name(file))
        if row is None:
            what = "is there already, and was not made from this recording as far as is known"
        elif row.get("recording") != source.recording:
            what = f"was made from {row.get('recording')}, not from {source.recording}"
        elif _digest(file) != row.get("content"):
            what = "was made with other settings or from an older recording, and changed by hand"
        else:
            return
        raise UserError(
            f"{file}: {what}; give another --output-dir, or --overwrite writes it again"
        )

    def add(self, files: Mapping[Path, str], source: Source) -> None:
        """Record files that were written, each with its text."""
        rows = [
            {
                "file": self._name(file),
                "recording": source.recording,
                "key": source.key,
                "time_ns": time.time_ns(),
                "content": hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest(),
            }
            for file, text in files.items()
        ]
        self._made.update({str(row["file"]): row for row in rows})
        with self._path.open("a", encoding="ascii") as ledger:
            ledger.write("\n" + "".join(json.dumps(row) + "\n" for row in rows))

    def _name(self, file: Path) -> str:
        return file.relative_to(self._path.parent).as_posix()


def _digest(file: Path) -> str | None:
    try:
        return digest(file)
    except OSError:
        return None


def describe_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings with the state of each file that they name."""
    return {
        name: describe_settings(value)
        if isinstance(value, Mapping)
        else stamp(value)
        if isinstance(value, Path) or (isinstance(value, str) and Path(value).is_file())
        else value
        for name, value in settings.items()
    }
