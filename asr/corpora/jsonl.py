"""One's own speech as JSON lines, the format of NVIDIA NeMo's manifests."""

import json
from pathlib import Path
from typing import Any

from asr.corpora.collection import Collection, Utterance, make_utterance, numbered_lines, seconds
from asr.util.errors import UserError


def read(path: Path) -> Collection:
    """Read lines ``{"audio_filepath": ..., "text": ..., "duration": ...}``.

    ``offset`` (the utterance's start), ``speaker`` and ``split`` are optional; offset and duration
    are in seconds. Paths are relative to the manifest.

    Raises:
        UserError: a line that is not such an object.
    """
    return Collection([_utterance(line, path, where) for where, line in numbered_lines(path)])


def _utterance(line: str, manifest: Path, where: str) -> Utterance:
    entry = _parsed(line, where)
    offset, duration = entry.get("offset"), entry.get("duration")
    start_s = None if offset is None else seconds(offset, "offset", where)
    end_s = None if duration is None else (start_s or 0.0) + seconds(duration, "duration", where)
    speaker, split = entry.get("speaker"), entry.get("split")
    return make_utterance(
        where,
        manifest.parent,
        audio=entry["audio_filepath"],
        text=entry["text"],
        start_s=start_s,
        end_s=end_s,
        speaker=None if speaker is None else str(speaker),
        split=None if split is None else str(split),
    )


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:  # RecursionError: of nested brackets
        raise UserError(f"{where}: not JSON: {error}; write one object a line") from error
    if not isinstance(entry, dict):
        raise UserError(f"{where}: found {line[:40]!r}, expected one JSON object a line")
    for key in ("audio_filepath", "text"):
        if not isinstance(entry.get(key), str):
            raise UserError(f"{where}: {key} is {entry.get(key)!r}, expected a string")
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: not text, {error.reason}; write it as UTF-8") from error
    return entry
