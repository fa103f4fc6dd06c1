"""Convert recordings that libsndfile cannot read to flac, in which training can seek."""

import hashlib
from pathlib import Path

import soundfile

from asr.audio.recording import Selection, open_recording
from asr.util.files import write_atomically

#: The folder of converted recordings, within the output folder.
CONVERTED = "converted"


def to_flac(path: Path, folder: Path) -> Path:
    """Convert a recording to 16-bit flac of its own or the nearest rate, its channels mixed.

    The flac's name in `folder` depends on the path, size and time of `path`, so that a recording is
    converted once.

    Raises:
        AudioError: no library here reads the recording, or it is damaged or cut short.
        UserError: `folder` cannot be written to.
    """
    with open_recording(
        path, Selection(strict=True)
    ) as recording:  # first, so that its errors are raised each time
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
    """Give the nearest rate that flac can have: up to 65535 Hz, or ten times such a number."""
    return sample_rate if sample_rate < 1 << 16 else min(sample_rate // 10, (1 << 16) - 1) * 10
