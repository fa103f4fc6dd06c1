"""The form of `POST /v1/audio/transcriptions`, as OpenAI's clients send it."""

from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile

from asr.server.errors import RefusedError
from asr.util.printable import quoted

FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
GRANULARITIES = ("word", "segment")
#: Names of OpenAI's models, for programs in which no other can be written.
ALIASES = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe")


@dataclass(frozen=True)
class TranscriptionForm:
    """What a client asks for.

    Attributes:
        file: the recording.
        response_format: one of `FORMATS`.
        granularities: of `GRANULARITIES`, what `verbose_json` holds.
        stream: whether the text is sent while it is transcribed.
        keywords: hot words.
        language: as the client named it; the model does not ask.
    """

    file: UploadFile
    response_format: str
    granularities: frozenset[str]
    stream: bool
    keywords: tuple[str, ...]
    language: str | None


def read_form(form: FormData, model: str) -> TranscriptionForm:
    """Read the fields; those that no speech recognizer of ours has a use for are left alone.

    Args:
        form: as it came.
        model: the name of the model that is there.

    Raises:
        RefusedError: a field is missing, or has a value that it cannot have.
    """
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise RefusedError(400, "file: send a recording in this field", param="file")
    _check_model(_text(form, "model") or model, model)
    response_format = _text(form, "response_format") or "json"
    _one_of("response_format", response_format, FORMATS)
    granularities = frozenset(_texts(form, "timestamp_granularities")) or {"segment"}
    for name in granularities:
        _one_of("timestamp_granularities", name, GRANULARITIES)
    _check_temperature(_text(form, "temperature"))
    stream = (_text(form, "stream") or "false").lower()
    _one_of("stream", stream, ("true", "false"))
    keywords = tuple(
        keyword
        for text in _texts(form, "keywords")
        for line in text.splitlines()
        if (keyword := line.strip())
    )
    return TranscriptionForm(
        file,
        response_format,
        frozenset(granularities),
        stream == "true",
        keywords,
        _text(form, "language"),
    )


def _text(form: FormData, name: str) -> str | None:
    """Read a field of text; None where it is missing or empty."""
    value = form.get(name)
    if isinstance(value, UploadFile):
        raise RefusedError(400, f"{name}: expected text, found a file", param=name)
    return value.strip() if value and value.strip() else None


def _texts(form: FormData, name: str) -> list[str]:
    """Read a field that may come several times, with brackets or without."""
    values = [*form.getlist(name), *form.getlist(f"{name}[]")]
    if any(isinstance(value, UploadFile) for value in values):
        raise RefusedError(400, f"{name}: expected text, found a file", param=name)
    return [str(value) for value in values]


def _check_model(name: str, model: str) -> None:
    if name not in (model, *ALIASES):
        found = f"model: {quoted(name)} is not here; this server has {model}"
        raise RefusedError(404, found, param="model", code="model_not_found")


def _check_temperature(text: str | None) -> None:
    try:
        valid = 0 <= float(text or 0) <= 1
    except ValueError:
        valid = False
    if not valid:
        expected = f"temperature: expected a number from 0 to 1, found {quoted(text)}"
        raise RefusedError(400, expected, param="temperature")


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        expected = f"{name}: expected one of {', '.join(choices)}, found {quoted(value)}"
        raise RefusedError(400, expected, param=name)
