"""One's own speech as JSON lines, the manifests that NVIDIA NeMo writes and reads."""

import json
from pathlib import Path
from typing import Any

from asr.corpora.collection import Collection, Utterance, numbered_lines, seconds, stated
from asr.util.errors import UserError


def read(path: Path) -> Collection:
    """Read lines ``{"audio_filepath": ..., "text": ..., "duration": ...}``.

    ``offset`` (where the utterance begins), ``speaker`` and ``split`` are used where they are
    given; offset and duration are in seconds. Paths are relative to the manifest.
    """
    return Collection([_utterance(line, path, where) for where, line in numbered_lines(path)])


def _utterance(line: str, manifest: Path, where: str) -> Utterance:
    entry = _parsed(line, where)
    offset, duration = entry.get("offset"), entry.get("duration")
    start_s = None if offset is None else seconds(offset, "offset", where)
    end_s = None if duration is None else (start_s or 0.0) + seconds(duration, "duration", where)
    speaker, split = entry.get("speaker"), entry.get("split")
    return stated(
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
    except (ValueError, RecursionError) as error:  # of brackets in brackets
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
