"""jsonl: a line a segment with its place in the recording, as NeMo's manifests have it.

`asr prepare folder` reads them too, so that a long recording and its text become utterances to
train on.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from asr.formats.about import About
from asr.formats.times import milliseconds, named_apart, turns_by_start
from asr.transcript import Transcript
from asr.util.printable import printable_json


def write_jsonl(transcripts: Sequence[Transcript], about: About) -> str:
    """Write ``{"audio_filepath", "offset", "duration", "text", "confidence"}``, times in seconds.

    The path is absolute; the confidence is the mean of the segment's words. ``channel`` names that
    of several.
    """
    path = str(Path(about.path).absolute())
    lines = []
    for channel, segment in turns_by_start(named_apart(transcripts)):
        start_ms = milliseconds(segment.start_s)
        duration_ms = max(1, milliseconds(segment.end_s) - start_ms)
        entry = {
            "audio_filepath": path,
            "offset": start_ms / 1000,
            "duration": duration_ms / 1000,
            "text": segment.text,
            "confidence": round(fmean(word.confidence for word in segment.words), 4),
        }
        named = {} if channel is None else {"channel": channel}
        lines.append(printable_json(json.dumps(entry | named, ensure_ascii=False, allow_nan=False)))
    return "".join(f"{line}\n" for line in lines)
