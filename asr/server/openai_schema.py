"""The OpenAPI description of what OpenAI's clients send and get.

The form is read by hand, since names of lists end in brackets there, so FastAPI cannot derive it.
"""

from typing import Any

from asr.server.openai_form import FORMATS, GRANULARITIES

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_WORD = {
    "type": "object",
    "required": ["word", "start", "end", "confidence"],
    "properties": {"word": _TEXT, "start": _NUMBER, "end": _NUMBER, "confidence": _NUMBER},
}
_SEGMENT = {
    "type": "object",
    "required": ["id", "start", "end", "text"],
    "properties": {"id": {"type": "integer"}, "start": _NUMBER, "end": _NUMBER, "text": _TEXT},
}
_TRANSCRIPTION = {
    "type": "object",
    "required": ["text", "usage"],
    "properties": {
        "text": _TEXT,
        "usage": {
            "type": "object",
            "properties": {"type": {"const": "duration"}, "seconds": _NUMBER},
        },
        "language": _TEXT,
        "duration": _NUMBER,
        "segments": {"type": "array", "items": _SEGMENT},
        "words": {"type": "array", "items": _WORD},
        "notes": {"type": "array", "items": _TEXT},
    },
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": _TEXT,
                "type": _TEXT,
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "a recording"},
        "model": {**_TEXT, "description": "the model's name, or one of OpenAI's"},
        "response_format": {**_TEXT, "enum": [*FORMATS], "default": "json"},
        "timestamp_granularities[]": {
            "type": "array",
            "items": {**_TEXT, "enum": [*GRANULARITIES]},
            "description": "what verbose_json holds; segments where not given",
        },
        "stream": {"type": "boolean", "default": False, "description": "send text as events"},
        "keywords[]": {
            "type": "array",
            "items": _TEXT,
            "description": "hot words and phrases; they need a beam search",
        },
        "language": {**_TEXT, "description": "given back; the model has its language"},
        "prompt": {**_TEXT, "description": "left alone"},
        "temperature": {**_NUMBER, "minimum": 0, "maximum": 1, "description": "left alone"},
    },
}
#: What may go wrong with any request.
STATUSES = {
    400: "a field or the recording cannot be used",
    401: "the key is missing or wrong",
    403: "the page that asks may not",
    404: "there is nothing of this name",
    408: "the request came too slowly",
    413: "the request or the recording is too large",
    429: "too many requests are under way",
    503: "the server is about to end",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the answers of these statuses."""
    content = {"application/json": {"schema": _ERROR}}
    return {status: {"description": STATUSES[status], "content": content} for status in statuses}


#: Of `POST /v1/audio/transcriptions`: its answers, and its form.
TRANSCRIPTION_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the text",
        "content": {
            "application/json": {"schema": _TRANSCRIPTION},
            "text/plain": {"schema": _TEXT},
            "application/x-subrip": {"schema": _TEXT},
            "text/vtt": {"schema": _TEXT},
            "text/event-stream": {"schema": _TEXT},
        },
    },
    **errors(*STATUSES),
}
TRANSCRIPTION_FORM = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
}
