"""Columns of tables and keys of JSON lines by the names that corpora and tools give them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asr.corpora.collection import seconds

#: What a column holds, and its names; of several columns, the one that is named first here counts.
NAMES: dict[str, tuple[str, ...]] = {
    "audio": (
        "path", "file_name", "filename", "wav_filename", "audio_filepath", "audio_path",
        "audio_file", "audio_filename", "audio_file_path", "audiopath", "filepath", "file_path",
        "file", "fname", "wav_path", "wavpath", "wav_file", "wav", "wave", "basename", "audio",
        "clip", "clip_path", "recording", "media", "key", "name", "utt_id", "uttid", "utt",
        "utterance_id", "segment_id", "line_id", "id",
    ),
    "text": (
        "text", "transcript", "transcription", "sentence", "normalized_text",
        "normalized_transcription", "normalized_transcript", "transcript_normalized", "text_norm",
        "norm_text", "clean_text", "text_clean", "raw_text", "raw_transcription", "raw_transcript",
        "wrd", "words", "trans", "trn", "utterance", "orthographic", "orthography", "reference",
        "ref", "content", "phrase", "prompt", "script", "spoken_text", "caption", "txt",
        "characters", "label", "target",
    ),
    "start": (
        "start", "start_time", "start_s", "start_sec", "start_seconds", "begin", "begin_time",
        "offset", "onset", "from", "xmin", "tmin",
    ),
    "end": (
        "end", "end_time", "end_s", "end_sec", "end_seconds", "stop", "stop_time", "xmax", "tmax",
    ),
    "start_ms": ("start_ms", "begin_ms", "offset_ms"),
    "end_ms": ("end_ms", "stop_ms"),
    "duration": ("duration", "dur", "duration_s", "duration_sec", "length"),
    "speaker": (
        "speaker", "speaker_id", "spk", "spk_id", "spkid", "speakerid", "client_id", "user_id",
        "user", "reader", "reader_id", "speaker_name",
    ),
    "split": ("split", "subset", "partition", "set", "fold_name"),
}  # fmt: skip


def find_columns(names: Sequence[str]) -> dict[str, str]:
    """Give the name that each kind of column has among `names`, however its words are joined.

    ``WAV Filename``, ``wav-filename`` and ``WavFilename`` are ``wav_filename``.
    """
    written = {_joined(name): name for name in names}
    found: dict[str, str] = {}
    for kind, known in NAMES.items():
        first = next((written[one] for one in map(_joined, known) if one in written), None)
        if first is not None and first not in found.values():
            found[kind] = first
    return found


def _joined(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


@dataclass(frozen=True)
class Times:
    """The bounds of an utterance in its recording, in seconds; None where they are not stated."""

    start_s: float | None
    end_s: float | None


def read_times(columns: Mapping[str, str], cells: Mapping[str, object], where: str) -> Times:
    """Read start and end, or start and duration, from the cells of a row.

    Raises:
        UserError: a time is no number.
    """

    def number(kind: str, unit_s: float = 1.0) -> float | None:
        name = columns.get(kind)
        value = None if name is None else cells.get(name)
        return None if name is None or value in (None, "") else unit_s * seconds(value, name, where)

    start_s, end_s, duration_s = number("start"), number("end"), number("duration")
    start_s = number("start_ms", 1e-3) if start_s is None else start_s
    end_s = number("end_ms", 1e-3) if end_s is None else end_s
    if end_s is not None and start_s is None:
        start_s = 0.0
    if end_s is None and duration_s is not None and start_s is not None:
        end_s = start_s + duration_s
    return Times(start_s, end_s)
