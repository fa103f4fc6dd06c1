"""Any recording -> mono float32 at the model's rate, in blocks.

`recording` opens a file with `libsndfile` or, where that cannot read it, through PyAV (`media`);
`samples` is what both give and what they refuse.
"""

from asr.audio.samples import (
    SAMPLE_RATES,
    AudioError,
    UnknownFormatError,
    Waveform,
    check_samples,
    level_db,
    to_waveform,
)

__all__ = [
    "SAMPLE_RATES",
    "AudioError",
    "UnknownFormatError",
    "Waveform",
    "check_samples",
    "level_db",
    "to_waveform",
]
