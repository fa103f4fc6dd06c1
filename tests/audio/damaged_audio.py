"""Recordings, good and damaged, made from a seed."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

RATES = (8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000)
WAV_SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
WRONG_ENDINGS = ("wav", "flac", "mp3", "ogg", "m4a", "raw", "txt", "webm", "amr")


@dataclass(frozen=True)
class Made:
    """A file, and whether it must be transcribed, must be refused, or may be either (None)."""

    path: Path
    good: bool | None


def waveform(rng: np.random.Generator, rate: int, channels: int) -> np.ndarray:
    """A second or so of what a recorder may have heard, silence and overload among it."""
    count = int(rate * rng.uniform(0.02, 1.5))
    heard = 0.1 * rng.standard_normal((count, channels)) * rng.uniform(0, 1, (1, channels))
    kind = rng.integers(6)
    if kind == 0:
        return np.zeros_like(heard)
    if kind == 1:
        return np.full_like(heard, rng.uniform(-1, 1))
    if kind == 2:
        return np.clip(50 * heard, -1, 1)
    return np.clip(heard, -1, 1)


def encoded(rng: np.random.Generator, samples: np.ndarray, rate: int) -> tuple[bytes, str]:
    """Write samples in a container and sample format that can hold them."""
    kinds = [("WAV", subtype) for subtype in WAV_SUBTYPES] + [
        ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("AIFF", "PCM_16"), ("AU", "PCM_32"),
        ("W64", "DOUBLE"), ("CAF", "FLOAT"),
    ]  # fmt: skip
    if rate <= 48000 and samples.shape[1] <= 2:
        kinds += [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]
    container, subtype = kinds[rng.integers(len(kinds))]
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue(), container.lower()


def cut(rng: np.random.Generator, data: bytes) -> bytes:
    return data[: rng.integers(len(data))]


def flip_bits(rng: np.random.Generator, data: bytes) -> bytes:
    spoilt = np.frombuffer(data, np.uint8).copy()
    for place in rng.integers(len(spoilt), size=10 ** rng.integers(0, 4)):
        spoilt[place] ^= 1 << rng.integers(8)
    return spoilt.tobytes()


def spoil_header(rng: np.random.Generator, data: bytes) -> bytes:
    spoilt = bytearray(data)
    for place in rng.integers(min(64, len(data)), size=rng.integers(1, 9)):
        spoilt[place] = rng.integers(256)
    return bytes(spoilt)


def insert_rubbish(rng: np.random.Generator, data: bytes) -> bytes:
    place = rng.integers(len(data))
    return data[:place] + rng.bytes(rng.integers(1, 5000)) + data[place:]


def rubbish(rng: np.random.Generator, data: bytes) -> bytes:
    return rng.bytes(rng.integers(0, 3000))


DAMAGES: tuple[Callable[[np.random.Generator, bytes], bytes], ...] = (
    cut, flip_bits, spoil_header, insert_rubbish, rubbish,
)  # fmt: skip


def write(folder: Path, count: int, seed: int = 0) -> list[Made]:
    """Write files: a third good, most of the others damaged, some with odd samples or names."""
    rng = np.random.default_rng(seed)
    return [_write_one(folder, number, rng) for number in range(count)]


def _write_one(folder: Path, number: int, rng: np.random.Generator) -> Made:
    rate = int(rng.choice(RATES))
    samples = waveform(rng, rate, int(rng.integers(1, 9)))
    kind = number % 6
    if kind == 0:
        return _write_odd(folder, number, rng, samples, rate)
    data, container = encoded(rng, samples, rate)
    if kind in (1, 2):
        return _put(folder / f"{number:03d}.{container}", data, True)
    if kind == 3:  # an ending that says nothing; a .raw or .txt may hold anything
        ending = WRONG_ENDINGS[rng.integers(len(WRONG_ENDINGS))]
        return _put(folder / f"{number:03d}.{ending}", data, None if ending == "raw" else True)
    damage = DAMAGES[rng.integers(len(DAMAGES))]
    return _put(folder / f"{number:03d}.{container}", damage(rng, data), None)


def _write_odd(
    folder: Path, number: int, rng: np.random.Generator, samples: np.ndarray, rate: int
) -> Made:
    """Write no sample, one, or samples that are no numbers or beyond every scale."""
    path = folder / f"{number:03d}.wav"
    odd = ("none", "one", "nan", "inf", "huge")[rng.integers(5)]
    if odd in ("none", "one"):
        samples = samples[: int(odd == "one")]
    else:
        place = rng.integers(samples.size, size=3)
        samples.reshape(-1)[place] = {"nan": np.nan, "inf": np.inf, "huge": 1e30}[odd]
    soundfile.write(path, samples, rate, subtype="DOUBLE")
    return Made(path, odd == "one")


def _put(path: Path, data: bytes, good: bool | None) -> Made:
    path.write_bytes(data)
    return Made(path, good)
