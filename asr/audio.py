"""Any audio file to a mono float32 waveform at the model's sample rate.

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

from asr.errors import UserError

Waveform = npt.NDArray[np.float32]

#: How libsndfile words a chunk that states more bytes than the file has.
_SHORT_CHUNK = re.compile(r"(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)")
#: A wav, aiff or au file written to a pipe cannot know its length and states the largest one.
_UNKNOWN_SIZE = 0x7FFF0000


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


@contextlib.contextmanager
def open_audio(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open a whole and sound audio file.

    Raises:
        AudioError: no such file, a folder, not audio, no samples, or cut short.
    """
    path = Path(path)
    if not path.is_file():
        what = "this is a folder" if path.is_dir() else "there is no such file"
        raise AudioError("missing audio", f"{path}: {what}", "give an audio file")
    try:
        audio = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a .raw file has no header
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise AudioError(
            "unreadable audio",
            f"{path}: not audio that can be read ({reason})",
            "convert it to wav or flac",
        ) from error
    with audio:
        if audio.frames == 0:
            raise AudioError("no samples", f"{path}: an audio file without samples", "record again")
        if not _is_complete(audio):
            raise AudioError(
                "unreadable audio",
                f"{path}: ends before its header says it does",
                "copy or convert the file again",
            )
        yield audio


def _is_complete(audio: soundfile.SoundFile) -> bool:
    """Tell whether a file holds what its header promises, without decoding all of it."""
    for stated, found in _SHORT_CHUNK.findall(audio.extra_info):
        if int(found) < int(stated) < _UNKNOWN_SIZE:
            return False
    try:
        audio.seek(audio.frames - 1)
        complete = len(audio.read(1)) == 1
        audio.seek(0)
    except soundfile.SoundFileError:
        return False
    return complete


def read_audio(path: str | Path, sample_rate: int) -> Waveform:
    """Read a file, mix its channels and resample.

    Returns:
        (N,) float32, in -1..1 for the integer formats.

    Raises:
        AudioError: as `open_audio`; or samples that are NaN or infinite.
    """
    with open_audio(path) as audio:
        try:
            samples = audio.read(dtype="float32", always_2d=True).mean(axis=1)
        except soundfile.SoundFileError as error:
            detail = f"{path}: damaged audio ({error.error_string})"
            raise AudioError("unreadable audio", detail, "copy or convert it again") from error
        return to_waveform(samples, audio.samplerate, sample_rate, str(path))


def to_waveform(
    samples: npt.NDArray[np.floating], from_rate: int, to_rate: int, where: str
) -> Waveform:
    """Check that mono samples are finite and bring them to another rate.

    Raises:
        AudioError: NaN or infinite samples; `where` names them.
    """
    if not np.isfinite(samples).all():
        count = int((~np.isfinite(samples)).sum())
        detail = f"{where}: {count} samples are NaN or infinite"
        raise AudioError("unreadable audio", detail, "export the recording again")
    samples = np.asarray(samples, dtype=np.float32)
    return samples if from_rate == to_rate else soxr.resample(samples, from_rate, to_rate)
