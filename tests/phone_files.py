"""Recordings of two tones in the containers and codecs of telephones and browsers."""

from pathlib import Path

import av
import numpy as np

RATE = 48000


def tones(rate: int = RATE, seconds: float = 2.0, channels: int = 2) -> np.ndarray:
    """Samples (N, C): a tone of its own frequency in each channel, louder in the second half."""
    time_s = np.arange(round(rate * seconds)) / rate
    hz = 300 * (1 + np.arange(channels))
    loudness = np.where(time_s < seconds / 2, 0.1, 0.4)
    return (loudness[:, None] * np.sin(2 * np.pi * hz * time_s[:, None])).astype(np.float32)


def encode(path: Path, codec: str, samples: np.ndarray, gap_s: float = 0.0) -> Path:
    """Write samples (N, 2) by PyAV; with a gap, time stamps jump by `gap_s` after one second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="stereo")
        to_codec = av.AudioResampler(stream.format, "stereo", RATE, stream.frame_size or 960)
        for start in range(0, len(samples), RATE):
            part = np.ascontiguousarray(samples[start : start + RATE].T)
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
            frame.sample_rate = RATE
            frame.pts = start + (round(gap_s * RATE) if start else 0)
            for ready in to_codec.resample(frame):
                container.mux(stream.encode(ready))
        for ready in to_codec.resample(None):
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path
