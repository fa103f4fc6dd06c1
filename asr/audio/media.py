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

#: FFmpeg's names of the containers that may be opened: no playlists, which name other files, and
#: no format that libsndfile reads and refuses only if the file is damaged.
_CONTAINERS = (
    "aac,ac3,amr,ape,asf,avi,dsf,dts,dtshd,eac3,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpeg,mpegts,ogg,tta,wav,wv"
)
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
_TAGS = (b"ID3", b"APETAGEX")
#: A longer gap between time stamps is a pause that was not recorded; a shorter one is rounding.
_GAP_S = 0.04
#: All gaps together may be so long, plus so many times the audio; damaged time stamps claim more.
_PAUSES_S, _PAUSES_TIMES = 3600.0, 100


class MediaFile:
    """An opened file with a stream of audio.

    Attributes:
        path: of the file.
        sample_rate: Hz.
        channels: C.
        duration_s: as the header states; None if it states none.

    Raises:
        AudioError: the file has no audio stream, or one that nothing decodes.
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
        """Read the length that the header states, in the two containers whose headers are exact."""
        if self._container.format.name.startswith("mov") and self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        alone = len(self._container.streams) == 1 and self._container.duration
        if self._container.format.name.startswith("matroska") and alone:
            return float(self._container.duration / av.time_base)
        return None

    def blocks(self, frames: int) -> Iterator[Block]:
        """Decode from the start, in blocks (N, C) of about `frames` samples, -1..1.

        Browsers and telephones leave out pauses. Such a gap in the time stamps becomes silence, so
        that times are those of the recording's clock.

        Raises:
            AudioError: damaged, cut short, or changing its sample rate or channels.
        """
        ready: list[Block] = []
        waiting = total = 0
        for samples in self._decode_with_gaps():
            ready.append(samples)
            waiting += len(samples)
            total += len(samples)
            if waiting >= frames:
                yield np.concatenate(ready)
                ready, waiting = [], 0
        if ready:
            yield np.concatenate(ready)
        check_length(self.path, total / self.sample_rate, self.duration_s)

    def _decode_with_gaps(self) -> Iterator[Block]:
        """Decode frame by frame, with silence for the gaps in the time stamps."""
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
        """Give so many zeros, a second at a time, since an hour of them would fill the memory."""
        for first in range(0, samples, self.sample_rate):
            yield np.zeros((min(self.sample_rate, samples - first), self.channels), np.float32)

    def _frames(self) -> Iterator[Any]:
        """Decode to float32 with interleaved channels, one array a frame.

        PyAV crashes at planar frames of eight channels.
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
    """Tell whether a packet is a tag between two joined MP3s, not audio."""
    return bytes(memoryview(packet)[:8]).startswith(_TAGS)


@contextmanager
def open_media(path: Path) -> Iterator[MediaFile]:
    """Open a file of any container and codec that FFmpeg decodes.

    Raises:
        AudioError: FFmpeg cannot open the file, or it has no audio.
    """
    try:
        # FFmpeg would take the start of a relative path such as 12:30.m4a for a protocol.
        container = av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        detail = f"{path}: not audio that can be read ({reason})"
        raise AudioError("unreadable audio", detail, "convert it to wav or flac") from error
    with container:
        yield MediaFile(path, container)
