"""Audio that libsndfile cannot read (m4a, mp4, webm, amr, wma, ...), through PyAV, an extra.

Shapes: N samples, C channels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from asr.audio.foreign import name_foreign
from asr.audio.mixing import fit_channels
from asr.audio.mp3 import skip_tag
from asr.audio.samples import AudioError, Reporter, SelectionError, check_header, check_length

Block = npt.NDArray[np.float32]

#: FFmpeg's names of the containers that may be opened: no playlists, which name other files.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,dv,eac3,flac,flv,ircam,loas,matroska,webm,"
    "mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,ogg,rm,shn,tak,truehd,tta,"
    "voc,w64,wav,wv"
)
_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
_TAGS = (b"ID3", b"APETAGEX")
#: A longer gap between time stamps is a pause that was not recorded; a shorter one is rounding.
_GAP_S = 0.04
#: All gaps together may be so long, plus so many times the audio; damaged time stamps claim more.
_PAUSES_S, _PAUSES_TIMES = 3600.0, 100
#: How much an intact file may lack of what its header states, for the filling of coders.
_TOLERANCE_S = 0.25
#: Containers that state the length of a stream; others are estimated, or state it in samples that
#: a coder fills.
_EXACT = ("mov", "caf", "nistsphere", "flac", "tta", "wv", "ape", "tak")
#: What may follow the frames of a stream without container: a tag, or less than a frame.
_LARGEST_TAIL_BYTES = 512
#: A track whose samples are all below this is silent.
_SILENT = 1e-4


class MediaFile:
    """An opened file with a stream of audio.

    Attributes:
        sample_rate: Hz.
        channels: C.
        duration_s: as the header states; None if it states none.

    Args:
        report: told what the file lacks; its path is the file's name in errors.
        container: as PyAV opens it.
        track: of the file's streams of audio, from 0.

    Raises:
        AudioError: nothing decodes the track, or its header is damaged.
    """

    def __init__(self, report: Reporter, container: Any, track: int) -> None:
        stream = container.streams.audio[track]
        if stream.codec_context is None:
            detail = f"{report.path}: audio of a kind that nothing here decodes"
            raise AudioError("unreadable audio", detail, "convert it to wav or flac")
        self._report, self._container, self._stream = report, container, stream
        self.sample_rate, self.channels = int(stream.rate or 0), int(stream.channels or 0)
        check_header(report.path, self.sample_rate, self.channels)
        self.duration_s = self._stated_s()

    def _stated_s(self) -> float | None:
        """Read the length that the header states, in containers whose headers are exact."""
        if self._container.format.name.startswith(_EXACT) and self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        alone = len(self._container.streams) == 1 and self._container.duration
        if self._container.format.name.startswith("matroska") and alone:
            return float(self._container.duration / av.time_base)
        return None

    def blocks(self, frames: int) -> Iterator[Block]:
        """Decode from the start, in blocks (N, C) of about `frames` samples, -1..1.

        Browsers and telephones leave out pauses. Such a gap in the time stamps becomes silence, so
        that times are those of the recording's clock.

        What cannot be decoded is left out, and is silence where the time stamps go on after it. A
        change of the sample rate or the channels is resampled.

        Raises:
            AudioError: no samples; or damaged or cut short, and the report is strict.
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
        check_length(self._report, total / self.sample_rate, self.duration_s, _TOLERANCE_S)

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
            samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
            samples = fit_channels(samples, self.channels)
            sound += len(samples)
            yield samples

    def _silence(self, samples: int) -> Iterator[Block]:
        """Give so many zeros, a second at a time, since an hour of them would fill the memory."""
        for first in range(0, samples, self.sample_rate):
            yield np.zeros((min(self.sample_rate, samples - first), self.channels), np.float32)

    def _frames(self) -> Iterator[Any]:
        """Decode to float32 with interleaved channels, at the track's sample rate.

        PyAV crashes at planar frames of eight channels.
        """
        resampler = entering = None
        for frame in self._decoded():
            found = frame.format.name, frame.sample_rate, frame.layout.name
            if found != entering:
                if resampler is not None:
                    yield from resampler.resample(None)
                resampler = av.AudioResampler("flt", frame.layout, self.sample_rate)
                entering = found
            assert resampler is not None
            yield from resampler.resample(frame)
        if resampler is not None:
            yield from resampler.resample(None)

    def _decoded(self) -> Iterator[Any]:
        """Decode packet by packet, and leave out the packets that cannot be decoded."""
        damaged, reason, sound = 0, "", False
        for packet in self._packets():
            try:
                for frame in packet.decode():
                    sound = True
                    yield frame
            except av.FFmpegError as error:
                damaged, reason = damaged + 1, error.strerror or "cannot be decoded"
                if self._report.strict:
                    raise self._damaged(reason) from error
        if damaged and not sound:
            raise self._damaged(reason)
        if damaged:
            where = "one place, which is" if damaged == 1 else f"{damaged} places, which are"
            self._report.damage(f"is damaged in {where} left out ({reason})")

    def _packets(self) -> Iterator[Any]:
        """Read packets up to the end, or to what is no packet."""
        packets = self._container.demux(self._stream)
        size = 0
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._report.damage(f"cannot be read to its end ({error.strerror})")
                return
            if packet is None:
                self._check_bytes(size)
                return
            size += packet.size
            if not _is_tag(packet):
                yield packet

    def _check_bytes(self, size: int) -> None:
        """Report what of a stream without container was skipped, since it is no frame."""
        if self._container.format.name != "aac":
            return
        with Path(self._container.name).open("rb") as file:
            tag = skip_tag(file.read(10))
        skipped = Path(self._container.name).stat().st_size - tag - size
        if skipped > _LARGEST_TAIL_BYTES:
            self._report.damage(f"has {skipped} bytes that are damaged, which are left out")

    def _damaged(self, reason: str) -> AudioError:
        detail = f"{self._report.path}: damaged audio ({reason})"
        return AudioError("unreadable audio", detail, "copy or convert it again")


def _is_tag(packet: Any) -> bool:
    """Tell whether a packet is a tag between two joined MP3s, not audio."""
    return bytes(memoryview(packet)[:8]).startswith(_TAGS)


@contextmanager
def open_media(path: Path, report: Reporter, track: int | None = None) -> Iterator[MediaFile]:
    """Open a file of any container and codec that FFmpeg decodes.

    Args:
        path: of the file.
        report: told what it lacks, and which of several tracks is read.
        track: of its tracks, from 1. Where none is named, the one flagged as the default, or the
            first; but one with sound rather than a silent one.

    Raises:
        AudioError: FFmpeg cannot open the file, or it has no audio.
        SelectionError: it has fewer tracks.
    """
    with _open_container(path) as container:
        count = len(container.streams.audio)
        if not count:
            detail = f"{path}: a file without an audio stream"
            raise AudioError("no samples", detail, "give another file")
        if track is not None and track > count:
            has = "one audio track" if count == 1 else f"{count} audio tracks"
            raise SelectionError(f"{path}: has {has}, and no track {track}; name another")
        chosen = _choose_track(path, container) if track is None else track - 1
        if count > 1 and track is None:
            report.note(f"has {count} audio tracks, of which track {chosen + 1} is read")
        yield MediaFile(report, container, chosen)


def _open_container(path: Path) -> Any:
    try:
        # FFmpeg would take the start of a relative path such as 12:30.m4a for a protocol.
        return av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        reason, advice = name_foreign(path, getattr(error, "strerror", None) or str(error))
        detail = f"{path}: not audio that can be read ({reason})"
        raise AudioError("unreadable audio", detail, advice) from error


def _choose_track(path: Path, container: Any) -> int:
    """Choose among the tracks of a file, from 0."""
    tracks = container.streams.audio
    flag = av.stream.Disposition.default
    order = sorted(range(len(tracks)), key=lambda track: not tracks[track].disposition & flag)
    if len(order) == 1:
        return 0
    return next((track for track in order if _has_sound(path, track)), order[0])


def _has_sound(path: Path, track: int) -> bool:
    """Decode a track up to its first sound."""
    with _open_container(path) as container:
        try:
            media = MediaFile(Reporter(path, quiet=True), container, track)
            return any(np.abs(block).max() > _SILENT for block in media.blocks(media.sample_rate))
        except AudioError:
            return False
