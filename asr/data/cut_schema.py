"""The schema of a cut manifest's line: its fields, their types and ranges.

lhotse can store a shell command or an address in place of audio wherever it stores a recording: in
transforms, in custom fields, in the tracks of a mix. So the tables here list every allowed field,
and a line with any other field is refused.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from asr.audio import SAMPLE_RATES
from asr.util.printable import CONTROLS, quoted

_LONGEST_RECORDING_S = 1e9
_MOST_ENTRIES = 1024  # of a list: the most channels that libsndfile reads
_LARGEST = 2**63
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # half of a surrogate pair has no UTF-8
_NO_NAME = re.compile(f"[{CONTROLS}]")
_LONGEST_SHOWN = 100


class CutError(ValueError):
    """A cut that is refused; the message names the field, the value and the expectation.

    Attributes:
        advice: what to do, where it is not to mend the line.
    """

    def __init__(self, message: object, *, advice: str | None = None) -> None:
        super().__init__(message)
        self.advice = advice


class _Field(NamedTuple):
    expected: str
    test: Callable[[Any], bool]


#: The fields of an object by name, optional fields with a question mark. An entry is a `_Field`, a
#: `_Table`, or a list of one entry, which stands for a list of any number of them.
_Table = dict[str, Any]


def check_row(row: object) -> None:
    """Check a line, parsed as JSON, against the schema.

    Raises:
        CutError: a field is missing, is not in the schema, or has another type or range.
    """
    kind = row.get("type") if isinstance(row, dict) else row
    if not isinstance(row, dict) or kind not in ("MonoCut", "MultiCut", "MixedCut"):
        found = f"found {shown(kind)}, expected a MonoCut, MultiCut or MixedCut"
        raise CutError(f"not a line of a cut manifest: {found}")
    if kind != "MixedCut":
        _check(row, _CUTS[kind], "")
        return
    _check(row, _MIXED_CUT, "")
    for number, track in enumerate(row["tracks"]):
        _check(track["cut"], _CUTS[track["type"]], f"tracks[{number}].cut")


def check_words(utterance_id: str, speaker: str | None, text: str) -> None:
    """Check the strings of a cut to be written against the schema.

    Raises:
        CutError: an id or a speaker with control characters, or text that has no UTF-8.
    """
    _check(utterance_id, _NAME, "id")
    _check(speaker, _SPEAKER, "speaker")
    _check(text, _TEXT, "text")


def shown(value: object) -> str:
    """Format a value for a message: short, on one line, escaped."""
    text = quoted(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _check(value: Any, expected: Any, name: str) -> None:
    if isinstance(expected, _Field):
        if not expected.test(value):
            raise CutError(f"{name} is {shown(value)}, expected {expected.expected}")
    elif isinstance(expected, list):
        if not isinstance(value, list) or len(value) > _MOST_ENTRIES:
            raise CutError(f"{name} is {shown(value)}, expected a list of at most {_MOST_ENTRIES}")
        for number, entry in enumerate(value):
            _check(entry, expected[0], f"{name}[{number}]")
    else:
        _check_object(value, expected, name)


def _check_object(value: Any, table: _Table, name: str) -> None:
    if not isinstance(value, dict):
        raise CutError(f"{name} is {shown(value)}, expected an object")
    prefix = f"{name}." if name else ""
    for key, entry in value.items():
        expected = table.get(key) or table.get(f"{key}?")
        if expected is None:
            raise CutError(f"{prefix}{shown(key)[1:-1]} is {shown(entry)}, expected no such field")
        _check(entry, expected, prefix + key)
    for key in table:
        if not key.endswith("?") and key not in value:
            raise CutError(f"{prefix}{key} is missing")


def _is_whole(value: object) -> bool:
    return type(value) is int  # true and false are of a subclass


def _is_from(value: Any, low: float, high: float) -> bool:
    return (_is_whole(value) or isinstance(value, float)) and low <= value <= high


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not _NO_TEXT.search(value)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not _NO_NAME.search(value)


def _has_object(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


def _is_plain(value: object) -> bool:
    """Tell whether an object holds no objects, of which lhotse would make recordings and arrays."""
    return isinstance(value, dict) and not any(map(_has_object, value.values()))


_ANYTHING = _Field("anything", lambda _: True)  # of a field that nothing reads
_FLAG = _Field("true or false", lambda value: isinstance(value, bool))
_TEXT = _Field("text without zero bytes and halves of surrogate pairs", _is_text)
_NOTE = _Field("text or null", lambda value: value is None or _is_text(value))
_NAME = _Field("a name without control characters", _is_name)
_SPEAKER = _Field(
    "a name without control characters, a number or null",
    lambda value: value in (None, "") or _is_name(value) or _is_from(value, -_LARGEST, _LARGEST),
)
_CUSTOM = _Field(
    "an object of texts, numbers and lists of them", lambda value: value is None or _is_plain(value)
)
_START = _Field("0 s or more", lambda value: _is_from(value, 0, _LONGEST_RECORDING_S))
_DURATION = _Field("more than 0 s", lambda value: _is_from(value, 1e-6, _LONGEST_RECORDING_S))
_TIME = _Field("seconds", lambda value: _is_from(value, -_LONGEST_RECORDING_S, 1e9))
_RATIO_DB = _Field("decibels", lambda value: value is None or _is_from(value, -200, 200))
_CHANNEL = _Field("a channel", lambda value: _is_whole(value) and 0 <= value < _MOST_ENTRIES)
_RATE = _Field("a sample rate", lambda value: _is_whole(value) and value in SAMPLE_RATES)
_SAMPLES = _Field("a count", lambda value: _is_whole(value) and 0 < value < _LARGEST)
_FILE = _Field("'file', as nothing is run or fetched", lambda value: value == "file")
_KIND_OF_TRACK = _Field(
    "MonoCut, MultiCut or PaddingCut", lambda value: isinstance(value, str) and value in _CUTS
)

_RECORDING: _Table = {
    "id": _TEXT,
    "sources": [{"type": _FILE, "channels": [_CHANNEL], "source": _TEXT}],
    "sampling_rate": _RATE,
    "num_samples": _SAMPLES,
    "duration": _DURATION,
    "channel_ids?": [_CHANNEL],
}
_SUPERVISION: _Table = {
    "id": _TEXT,
    "recording_id": _TEXT,
    "start": _TIME,
    "duration": _DURATION,
    "text": _TEXT,
    "channel?": _ANYTHING,
    "language?": _NOTE,
    "speaker?": _SPEAKER,
    "gender?": _NOTE,
    "alignment?": _ANYTHING,
    "custom?": _CUSTOM,
}
_MONO_CUT: _Table = {
    "id": _NAME,
    "type?": _ANYTHING,
    "start": _START,
    "duration": _DURATION,
    "channel": _CHANNEL,
    "supervisions": [_SUPERVISION],
    "recording": _RECORDING,
    "custom?": _CUSTOM,
}
_CUTS: dict[str, _Table] = {
    "MonoCut": _MONO_CUT,
    "MultiCut": _MONO_CUT | {"channel": [_CHANNEL]},
    "PaddingCut": {
        "id": _NAME,
        "type?": _ANYTHING,
        "duration": _DURATION,
        "sampling_rate": _RATE,
        "num_samples": _SAMPLES,
        "feat_value": _ANYTHING,
        "custom?": _CUSTOM,
    },
}
_MIXED_CUT: _Table = {
    "id": _NAME,
    "type": _ANYTHING,
    "tracks": [
        {
            "cut": _ANYTHING,
            "type": _KIND_OF_TRACK,
            "offset": _START,
            "snr?": _RATIO_DB,
            "tag?": _NOTE,
            "is_snr_reference?": _FLAG,
            "mute?": _FLAG,
        }
    ],
}
