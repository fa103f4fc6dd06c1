"""Audio files -> mono float32 waveforms at the model's sample rate, in blocks.

`opening` opens a file with libsndfile (`reader`) or, where that reads less of it, with PyAV
(`media`), as a `recording` that streams what its `selection` chooses; `read_audio` reads it whole.
`seekable` opens files for a training. `libsndfile` is what both have in common; `mp3`, `ogg`,
`riff` and `sections` find what it overlooks in such files, `mixing` makes one channel of several,
and `suffixes` names audio files. `samples` has the checks of samples, the errors, and the level in
dB. Public: the names below.
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
