"""json: all that is known of a transcript, in the fields of OpenAI's verbose_json where they apply.

OpenAI's fields: task, language, duration, text, segments (id, start, end, text) and words (word,
start, end). Added: confidence, channel, the recording's path, model and settings, and the phones,
characters or subwords of an alignment. `language` is null, since a model does not know the name of
its language. OpenAI's tokens, temperature, avg_logprob and the like describe another decoder.
"""

import json
from collections.abc import Sequence
from typing import Any

from asr.formats.common import About, sort_turns
from asr.transcript import AlignedTranscript, Transcript, Word
from asr.util.printable import printable_json


def write_json(transcripts: Sequence[Transcript], about: About) -> str:
    """Write one object, the segments and the words of all channels in order of time.

    Times are in seconds, rounded to a millisecond; confidences are in 0..1, to four decimals.
    """
    turns = sort_turns(transcripts)
    aligned = [one for one in transcripts if isinstance(one, AlignedTranscript)]
    data: dict[str, Any] = {
        "task": "align" if aligned else "transcribe",
        "language": None,
        "duration": _seconds(max((one.duration_s for one in transcripts), default=0.0)),
        "text": " ".join(segment.text for _, segment in turns),
        "segments": [
            {
                "id": number,
                "start": _seconds(segment.start_s),
                "end": _seconds(segment.end_s),
                "text": segment.text,
                "channel": channel,
            }
            for number, (channel, segment) in enumerate(turns)
        ],
        "words": _sort_by_start([(one.channel, one.words) for one in transcripts], "word"),
    }
    for kind in {one.kind for one in aligned}:
        data[f"{kind}s"] = _sort_by_start([(one.channel, one.tokens) for one in aligned], kind)
    data |= {"path": about.path, "model": about.model, "settings": dict(about.settings)}
    return printable_json(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _sort_by_start(
    channels: Sequence[tuple[str | None, Sequence[Word]]], name: str
) -> list[dict[str, Any]]:
    """Sort the words or tokens of all channels by start; `name` is the key of the text."""
    words_of_all = [(channel, word) for channel, words in channels for word in words]
    return [
        {
            name: word.text,
            "start": _seconds(word.start_s),
            "end": _seconds(word.end_s),
            "confidence": round(word.confidence, 4),
            "channel": channel,
        }
        for channel, word in sorted(words_of_all, key=lambda item: item[1].start_s)
    ]


def _seconds(value: float) -> float:
    return round(value, 3)
