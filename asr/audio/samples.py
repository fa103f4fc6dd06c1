"""Checks, conversion and level of samples, and the errors of audio files.

Shapes: N samples.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from asr.util.errors import UserError, UserNote

Waveform = npt.NDArray[np.float32]

#: Hz; no recorder uses other rates, and resampling from them would fill the memory.
SAMPLE_RATES = range(1_000, 768_001)
#: Above the scale of 32-bit integers, and far below the overflow of a power spectrum.
_LOUDEST = 1e10
#: A recording whose loudest sample is below this, -40 dB of full scale, is raised. Features of some
#: models have a floor of power: en-small writes other words from there on, where AN4's recordings
#: reach -13 dB.
QUIET = 10 ** (-40 / 20)
#: What the loudest sample is raised to: -15 dB of full scale.
_ORDINARY = 10 ** (-15 / 20)


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


class SelectionError(UserError):
    """What is selected of a recording, a channel say, is not in it."""


class AudioWarning(UserNote):
    """What a recording lacks, or what was chosen or changed in order to read it.

    Its detail `path` is the recording's name in the message.
    """

    label = "warning"


@dataclass(frozen=True)
class Reporter:
    """Where what is noticed about a recording goes.

    Attributes:
        path: the recording's name in messages.
        strict: whether a recording that lacks something is refused.
        quiet: whether nothing is told, because another reading of the file tells it.
    """

    path: str | Path
    strict: bool = False
    quiet: bool = False

    def damage(self, what: str) -> None:
        """Tell what the recording lacks.

        Raises:
            AudioError: `strict` refuses such recordings.
        """
        if self.strict:
            detail = f"{self.path}: {what}"
            raise AudioError("unreadable audio", detail, "copy or convert the file again")
        self.note(what)

    def note(self, what: str) -> None:
        """Tell what was chosen or changed in order to read the recording."""
        if not self.quiet:
            sentence = f"{self.path}: {what}"
            warnings.warn(AudioWarning(sentence, path=str(self.path)), stacklevel=2)


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


def check_length(
    report: Reporter, decoded_s: float, stated_s: float | None, tolerance_s: float
) -> None:
    """Report a file with fewer samples than its header states, and refuse one without samples.

    Raises:
        AudioError: the file is empty, or cut short and `report` is strict.
    """
    if decoded_s == 0:
        detail = f"{report.path}: an audio file without samples"
        raise AudioError("no samples", detail, "record again")
    if stated_s is not None and (missing_s := stated_s - decoded_s) > tolerance_s:
        report.damage(f"ends {worded_s(missing_s)} before its header says it does")


def worded_s(seconds: float) -> str:
    """Word a duration with two digits that tell something, such as 0.012 s or 95 s."""
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def to_waveform(
    samples: npt.NDArray[np.floating], from_rate: int, to_rate: int, where: str
) -> Waveform:
    """Check mono samples, raise very quiet ones to an ordinary level, and resample them.

    Args:
        samples: (N,), in -1..1.
        from_rate: of the samples, Hz.
        to_rate: of the waveform, Hz.
        where: the samples' name in errors.

    Raises:
        AudioError: as `check_samples`.
    """
    waveform = raise_quiet(check_samples(samples, where))
    return waveform if from_rate == to_rate else soxr.resample(waveform, from_rate, to_rate)


def quiet_gain(peak: float) -> float:
    """Give the factor for a recording whose loudest sample is `peak`: 1 unless it is very quiet."""
    return _ORDINARY / peak if 0 < peak < QUIET else 1.0


def raise_quiet(waveform: Waveform) -> Waveform:
    """Raise a whole waveform (N,) that is very quiet to an ordinary level."""
    gain = quiet_gain(float(np.abs(waveform).max(initial=0.0)))
    return waveform if gain == 1.0 else waveform * np.float32(gain)


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
