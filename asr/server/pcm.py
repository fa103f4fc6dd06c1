"""Samples of 16 bits, as the protocols of live audio send them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform, to_waveform
from asr.server.transcription import Source, too_long
from asr.util.errors import UserError

#: Bytes of a sample.
WIDTH = 2
_SCALE = np.float32(1 / 32768)


def read_pcm(data: bytes, channels: int = 1) -> NDArray[np.float32]:
    """Read samples: the mean of the channels (N,), in -1..1.

    Raises:
        UserError: half a sample.
    """
    if len(data) % (WIDTH * channels):
        raise UserError(f"expected {channels} samples of 16 bits each, found {len(data)} bytes")
    samples = np.frombuffer(data, "<i2").astype(np.float32) * _SCALE
    return samples if channels == 1 else samples.reshape(-1, channels).mean(1)


def pcm_source(data: bytes, rate: int, channels: int) -> Source:
    """Give the source of a recording that is in memory."""

    @contextmanager
    def opened(sample_rate: int, most_s: float) -> Iterator[Iterable[Waveform]]:
        samples = read_pcm(data, channels)
        if len(samples) > most_s * rate:
            raise too_long(most_s)
        yield [to_waveform(samples, rate, sample_rate, "samples")]

    return opened
