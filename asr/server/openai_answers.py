"""Transcripts in the shapes of OpenAI's answers.

Beyond OpenAI's fields, words and segments carry `confidence`, and `notes` tell what was noticed
about the recording, such as that it is damaged. Of the fields that describe Whisper's
own decoding, `tokens` is empty, `seek`, `temperature` and `no_speech_prob` are 0; `avg_logprob` is
the mean logarithm of the words' confidences, which orders segments as Whisper's does.
"""

import json
import math
import zlib
from collections.abc import Sequence
from typing import Any

from fastapi import Response

from asr.formats import FORMATS, About
from asr.server.openai_form import TranscriptionForm
from asr.transcript import Segment, Transcript, Word

_MEDIA_TYPES = {"text": "text/plain", "srt": "application/x-subrip", "vtt": "text/vtt"}
_LEAST_CONFIDENCE = 1e-6


def dump_json(data: Any) -> str:
    """Write JSON in one line, with letters of all scripts as they are."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def respond(
    transcript: Transcript, form: TranscriptionForm, language: str, notes: Sequence[str]
) -> Response:
    """Give the answer in the form that the client asked for.

    Args:
        transcript: of the recording.
        form: what the client asked for.
        language: what it is told where it named none.
        notes: what was noticed about the recording.
    """
    if form.response_format in _MEDIA_TYPES:
        return _as_text(transcript, form.response_format)
    data: dict[str, Any] = {"text": transcript.text, "usage": usage(transcript)}
    if form.response_format == "verbose_json":
        data = _verbose(transcript, form, language) | data
    if notes:
        data["notes"] = [*notes]
    content = dump_json(data).encode(errors="backslashreplace")
    return Response(content, media_type="application/json")


def usage(transcript: Transcript) -> dict[str, Any]:
    """Tell what OpenAI bills: the seconds of audio."""
    return {"type": "duration", "seconds": round(transcript.duration_s, 3)}


def _as_text(transcript: Transcript, name: str) -> Response:
    if name == "text":
        text = f"{transcript.text}\n"
    else:
        text = FORMATS[name]([transcript], About("", "", {}))
    return Response(
        text.encode(errors="backslashreplace"), media_type=f"{_MEDIA_TYPES[name]}; charset=utf-8"
    )


def _verbose(transcript: Transcript, form: TranscriptionForm, language: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "task": "transcribe",
        "language": form.language or language,
        "duration": round(transcript.duration_s, 3),
    }
    if "segment" in form.granularities:
        data["segments"] = [_segment(*pair) for pair in enumerate(transcript.segments)]
    if "word" in form.granularities:
        data["words"] = [_word(word) for word in transcript.words]
    return data


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    confidences = [word.confidence for word in segment.words]
    raw = segment.text.encode(errors="replace")
    return {
        "id": number,
        "seek": 0,
        "start": round(segment.start_s, 3),
        "end": round(segment.end_s, 3),
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(_mean([math.log(max(_LEAST_CONFIDENCE, x)) for x in confidences]), 4),
        "compression_ratio": round(len(raw) / len(zlib.compress(raw)), 4),
        "no_speech_prob": 0.0,
        "confidence": round(_mean(confidences), 4),
    }


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _word(word: Word) -> dict[str, Any]:
    return {
        "word": word.text,
        "start": round(word.start_s, 3),
        "end": round(word.end_s, 3),
        "confidence": round(word.confidence, 4),
    }
