"""Read cut manifests, and load the audio of a cut.

Shapes: C channels, N samples.
"""

import gzip
import json
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import soundfile
from lhotse import CutSet
from lhotse.audio import set_audio_duration_mismatch_tolerance
from lhotse.audio.backend import LibsndfileBackend, set_current_audio_backend
from lhotse.cut import Cut
from lhotse.cut.set import deserialize_cut
from lhotse.utils import compute_num_samples

from asr.audio import AudioError, Waveform, to_waveform
from asr.audio.mixing import CANCELLED, mix
from asr.audio.samples import Reporter
from asr.data.cut_checks import (
    LONGEST_S,
    TOLERANCE_S,
    check_amount,
    check_cut,
    cut_to_transcript,
)
from asr.data.cut_schema import CutError, check_row, shown
from asr.util.errors import UserError
from asr.util.text_files import MAX_RATIO, UNPACKED_BYTES

# By default, lhotse would fill up to half a second that a file lacks since it was prepared.
with warnings.catch_warnings(action="ignore"):  # lhotse warns of its own setting
    set_audio_duration_mismatch_tolerance(TOLERANCE_S)

#: The most bytes of a line; an hour's transcript has a tenth as many.
_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"
#: Recordings of which a warning was given.
_TOLD: set[str] = set()


class _Files(LibsndfileBackend):
    """Reads files by libsndfile alone, and no more of a file than `MOST_SAMPLES`.

    Other backends start programs (sph2pipe, ffmpeg), or open the addresses that a playlist names.
    Paths are made absolute, since libsndfile takes "-" for standard input.
    """

    def read_audio(
        self,
        path_or_fd: Any,
        offset: float = 0.0,
        duration: float | None = None,
        force_opus_sampling_rate: int | None = None,  # noqa: ARG002
    ) -> tuple[npt.NDArray[np.float32], int]:
        """Read `duration` seconds, or all, from `offset` on: samples (C, N) and their rate."""
        if isinstance(path_or_fd, str):
            path_or_fd = Path(path_or_fd).absolute()
            if not path_or_fd.is_file():
                raise FileNotFoundError(f"{path_or_fd}: there is no such file")
        try:
            with soundfile.SoundFile(path_or_fd) as audio:
                return _read_part(audio, offset, duration), audio.samplerate
        except soundfile.LibsndfileError as error:  # lhotse would remake it from its text
            raise ValueError(error.error_string.rstrip(".")) from error


def _read_part(
    audio: soundfile.SoundFile, offset_s: float, duration_s: float | None
) -> npt.NDArray[np.float32]:
    start = compute_num_samples(offset_s, audio.samplerate)
    count = audio.frames - start
    if duration_s is not None:
        count = min(count, compute_num_samples(duration_s, audio.samplerate))
    check_amount(count / audio.samplerate, count * audio.channels)
    audio.seek(start)
    samples: npt.NDArray[np.float32] = audio.read(count, dtype="float32", always_2d=True).T
    return samples


set_current_audio_backend(_Files())


def read_cuts(manifest: str | Path, longest_s: float = LONGEST_S) -> CutSet:
    """Read a cut manifest, JSON lines that may be gzipped, into memory.

    Cuts that are longer than their transcripts are shortened to them.

    Args:
        manifest: the path.
        longest_s: the longest utterance that the caller can take.

    Raises:
        UserError: the file is missing, empty or unreadable; a line is not a cut of audio files
            with exactly one transcript, is too long, or repeats an id.
    """
    path = Path(manifest)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "is no file" if path.exists() else None
        raise UserError(
            f"{path}: expected a cut manifest (*.jsonl.gz), but it {kind or 'does not exist'}; "
            "make one with `asr prepare`"
        )
    cuts: dict[str, Cut] = {}
    try:
        for line in _lines(path):
            cut = _parse(line, longest_s)
            if cut.id in cuts:
                raise CutError(f"a second cut with the id {cut.id}", advice="keep one of them")
            cuts[cut.id] = cut
    except CutError as error:
        advice = error.advice or "mend the line, or prepare the corpus again"
        raise UserError(f"{path}:{len(cuts) + 1}: {error}; {advice}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    if not cuts:
        raise UserError(f"{path}: no utterances in this manifest; give one with some")
    return CutSet.from_cuts(cuts.values())


def _lines(path: Path) -> Iterator[bytes]:
    """Give the lines of a manifest.

    Raises:
        CutError: the file is damaged, or unpacks to more than a manifest does.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        packed = file.peek(len(_GZIP)).startswith(_GZIP)
        left = max(UNPACKED_BYTES, MAX_RATIO * path.stat().st_size)
        with gzip.open(file) if packed else file as lines:
            while line := _read_line(lines):
                left -= len(line)
                if len(line) > _LONGEST_LINE:
                    raise CutError(f"a line of more than {_LONGEST_LINE} bytes, expected fewer")
                if left < 0:
                    most = f"{MAX_RATIO} times its size"
                    raise CutError(f"the file unpacks to more than {most}, as no manifest does")
                yield line


def _read_line(file: IO[bytes] | gzip.GzipFile) -> bytes:
    """Read a line, or the first `_LONGEST_LINE` + 1 bytes of a longer one.

    Raises:
        CutError: the packed file is damaged.
    """
    try:
        return file.readline(_LONGEST_LINE + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CutError(f"not a line of a cut manifest ({error})") from error


def _parse(line: bytes, longest_s: float) -> Cut:
    """Make the cut of a manifest's line.

    Raises:
        CutError: the line is not a valid cut.
    """
    row: Any = None
    try:
        row = json.loads(line)
        check_row(row)
        cut = deserialize_cut(_without_notes(row))
        check_cut(cut, LONGEST_S)
        cut = cut_to_transcript(cut)
        check_amount(cut.duration, 0, longest_s)
    except CutError as error:
        if (other := _name_other(row)) is not None:
            kind, advice = other
            raise CutError(f"this is {kind}, and no cut", advice=advice) from error
        named = isinstance(row, dict) and isinstance(row.get("id"), str)
        message = f"cut {shown(row['id'])[1:-1]}: {error}" if named else str(error)
        raise CutError(message, advice=error.advice) from error
    except Exception as error:  # whatever a damaged line makes of json or lhotse
        found = f"not a line of a cut manifest ({_first_line(error)})"
        raise CutError(found, advice=_OTHER if _is_text(line) else None) from error
    return cut


_OTHER = "`asr prepare folder` makes a manifest of recordings with a table or a list of texts"
#: Keys that tell other manifests, what these are, and what to do.
_OTHERS = (
    (
        "audio_filepath",
        "a line of NeMo's manifests",
        "`asr prepare folder` makes cut manifests of this file",
    ),
    ("sources", "a recording of lhotse's", "give the manifest of cuts, not of recordings"),
    ("recording_id", "a transcript of lhotse's", "give the manifest of cuts, not of supervisions"),
    ("text", "a text with other fields", _OTHER),
    ("sentence", "a text with other fields", _OTHER),
    ("txt", "a text with other fields", _OTHER),
)


def _name_other(row: object) -> tuple[str, str] | None:
    """Name what a line of another manifest is, and what to do; None if it may be a cut."""
    if not isinstance(row, dict) or "supervisions" in row or "tracks" in row:
        return None
    return next(((kind, advice) for key, kind, advice in _OTHERS if key in row), None)


def _is_text(line: bytes) -> bool:
    """Tell whether a line is text that never was JSON, as of a table or a list."""
    return line[:1] not in b'{["' and line.strip().decode(errors="ignore").isprintable()


def _without_notes(row: dict[str, Any]) -> dict[str, Any]:
    """Remove fields that nothing here reads, before lhotse makes attributes of them."""
    for cut in [track["cut"] for track in row.get("tracks", ())] or [row]:
        for one in (cut, *cut.get("supervisions", ())):
            one.pop("custom", None)
            one.pop("alignment", None)
    return row


def read_speakers(cuts: Iterable[Cut]) -> dict[str, str] | None:
    """Give the speaker of each cut by the cut's id; None where any speaker is not known."""
    speakers = {cut.id: cut.supervisions[0].speaker for cut in cuts}
    if any(speaker in (None, "") for speaker in speakers.values()):
        return None
    return {key: str(speaker) for key, speaker in speakers.items()}  # some corpora have numbers


def load_waveform(cut: Cut, sample_rate: int) -> Waveform:
    """Load a cut as float32 (N,) at `sample_rate`, its channels mixed.

    Of a recording whose channels cancel each other a warning tells, once in a process.

    Raises:
        UserError: the audio is missing, unreadable, empty or not finite.
    """
    try:
        samples, cancelled = mix(cut.load_audio().T, cut.sampling_rate)
        if cancelled:
            _tell_cancelled(cut)
        return to_waveform(samples, cut.sampling_rate, sample_rate, f"cut {cut.id}")
    except AudioError as error:  # which a loader's worker cannot pickle
        raise UserError(str(error)) from error
    except Exception as error:  # every audio backend has exceptions of its own
        raise UserError(
            f"cut {cut.id}: its audio cannot be read ({_first_line(error)}); put the file back or "
            "mend it; where recordings have moved, prepare the corpus from there"
        ) from error


def _tell_cancelled(cut: Cut) -> None:
    path = cut.recording.sources[0].source if cut.has_recording else f"cut {cut.id}"
    if path not in _TOLD:
        _TOLD.add(path)
        Reporter(path).note(CANCELLED.format(of=""))


def _first_line(error: Exception) -> str:
    """Find the line that tells most: the one behind an introduction that ends in a colon."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith(":")] or [type(error).__name__]
    return told[0][:200]
