"""One's own speech as JSON lines, the format of NVIDIA NeMo's manifests, or as one JSON value."""

import json
from pathlib import Path
from typing import Any

from asr.corpora.collection import Collection, numbered_lines, seconds
from asr.corpora.columns import find_columns, read_times
from asr.corpora.rows import Recordings, Row, make_utterances
from asr.util.errors import UserError
from asr.util.text_files import read_text


def read(path: Path) -> Collection:
    """Read lines ``{"audio_filepath": ..., "text": ..., "duration": ...}``.

    ``offset`` (the utterance's start), ``speaker`` and ``split`` are optional; offset and duration
    are in seconds. Paths are relative to the manifest, or name a recording below its folder. Keys
    may have the other names of `asr.corpora.columns.NAMES`. A file may also hold one list of such
    objects, or one object of them by their ids.

    Raises:
        UserError: a line that is not such an object.
    """
    return Collection(make_utterances(read_rows(path), path.parent, Recordings(path.parent)))


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a manifest.

    Raises:
        UserError: as `read`.
    """
    whole = _whole(path)
    if whole is None:
        return [_row(_parsed(line, where), where) for where, line in numbered_lines(path)]
    return [_row(_checked(entry, where), where) for where, entry in whole]


def _whole(path: Path) -> list[tuple[str, object]] | None:
    """Read a file that is one list, or one object of objects; None where it is JSON lines."""
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [(f"{path}: entry {number}", entry) for number, entry in enumerate(value, start=1)]
    if isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values()):
        return [(f"{path}: {name}", {"id": name} | entry) for name, entry in value.items()]
    return None


def _row(entry: dict[str, Any], where: str) -> Row:
    columns = find_columns(list(entry))
    times = read_times(columns, entry, where)
    duration = entry.get(columns.get("duration", ""))
    end_s = times.end_s
    if end_s is None and duration is not None:
        end_s = (times.start_s or 0.0) + seconds(duration, columns["duration"], where)
    speaker, split = (entry.get(columns.get(kind, "")) for kind in ("speaker", "split"))
    return Row(
        where,
        audio=_path(entry[columns["audio"]]),
        text=entry[columns["text"]],
        start_s=times.start_s,
        end_s=end_s,
        speaker=None if speaker is None else str(speaker),
        split=None if split is None else str(split),
    )


def _path(value: Any) -> Any:
    """Give the path of a recording, which Hugging Face's data sets keep in an object."""
    return value.get("path") if isinstance(value, dict) else value


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:  # RecursionError: of nested brackets
        raise UserError(f"{where}: not JSON: {error}; write one object a line") from error
    if not isinstance(entry, dict):
        raise UserError(f"{where}: found {line[:40]!r}, expected one JSON object a line")
    return _checked(entry, where)


def _checked(entry: object, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise UserError(f"{where}: found {str(entry)[:40]!r}, expected a JSON object")
    if "type" in entry and "supervisions" in entry:
        raise UserError(
            f"{where}: a cut manifest, which needs no `asr prepare`; train on it as it is"
        )
    columns = find_columns(list(entry))
    for kind, usual in (("audio", "audio_filepath"), ("text", "text")):
        value = _path(entry.get(columns.get(kind, "")))
        if not isinstance(value, str):
            name = columns.get(kind, usual)
            raise UserError(f"{where}: {name} is {value!r}, expected a string")
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: not text, {error.reason}; write it as UTF-8") from error
    return entry


def looks_like(text: str) -> bool:
    """Tell whether the first object of a text has a recording and a text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = json.loads(text.strip().partition("\n")[0])
        except (ValueError, RecursionError):
            return False
    if isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values()):
        value = [{"id": name} | entry for name, entry in value.items()]
    first = value[0] if isinstance(value, list) and value else value
    columns = find_columns(list(first)) if isinstance(first, dict) else {}
    return "audio" in columns and "text" in columns
