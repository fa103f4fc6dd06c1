"""Audio files that libsndfile reads, and samples brought to the model's sample rate.

Shapes: N samples.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from asr.errors import UserError, printable
from asr.mp3 import mp3_goes_on
from asr.ogg import follow_pages

Waveform = npt.NDArray[np.float32]

#: How libsndfile words a chunk that states more bytes than the file has.
_SHORT_CHUNK = re.compile(r"(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)")
#: A wav, aiff or au file written to a pipe cannot know its length and states the largest one.
_UNKNOWN_SIZE = 0x7FFF0000
_EMPTY_WAV_BYTES = 4096  # no header is longer that has no samples behind it
#: What libsndfile takes for the length of a flac file that was written to a pipe.
_NO_LENGTH = 0x7FFFFFFFFFFFFFFF
#: libsndfile's error for a coding that is read from its start alone: GSM 6.10, G.721, DWVW.
_UNSEEKABLE = 40
#: What soundfile raises where audio is damaged; ValueError where libsndfile stands behind its end.
DAMAGED = (soundfile.SoundFileError, ValueError)
#: Hz; what lies outside was made by no recorder, and resampling it would fill the memory.
SAMPLE_RATES = range(1_000, 768_001)
#: Beyond the scale of 32-bit integers, and far below where a power spectrum overflows.
_LOUDEST = 1e10


class AudioError(UserError):
    """An audio file that cannot be used.

    Attributes:
        kind: ``missing audio``, ``unreadable audio`` or ``no samples``.
        detail: where and what, without the advice that the message adds.
    """

    def __init__(self, kind: str, detail: str, advice: str) -> None:
        super().__init__(f"{detail}; {advice}")
        self.kind = kind
        self.detail = detail


class UnknownFormatError(AudioError):
    """A file in which libsndfile sees no audio, or none that it can enter in the middle."""


@contextlib.contextmanager
def open_audio(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open a whole and sound audio file.

    Raises:
        AudioError: no such file, a folder, a name that is not UTF-8, not audio, no samples, or
            cut short.
    """
    path = Path(path)
    if not path.is_file():
        what = "this is a pipe or a device" if path.exists() else "there is no such file"
        what = "this is a folder" if path.is_dir() else what
        raise AudioError("missing audio", f"{path}: {what}", "give an audio file")
    try:
        audio = soundfile.SoundFile(path)
    except UnicodeEncodeError as error:
        raise AudioError(
            "unreadable audio",
            f"{printable(str(path))}: its name is not UTF-8",
            "rename it",
        ) from error
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a .raw file has no header
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise UnknownFormatError(
            "unreadable audio",
            f"{path}: not audio that can be read ({reason})",
            "convert it to wav or flac",
        ) from error
    with audio:
        check_rate(path, audio.samplerate)
        _check_length_is_known(audio, path)
        _check_is_one(audio, path)
        _check_is_complete(audio, path)
        yield audio


def _check_length_is_known(audio: soundfile.SoundFile, path: Path) -> None:
    wav = audio.format in ("WAV", "WAVEX")
    if audio.frames == 0 and wav and path.stat().st_size > _EMPTY_WAV_BYTES:
        raise UnknownFormatError(  # of a recorder that could not finish: PyAV reads on
            "unreadable audio",
            f"{path}: its header states no samples, but there are some",
            "convert it to wav or flac",
        )
    if audio.frames == 0:
        raise AudioError("no samples", f"{path}: an audio file without samples", "record again")
    if audio.frames == _NO_LENGTH:
        detail = f"{path}: its header states no length"
        raise AudioError("unreadable audio", detail, "convert it to wav or to flac again")


def _check_is_one(audio: soundfile.SoundFile, path: Path) -> None:
    """Refuse damaged pages, and recordings one behind the other: libsndfile reads the first."""
    joined = audio.format == "MP3" and mp3_goes_on(path)
    if audio.format == "OGG":
        pages = follow_pages(path)
        if not pages.complete:
            detail = f"{path}: pages of it are missing or damaged"
            raise AudioError("unreadable audio", detail, "copy or convert the file again")
        joined = pages.joined
    if joined:
        raise UnknownFormatError(
            "unreadable audio",
            f"{path}: several recordings joined, of which only the first would be heard",
            "convert it to wav or flac",
        )


def _check_is_complete(audio: soundfile.SoundFile, path: Path) -> None:
    try:
        complete = _is_complete(audio)
    except soundfile.LibsndfileError as error:
        detail = f"{path}: coded as {audio.subtype}, which can only be read from its start"
        advice = "convert it to 16-bit wav or flac"
        raise UnknownFormatError("unreadable audio", detail, advice) from error
    if not complete:
        raise AudioError(
            "unreadable audio",
            f"{path}: ends before its header says it does",
            "copy or convert the file again",
        )


def _is_complete(audio: soundfile.SoundFile) -> bool:
    """Tell whether a file holds what its header promises, without decoding all of it.

    Raises:
        soundfile.LibsndfileError: it is of a coding that can only be read from its start.
    """
    for stated, found in _SHORT_CHUNK.findall(audio.extra_info):
        if int(found) < int(stated) < _UNKNOWN_SIZE:
            return False
    try:
        audio.seek(audio.frames - 1)
        complete = len(audio.read(1)) == 1
        audio.seek(0)
    except DAMAGED as error:
        if getattr(error, "code", None) == _UNSEEKABLE:
            raise
        return False
    return complete


def check_rate(path: str | Path, sample_rate: int) -> None:
    """Refuse a sample rate that only a damaged header states.

    Raises:
        AudioError: it does; the message names `path`.
    """
    if sample_rate not in SAMPLE_RATES:
        detail = f"{path}: states a sample rate of {sample_rate} Hz"
        raise AudioError("unreadable audio", detail, "copy or convert the file again")


def check_length(path: str | Path, decoded_s: float, stated_s: float | None) -> None:
    """Refuse a file that held no sound, or clearly less than its header states.

    Raises:
        AudioError: it does; the message names `path`.
    """
    if decoded_s == 0:
        detail = f"{path}: an audio file without samples"
        raise AudioError("no samples", detail, "record again")
    if stated_s is not None and decoded_s < 0.99 * stated_s - 0.5:
        detail = f"{path}: ends before its header says it does"
        raise AudioError("unreadable audio", detail, "copy or convert the file again")


def to_waveform(
    samples: npt.NDArray[np.floating], from_rate: int, to_rate: int, where: str
) -> Waveform:
    """Check that mono samples are sound and bring them to another rate.

    Args:
        samples: (N,), in -1..1.
        from_rate: theirs, Hz.
        to_rate: the wanted one, Hz.
        where: names them in errors.

    Raises:
        AudioError: as `check_samples`.
    """
    waveform = check_samples(samples, where)
    return waveform if from_rate == to_rate else soxr.resample(waveform, from_rate, to_rate)


def check_samples(samples: npt.NDArray[np.floating], where: str) -> Waveform:
    """Give samples as float32.

    Raises:
        AudioError: NaN, infinite or absurdly large samples; `where` names them.
    """
    if not np.isfinite(samples).all():
        count = int((~np.isfinite(samples)).sum())
        detail = f"{where}: {count} samples are NaN or infinite"
        raise AudioError("unreadable audio", detail, "export the recording again")
    if len(samples) and (loudest := float(np.abs(samples).max())) > _LOUDEST:
        detail = f"{where}: a sample of {loudest:.3g}, expected -1 to 1"
        raise AudioError("unreadable audio", detail, "export the recording again")
    return np.asarray(samples, dtype=np.float32)
