"""Any recording as a stream of mono blocks at the model's sample rate, in constant memory.

Shapes: N samples, C channels.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from asr.audio.libsndfile import decode_blocks, open_audio
from asr.audio.samples import AudioError, UnknownFormatError, Waveform, check_samples
from asr.util.errors import UserError

#: Ways to choose among a recording's channels.
CHANNELS = ("mix", "left", "right", "each")
#: Names of the two channels of a stereo recording.
_SIDES = ("left", "right")
#: Samples in a block, all channels together: 4 MB.
BLOCK_SAMPLES = 1 << 20
#: Suffixes of audio files that need PyAV.
MEDIA_SUFFIXES = {
    ".3g2", ".3gp", ".aac", ".ac3", ".amr", ".ape", ".m4a", ".m4b", ".mka", ".mkv", ".mov",
    ".mp4", ".webm", ".wma", ".wv",
}  # fmt: skip
#: Suffixes of all audio files.
AUDIO_SUFFIXES = MEDIA_SUFFIXES | {
    ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".nist", ".oga", ".ogg", ".opus",
    ".snd", ".sph", ".w64", ".wav",
}  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """An opened audio file.

    Attributes:
        path: of the file.
        sample_rate: of the file, Hz.
        channels: C.
        duration_s: as the header states; None if it states none.
        blocks: given N, decodes from the start in float32 blocks of about (N, C).
    """

    path: Path
    sample_rate: int
    channels: int
    duration_s: float | None
    blocks: Callable[[int], Iterator[npt.NDArray[np.float32]]]

    def waveform(self, channel: int | None, sample_rate: int) -> Iterator[Waveform]:
        """Stream one channel, counted from 0, or with None the mean of all, resampled.

        Raises:
            AudioError: damaged, cut short, or with samples that are NaN, infinite or too large.
        """
        frames = max(1, BLOCK_SAMPLES // self.channels)
        resampler = None
        if sample_rate != self.sample_rate:
            resampler = soxr.ResampleStream(self.sample_rate, sample_rate, 1, dtype="float32")
        for block in self.blocks(frames):
            with np.errstate(invalid="ignore", over="ignore"):  # refused below
                mono = block.mean(axis=1) if channel is None else block[:, channel]
            waveform = check_samples(mono, str(self.path))
            yield resampler.resample_chunk(waveform) if resampler else waveform
        if resampler:
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)

    def select_channels(self, channel: str) -> list[tuple[str | None, int | None]]:
        """Resolve one of `CHANNELS` to the names and numbers of channels, for `waveform`.

        Raises:
            UserError: the right channel of a recording with one channel.
        """
        if channel == "mix" or (self.channels == 1 and channel in ("left", "each")):
            return [(None, None)]
        if channel == "each":
            several = self.channels > len(_SIDES)
            names = [str(i + 1) for i in range(self.channels)] if several else _SIDES
            return list(zip(names, range(self.channels), strict=True))
        if self.channels == 1:
            raise UserError(f"{self.path}: has one channel, not a right one", remedy="mix_channels")
        return [(channel, _SIDES.index(channel))]


@contextmanager
def open_recording(path: str | Path) -> Iterator[Recording]:
    """Open any audio file, with libsndfile or, if that cannot read it, with PyAV if installed.

    Raises:
        AudioError: no such file, not audio, no samples or cut short.
    """
    path = Path(path)
    with ExitStack() as stack:
        try:
            audio = stack.enter_context(open_audio(path))
        except UnknownFormatError as error:
            yield stack.enter_context(_open_with_pyav(path, error))
        else:
            duration_s = audio.frames / audio.samplerate

            def blocks(frames: int) -> Iterator[npt.NDArray[np.float32]]:
                return decode_blocks(audio, path, frames)

            yield Recording(path, audio.samplerate, audio.channels, duration_s, blocks)


@contextmanager
def _open_with_pyav(path: Path, error: UnknownFormatError) -> Iterator[Recording]:
    if find_spec("av") is None:
        if path.suffix.lower() not in MEDIA_SUFFIXES:
            raise error
        detail = f"{path}: {path.suffix} files are read by PyAV, which is not installed"
        raise AudioError("unreadable audio", detail, "pip install av, or convert it")
    from asr.audio.media import open_media

    with open_media(path) as media:
        yield Recording(path, media.sample_rate, media.channels, media.duration_s, media.blocks)


def read_audio(path: str | Path, sample_rate: int) -> Waveform:
    """Read a whole file, its channels mixed: (N,) float32, in -1..1 for the integer formats.

    Raises:
        AudioError: as `open_recording` and `Recording.waveform`.
    """
    with open_recording(path) as recording:
        return np.concatenate([*recording.waveform(None, sample_rate)])
