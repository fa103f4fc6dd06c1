"""Checks, conversion and level of samples, and the errors of audio files.

Shapes: N samples.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from asr.util.errors import UserError

Waveform = npt.NDArray[np.float32]

#: Hz; no recorder uses other rates, and resampling from them would fill the memory.
SAMPLE_RATES = range(1_000, 768_001)
#: Above the scale of 32-bit integers, and far below the overflow of a power spectrum.
_LOUDEST = 1e10


class AudioError(UserError):
    """An audio file that cannot be used.

    Attributes:
        kind: ``missing audio``, ``unreadable audio`` or ``no samples``.
        detail: the message without its advice.
    """

    def __init__(self, kind: str, detail: str, advice: str) -> None:
        super().__init__(f"{detail}; {advice}")
        self.kind = kind
        self.detail = detail


class UnknownFormatError(AudioError):
    """A file that libsndfile cannot read, or cannot read from the middle; PyAV may."""


def check_header(path: str | Path, sample_rate: int, channels: int) -> None:
    """Refuse a sample rate or a number of channels that only a damaged header states.

    Raises:
        AudioError: the header is damaged; the message names `path`.
    """
    stated = f"a sample rate of {sample_rate} Hz" if sample_rate not in SAMPLE_RATES else None
    stated = f"{channels} channels" if channels < 1 else stated
    if stated:
        detail = f"{path}: states {stated}"
        raise AudioError("unreadable audio", detail, "copy or convert the file again")


def check_length(path: str | Path, decoded_s: float, stated_s: float | None) -> None:
    """Refuse a file without samples, or with clearly fewer than its header states.

    Raises:
        AudioError: the file is empty or cut short; the message names `path`.
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
    """Check mono samples and resample them.

    Args:
        samples: (N,), in -1..1.
        from_rate: of the samples, Hz.
        to_rate: of the waveform, Hz.
        where: the samples' name in errors.

    Raises:
        AudioError: as `check_samples`.
    """
    waveform = check_samples(samples, where)
    return waveform if from_rate == to_rate else soxr.resample(waveform, from_rate, to_rate)


def check_samples(samples: npt.NDArray[np.floating], where: str) -> Waveform:
    """Check samples and convert them to float32.

    Raises:
        AudioError: NaN, infinite or absurdly large samples; the message begins with `where`.
    """
    if not np.isfinite(samples).all():
        count = int((~np.isfinite(samples)).sum())
        detail = f"{where}: {count} samples are NaN or infinite"
        raise AudioError("unreadable audio", detail, "export the recording again")
    if len(samples) and (loudest := float(np.abs(samples).max())) > _LOUDEST:
        detail = f"{where}: a sample of {loudest:.3g}, expected -1 to 1"
        raise AudioError("unreadable audio", detail, "export the recording again")
    return np.asarray(samples, dtype=np.float32)


def level_db(samples: npt.NDArray[np.floating], floor: float = 0.0) -> npt.NDArray[np.float64]:
    """Mean power of samples (..., N) over full scale's, in dB (...); -inf for digital silence.

    `floor` is added to the mean power, so that digital silence gets a level too.
    """
    power = np.square(samples, dtype=np.float64).mean(axis=-1)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(power + floor)
