"""jsonl: a line a segment with its place in the recording, as in NeMo's manifests.

`asr prepare folder` reads such files, so that a long recording and its text become training
utterances.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from asr.formats.common import About, drop_lone_name, milliseconds, sort_turns
from asr.transcript import Transcript
from asr.util.printable import printable_json


def write_jsonl(transcripts: Sequence[Transcript], about: About) -> str:
    """Write ``{"audio_filepath", "offset", "duration", "text", "confidence"}``, times in seconds.

    The path is absolute; the confidence is the mean of the segment's words. Where there are several
    channels, ``channel`` names the segment's.
    """
    path = str(Path(about.path).absolute())
    lines = []
    for channel, segment in sort_turns(drop_lone_name(transcripts)):
        start_ms = milliseconds(segment.start_s)
        duration_ms = max(1, milliseconds(segment.end_s) - start_ms)
        entry = {
            "audio_filepath": path,
            "offset": start_ms / 1000,
            "duration": duration_ms / 1000,
            "text": segment.text,
            "confidence": round(_mean([word.confidence for word in segment.words]), 4),
        }
        named = {} if channel is None else {"channel": channel}
        lines.append(printable_json(json.dumps(entry | named, ensure_ascii=False, allow_nan=False)))
    return "".join(f"{line}\n" for line in lines)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)  # `statistics` would be imported at every start
