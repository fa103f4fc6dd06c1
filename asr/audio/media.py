"""Audio that libsndfile cannot read (m4a, mp4, webm, amr, wma, ...), through PyAV, an extra.

Shapes: N samples, C channels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from asr.audio.samples import AudioError, check_header, check_length

Block = npt.NDArray[np.float32]

#: FFmpeg's names of what may be opened: no playlists that name other files, and none of what
#: libsndfile refuses only where it is damaged.
_CONTAINERS = (
    "aac,ac3,amr,ape,asf,avi,dsf,dts,dtshd,eac3,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpeg,mpegts,ogg,tta,wav,wv"
)
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
_TAGS = (b"ID3", b"APETAGEX")
#: A step in the time stamps that is a pause which was not recorded, not their rounding.
_GAP_S = 0.04
#: What pauses may come to in all, and how many times the sound beside that: more of them, or
#: longer ones, are claimed by damaged time stamps.
_PAUSES_S, _PAUSES_TIMES = 3600.0, 100


class MediaFile:
    """An opened file with a stream of audio.

    Attributes:
        path: of the file.
        sample_rate: Hz.
        channels: C.
        duration_s: as the header states it; None where it does not.

    Raises:
        AudioError: no stream of audio, or one that nothing decodes.
    """

    def __init__(self, path: Path, container: Any) -> None:
        if not container.streams.audio:
            raise AudioError(
                "no samples", f"{path}: a file without an audio stream", "give another file"
            )
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            detail = f"{path}: audio of a kind that nothing here decodes"
            raise AudioError("unreadable audio", detail, "convert it to wav or flac")
        self.path, self._container, self._stream = path, container, stream
        self.sample_rate, self.channels = int(stream.rate or 0), int(stream.channels or 0)
        check_header(path, self.sample_rate, self.channels)
        self.duration_s = self._stated_s()

    def _stated_s(self) -> float | None:
        """Read the length of the audio, from the two containers that know it exactly."""
        if self._container.format.name.startswith("mov") and self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        alone = len(self._container.streams) == 1 and self._container.duration
        if self._container.format.name.startswith("matroska") and alone:
            return float(self._container.duration / av.time_base)
        return None

    def blocks(self, frames: int) -> Iterator[Block]:
        """Decode from the start, in blocks (N, C) of about `frames` samples, -1..1.

        A pause that was not recorded, as browsers and telephones leave out, becomes silence,
        so that times stay those of the recording's own clock.

        Raises:
            AudioError: damaged, ends early, or changes its form in the middle.
        """
        ready: list[Block] = []
        held = total = 0
        for piece in self._pieces():
            ready.append(piece)
            held += len(piece)
            total += len(piece)
            if held >= frames:
                yield np.concatenate(ready)
                ready, held = [], 0
        if ready:
            yield np.concatenate(ready)
        check_length(self.path, total / self.sample_rate, self.duration_s)

    def _pieces(self) -> Iterator[Block]:
        """Decode packet by packet, with silence where the time stamps jump ahead."""
        start_s = (self._container.start_time or 0) / av.time_base
        sound = pauses = 0  # samples
        for frame in self._frames():
            if frame.time is not None:
                gap_s = frame.time - start_s - (sound + pauses) / self.sample_rate
                if gap_s > _GAP_S:
                    missing = round(gap_s * self.sample_rate)
                    pauses += missing
                    if pauses > _PAUSES_S * self.sample_rate + _PAUSES_TIMES * sound:
                        raise self._damaged("its time stamps jump")
                    yield from self._silence(missing)
            samples = frame.to_ndarray().reshape(-1, self.channels)
            sound += len(samples)
            yield samples

    def _silence(self, samples: int) -> Iterator[Block]:
        """Give so many samples a second at a time: an hour at once would fill the memory."""
        for first in range(0, samples, self.sample_rate):
            yield np.zeros((min(self.sample_rate, samples - first), self.channels), np.float32)

    def _frames(self) -> Iterator[Any]:
        """Decode to float32, the channels side by side.

        That is one array a frame. PyAV crashes on frames of an array a channel, where they are
        eight.
        """
        to_float = av.AudioResampler(format="flt")
        packets = (one for one in self._container.demux(self._stream) if not _is_tag(one))
        try:
            for frame in chain.from_iterable(packet.decode() for packet in packets):
                if (frame.sample_rate, len(frame.layout.channels)) != (
                    self.sample_rate,
                    self.channels,
                ):
                    raise self._damaged("its sample rate or channels change in the middle")
                yield from to_float.resample(frame)
        except av.FFmpegError as error:
            raise self._damaged(error.strerror or "cannot be decoded") from error

    def _damaged(self, reason: str) -> AudioError:
        detail = f"{self.path}: damaged audio ({reason})"
        return AudioError("unreadable audio", detail, "copy or convert it again")


def _is_tag(packet: Any) -> bool:
    """Tell whether a packet is a tag between two MP3s that were joined, and no sound."""
    return bytes(memoryview(packet)[:8]).startswith(_TAGS)


@contextmanager
def open_media(path: Path) -> Iterator[MediaFile]:
    """Open a file of any container and codec that FFmpeg decodes.

    Raises:
        AudioError: not such a file, or one without audio.
    """
    try:
        # FFmpeg takes what stands before a colon, as in 12:30.m4a, for a protocol.
        container = av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        detail = f"{path}: not audio that can be read ({reason})"
        raise AudioError("unreadable audio", detail, "convert it to wav or flac") from error
    with container:
        yield MediaFile(path, container)
