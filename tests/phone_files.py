"""Recordings as telephones and browsers write them: two tones in a container of theirs."""

from pathlib import Path

import av
import numpy as np

RATE = 48000


def tones(rate: int = RATE, seconds: float = 2.0, channels: int = 2) -> np.ndarray:
    """Each channel a tone of its own, louder in its second half: (N, C)."""
    time_s = np.arange(round(rate * seconds)) / rate
    hz = 300 * (1 + np.arange(channels))
    loudness = np.where(time_s < seconds / 2, 0.1, 0.4)
    return (loudness[:, None] * np.sin(2 * np.pi * hz * time_s[:, None])).astype(np.float32)


def encode(path: Path, codec: str, samples: np.ndarray, gap_s: float = 0.0) -> Path:
    """Write (N, 2) samples through PyAV; with a gap, time stamps jump after one second."""
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
