"""Good and damaged recordings, made from a seed."""

import io
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
from mutations import mutated_bytes

RATES = (8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000)
WAV_SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
#: A container as FFmpeg calls it, a codec, a rate that the codec takes, and the usual ending.
MEDIA = (
    ("ipod", "aac", 44100, "m4a"), ("ipod", "alac", 22050, "m4a"), ("mp4", "aac", 48000, "mp4"),
    ("webm", "libopus", 48000, "webm"), ("matroska", "flac", 16000, "mka"),
    ("amr", "libopencore_amrnb", 8000, "amr"),
    ("ac3", "ac3", 32000, "ac3"), ("wv", "wavpack", 8000, "wv"), ("tta", "tta", 11025, "tta"),
    ("adts", "aac", 16000, "aac"),
)  # fmt: skip
#: Frames alone: FFmpeg needs many of them, or the ending, to tell what they are.
HEADERLESS = ("aac", "ac3")
#: Names that a shell, a library, a terminal or a list of lines could take for more than a name.
NAMES = (
    "a b.wav", "a\nb.wav", "a\tb.wav", "\x1b[2Ja.wav", "\x9b1ma.wav", "ä\u202e.wav", "12:30.wav",
    "pipe:touch canary;true .wav", "touch canary |.wav", "$(touch canary).wav", "%s.wav", "-a.wav",
    "x" * 250 + ".wav",
)  # fmt: skip
WRONG_ENDINGS = ("wav", "flac", "mp3", "ogg", "m4a", "raw", "txt", "webm", "amr")


@dataclass(frozen=True)
class Made:
    """A file, and whether it must be transcribed, must be refused, or may be either (None)."""

    path: Path
    good: bool | None


def waveform(rng: np.random.Generator, rate: int, channels: int) -> np.ndarray:
    """About a second of noise, silence, a constant or clipped noise."""
    count = int(rate * rng.uniform(0.02, 1.5))
    noise = 0.1 * rng.standard_normal((count, channels)) * rng.uniform(0, 1, (1, channels))
    kind = rng.integers(6)
    if kind == 0:
        return np.zeros_like(noise)
    if kind == 1:
        return np.full_like(noise, rng.uniform(-1, 1))
    if kind == 2:
        return np.clip(50 * noise, -1, 1)
    return np.clip(noise, -1, 1)


def encode(rng: np.random.Generator, samples: np.ndarray, rate: int) -> tuple[bytes, str]:
    """Write samples in a container and sample format that can hold them."""
    kinds = [("WAV", subtype) for subtype in WAV_SUBTYPES] + [
        ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("AIFF", "PCM_16"), ("AU", "PCM_32"),
        ("W64", "DOUBLE"), ("CAF", "FLOAT"),
    ]  # fmt: skip
    if rng.integers(4) == 0:
        return encoded_media(rng, samples)
    if rate <= 48000 and samples.shape[1] <= 2:
        kinds += [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]
    container, subtype = kinds[rng.integers(len(kinds))]
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue(), container.lower()


def encoded_media(rng: np.random.Generator, samples: np.ndarray) -> tuple[bytes, str]:
    """Write the first channel through PyAV, whatever its rate was."""
    container, codec, rate, ending = MEDIA[rng.integers(len(MEDIA))]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 960)
        mono = np.ascontiguousarray(samples[None, :, 0], np.float32)
        frame = av.AudioFrame.from_ndarray(mono, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(ready))
        output.mux(stream.encode(None))
    return file.getvalue(), ending


def write(folder: Path, count: int, seed: int = 0) -> list[Made]:
    """Write files: a third good, most of the others damaged, some with odd samples or endings."""
    rng = np.random.default_rng(seed)
    return [write_one(folder, number, rng) for number in range(count)]


def write_one(folder: Path, number: int, rng: np.random.Generator) -> Made:
    """Write a file of a kind that `number` chooses."""
    rate = int(rng.choice(RATES))
    samples = waveform(rng, rate, int(rng.integers(1, 9)))
    kind = number % 6
    if kind == 0:
        return _write_odd(folder, number, rng, samples, rate)
    data, container = encode(rng, samples, rate)
    if kind in (1, 2):
        return _put(folder / f"{number:03d}.{container}", data, True)
    if kind == 3:  # a wrong suffix; a .raw file may hold anything
        ending = WRONG_ENDINGS[rng.integers(len(WRONG_ENDINGS))]
        told = ending != "raw" and container not in HEADERLESS
        return _put(folder / f"{number:03d}.{ending}", data, True if told else None)
    return _put(folder / f"{number:03d}.{container}", mutated_bytes(rng, data), None)


def _write_odd(
    folder: Path, number: int, rng: np.random.Generator, samples: np.ndarray, rate: int
) -> Made:
    """Write no sample, one sample, or samples that are NaN, infinite or absurdly large."""
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
