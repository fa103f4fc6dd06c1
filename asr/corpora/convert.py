"""Recordings that libsndfile cannot read, once as flac: training enters them at any point."""

import hashlib
from pathlib import Path

import soundfile

from asr.audio.recording import open_recording
from asr.util.files import write_atomically

#: The folder of such copies, below the manifests.
CONVERTED = "converted"


def to_flac(path: Path, folder: Path) -> Path:
    """Convert a recording to 16-bit flac of its own rate or the nearest, its channels mixed.

    The file's name in `folder` stands for this content of `path`: what was converted before is not
    converted again.

    Raises:
        AudioError: nothing here reads it.
        UserError: `folder` cannot be written to.
    """
    with open_recording(path) as recording:  # first: a fault is a fault, converted or not
        state = path.stat()
        version = f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"
        name = f"{path.stem[:40]}-{hashlib.sha256(version.encode()).hexdigest()[:16]}.flac"
        if (folder / name).is_file():
            return folder / name
        rate = _flac_rate(recording.sample_rate)
        with (
            write_atomically(folder / name) as file,
            soundfile.SoundFile(file, "w", rate, 1, "PCM_16", format="FLAC") as flac,
        ):
            for waveform in recording.waveform(None, rate):
                flac.write(waveform)
    return folder / name


def _flac_rate(sample_rate: int) -> int:
    """Give the nearest rate that flac has, in Hz: a number of two bytes, or ten times one."""
    return sample_rate if sample_rate < 1 << 16 else min(sample_rate // 10, (1 << 16) - 1) * 10
