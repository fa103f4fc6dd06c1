"""Synthetic acoustics for a clean recording: reverberation of a room, and colored noise.

Shapes: N samples.
"""

import numpy as np
from numpy.typing import NDArray


def reverberate(
    waveform: NDArray[np.floating],
    sample_rate: int,
    *,
    decay_s: float,
    direct_to_reverberant_db: float,
    generator: np.random.Generator,
) -> NDArray[np.floating]:
    """Convolve `waveform` (N,) with a room's impulse response, and give the first N samples.

    The impulse response is a unit impulse, the direct sound, followed by white noise that falls by
    60 dB in `decay_s` seconds (Polack's model). `direct_to_reverberant_db` is the ratio of the
    energy of the impulse to the energy of the noise.
    """
    length = int(decay_s * sample_rate)
    time_s = np.arange(length) / sample_rate
    tail = generator.standard_normal(length) * 10 ** (-3 * time_s / decay_s)
    tail *= 10 ** (-direct_to_reverberant_db / 20) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], tail])
    size = 1 << (len(waveform) + len(response) - 2).bit_length()
    convolved = np.fft.irfft(np.fft.rfft(waveform, size) * np.fft.rfft(response, size), size)
    return convolved[: len(waveform)]


def add_noise(
    waveform: NDArray[np.floating],
    *,
    snr_db: float,
    slope: float,
    generator: np.random.Generator,
) -> NDArray[np.floating]:
    """Add noise to `waveform` (N,) at a signal-to-noise ratio of `snr_db`, of mean powers.

    The noise's power falls with frequency as 1 / f ** `slope`: 0 is white, 1 is pink.
    """
    count = len(waveform)
    size = 1 << (count - 1).bit_length()
    spectrum = np.fft.rfft(generator.standard_normal(size))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-slope / 2)
    spectrum[0] = 0.0
    noise = np.fft.irfft(spectrum, size)[:count]
    target_power = np.mean(waveform**2) * 10 ** (-snr_db / 10)
    power = np.mean(noise**2) or 1.0  # noise of one sample is 0 without its mean
    return waveform + noise * np.sqrt(target_power / power)
