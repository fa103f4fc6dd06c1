"""Samples as all readers give them, and what is refused of them.

Shapes: N samples.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from asr.util.errors import UserError

Waveform = npt.NDArray[np.float32]

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


def check_header(path: str | Path, sample_rate: int, channels: int) -> None:
    """Refuse a sample rate, or a number of channels, that only a damaged header states.

    Raises:
        AudioError: it does; the message names `path`.
    """
    stated = f"a sample rate of {sample_rate} Hz" if sample_rate not in SAMPLE_RATES else None
    stated = f"{channels} channels" if channels < 1 else stated
    if stated:
        detail = f"{path}: states {stated}"
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


def level_db(samples: npt.NDArray[np.floating], floor: float = 0.0) -> npt.NDArray[np.float64]:
    """Mean power of samples (..., N) over full scale's, in dB (...); -inf for digital silence.

    `floor` is added to the mean power, so that digital silence gets a level too.
    """
    power = np.square(samples, dtype=np.float64).mean(axis=-1)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(power + floor)
