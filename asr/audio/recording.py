"""Any recording as a stream of mono blocks at the model's sample rate, in constant memory.

Shapes: N samples, C channels.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from asr.audio.libsndfile import DamagedError, Reader, open_reader, require_file
from asr.audio.mixing import CANCELLED, mix
from asr.audio.riff import find_late_start
from asr.audio.samples import (
    QUIET,
    AudioError,
    Reporter,
    SelectionError,
    UnknownFormatError,
    Waveform,
    check_samples,
    quiet_gain,
    worded_s,
)
from asr.audio.suffixes import AUDIO_SUFFIXES, MEDIA_SUFFIXES
from asr.util.errors import UserError

__all__ = [
    "AUDIO_SUFFIXES",
    "CHANNELS",
    "MEDIA_SUFFIXES",
    "Recording",
    "Selection",
    "open_channels",
    "open_recording",
    "read_audio",
]

#: Ways to choose among a recording's channels; a number from 1 is one too.
CHANNELS = ("mix", "left", "right", "each")
#: Names of the two channels of a stereo recording.
_SIDES = ("left", "right")
#: Samples in a block, all channels together: 4 MB.
BLOCK_SAMPLES = 1 << 20

#: What the libraries say of a file whose format they do not know.
_UNKNOWN_TO_LIBSNDFILE, _UNKNOWN_TO_PYAV = "Format not recognised", "Invalid data found"
#: A part so short that a coder may add or leave out.
_ROUNDING_S = 0.05

Block = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Selection:
    """Which part of a recording is read, and whether it has to be whole.

    Attributes:
        channel: one of `CHANNELS`, or the number of a channel, from 1.
        track: of the file's tracks of audio, from 1; None chooses one.
        start_s: seconds left out at the start.
        duration_s: seconds that are read; None reads up to the end.
        strict: whether a recording that is damaged or cut short is refused.
    """

    channel: str = "mix"
    track: int | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    strict: bool = False


@dataclass(frozen=True)
class Recording:
    """An opened audio file.

    Attributes:
        path: of the file.
        sample_rate: of the file, Hz.
        channels: C.
        duration_s: as the header states; None if it states none.
        blocks: given N, decodes from the start in float32 blocks of about (N, C).
        selection: what of it is read.
        report: told what is noticed about it.
    """

    path: Path
    sample_rate: int
    channels: int
    duration_s: float | None
    blocks: Callable[[int], Iterator[Block]]
    selection: Selection = Selection()
    report: Reporter = field(default_factory=lambda: Reporter("", quiet=True))

    def waveform(self, channel: int | None, sample_rate: int) -> Iterator[Waveform]:
        """Stream one channel, counted from 0, or with None the mean of all, resampled.

        A very quiet recording is raised to an ordinary level, and a warning tells so.

        Raises:
            AudioError: damaged, cut short, or with samples that are NaN, infinite or too large.
        """
        resampler = None
        if sample_rate != self.sample_rate:
            resampler = soxr.ResampleStream(self.sample_rate, sample_rate, 1, dtype="float32")
        for waveform in self._at_ordinary_level(channel):
            yield resampler.resample_chunk(waveform) if resampler else waveform
        if resampler:
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)

    def _at_ordinary_level(self, channel: int | None) -> Iterator[Waveform]:
        """Stream one channel at the rate of the file.

        An ordinary recording is soon loud enough. Of another, the loudest sample is looked for
        first, in a reading of its own.
        """
        blocks = self._mono(channel)
        first = next(blocks, None)
        if first is None:
            return
        if _peak(first) >= QUIET:
            yield from chain([first], blocks)
            return
        peak = self._whole_peak(channel)
        gain = quiet_gain(peak)
        for block in chain([first], blocks):
            yield block if gain == 1.0 else block * np.float32(gain)
        if peak == 0:
            self.report.note("is silent: all samples are zero")
        elif gain > 1:
            peak_db, gain_db = 20 * np.log10((peak, gain))
            self.report.note(
                f"is very quiet, at most {peak_db:.0f} dB of full scale; raised by {gain_db:.0f} dB"
            )

    def _whole_peak(self, channel: int | None) -> float:
        """Find the loudest sample, or one that is loud enough, in a reading of its own."""
        peak = 0.0
        quiet = replace(self.selection, strict=False)
        with (
            suppress(AudioError),
            _open(self.path, quiet, Reporter(self.path, quiet=True)) as again,
        ):
            for block in again._mono(channel):
                peak = max(peak, _peak(block))
                if peak >= QUIET:
                    break
        return peak

    def _mono(self, channel: int | None) -> Iterator[Waveform]:
        """Give one channel, or a mix of all, of the part that is selected."""
        cancelled = total = 0
        for block in self._selected(max(1, BLOCK_SAMPLES // self.channels)):
            with np.errstate(invalid="ignore", over="ignore"):  # refused below
                if channel is None:
                    mono, lost = mix(block, self.sample_rate)
                    cancelled += lost
                else:
                    mono = block[:, channel]
            total += len(mono)
            yield check_samples(mono, str(self.path))
        if cancelled:
            of = "" if cancelled == total else f" in {worded_s(cancelled / self.sample_rate)}"
            self.report.note(CANCELLED.format(of=of))

    def _selected(self, frames: int) -> Iterator[Block]:
        """Give the samples between the selected start and end.

        Raises:
            SelectionError: the recording ends before the selected start.
        """
        selection, rate = self.selection, self.sample_rate
        first = round(selection.start_s * rate)
        count = None if selection.duration_s is None else round(selection.duration_s * rate)
        if not first and count is None:
            yield from self.blocks(frames)
            return
        at = 0
        for block in self.blocks(frames):
            part = block[max(0, first - at) : None if count is None else max(0, first + count - at)]
            at += len(block)
            if len(part):
                yield part
            if count is not None and at >= first + count:
                break
        if at <= first:
            raise SelectionError(
                f"{self.path}: is {at / rate:.2f} s long, and has nothing from "
                f"{selection.start_s:g} s on",
                remedy="earlier_start",
            )

    def select_channels(self) -> list[tuple[str | None, int | None]]:
        """Resolve the selected channel to names and numbers of channels, for `waveform`.

        Raises:
            SelectionError: a channel that the recording has not.
        """
        names = (
            _SIDES if self.channels <= len(_SIDES) else [str(i + 1) for i in range(self.channels)]
        )
        if self.selection.channel == "each" and self.channels > 1:
            return list(zip(names, range(self.channels), strict=False))
        number = find_channel(self.path, self.selection.channel, self.channels)
        return [(None, None) if number is None else (names[number], number)]


def find_channel(path: str | Path, channel: str, channels: int) -> int | None:
    """Number a channel from 0 in a recording of some channels; None for the mean of all.

    Args:
        path: the recording, for the message.
        channel: one of `CHANNELS`, or a number from 1; each is that of a recording of one.
        channels: how many the recording has.

    Raises:
        SelectionError: the recording has not this channel.
    """
    if channel == "mix" or (channels == 1 and channel in ("left", "each", "1")):
        return None
    number = _SIDES.index(channel) if channel in _SIDES else int(channel) - 1
    if number < channels:
        return number
    if channel == "right":
        raise SelectionError(f"{path}: has one channel, not a right one", remedy="mix_channels")
    has = "one channel" if channels == 1 else f"{channels} channels"
    raise SelectionError(f"{path}: has {has}, not a channel {channel}", remedy="mix_channels")


def _peak(samples: Block) -> float:
    return float(np.abs(samples).max(initial=0.0))


@contextmanager
def open_recording(path: str | Path, selection: Selection | None = None) -> Iterator[Recording]:
    """Open any audio file, with libsndfile or, where that reads less of it, with PyAV if installed.

    What can be decoded is decoded. What is missing is an `AudioWarning`, or an error where
    `selection` is strict.

    Raises:
        AudioError: no such file, not audio or no samples.
        UserError: a track that the file has not.
    """
    selection = selection or Selection()
    with _open(Path(path), selection, Reporter(path, selection.strict)) as recording:
        yield recording


@contextmanager
def _open(path: Path, selection: Selection, report: Reporter) -> Iterator[Recording]:
    require_file(path)
    with ExitStack() as stack:
        yield _first_that_reads(path, selection, report, stack)


def _first_that_reads(
    path: Path, selection: Selection, report: Reporter, stack: ExitStack
) -> Recording:
    """Open a file with the library that reads most of it."""
    media = partial(_open_media, path, selection, report)
    if selection.track not in (None, 1):
        return stack.enter_context(media(None))
    try:
        reader = stack.enter_context(open_reader(path))
    except AudioError as error:
        return _without_libsndfile(path, selection, report, stack, error)
    if report.strict:
        reader.require_complete()
    if reader.damage is not None:
        report.damage(reader.damage)
    if (reader.doubt or reader.damage) is not None:
        try:
            return stack.enter_context(media(None))
        except AudioError:
            if reader.duration_s is None:  # libsndfile cannot read it either
                raise
            if reader.doubt is not None:
                report.damage(reader.doubt)
    return _of_reader(path, selection, report, reader)


def _without_libsndfile(
    path: Path, selection: Selection, report: Reporter, stack: ExitStack, error: AudioError
) -> Recording:
    """Open a file whose start libsndfile does not know: by PyAV, or the wav that begins later."""
    try:
        return stack.enter_context(_open_media(path, selection, report, error))
    except AudioError:
        if (start := find_late_start(path)) is None:
            raise
    report.damage(f"has {start} bytes before its wav begins, which are left out")
    return _of_reader(path, selection, report, stack.enter_context(open_reader(path, start)))


def _of_reader(path: Path, selection: Selection, report: Reporter, reader: Reader) -> Recording:
    def blocks(frames: int) -> Iterator[Block]:
        done = 0
        try:
            for block in reader.blocks(frames, report):
                done += len(block)
                yield block
        except DamagedError as error:
            yield from _rest(path, reader, report, done, error, frames)

    return Recording(
        path, reader.sample_rate, reader.channels, reader.duration_s, blocks, selection, report
    )


def _rest(
    path: Path, reader: Reader, report: Reporter, done: int, error: AudioError, frames: int
) -> Iterator[Block]:
    """Decode with PyAV what libsndfile cannot decode: the samples from number `done` on.

    Raises:
        AudioError: `error`, where nothing is decoded at all.
    """
    found = 0
    try:
        with _open_media(path, Selection(), Reporter(path, quiet=True), error) as media:
            if (media.sample_rate, media.channels) == (reader.sample_rate, reader.channels):
                for block in media.blocks(frames):
                    found += len(block)
                    if (new := block[max(0, len(block) - max(0, found - done)) :]).size:
                        yield new
    except AudioError:
        pass
    if not max(done, found):
        raise error
    missing_s = (reader.duration_s or 0.0) - max(done, found) / reader.sample_rate
    ends = f"ends {worded_s(missing_s)} before its header says it does"
    where = f"is damaged after {worded_s(done / reader.sample_rate)}" if done else "is damaged"
    if missing_s <= _ROUNDING_S:
        report.damage(where)
    else:
        report.damage(f"{where}, and {ends}" if found > done else ends)


@contextmanager
def _open_media(
    path: Path, selection: Selection, report: Reporter, error: AudioError | None
) -> Iterator[Recording]:
    """Open a file with PyAV.

    Args:
        path: of the file.
        selection: what of it is read.
        report: told what is noticed about it.
        error: what libsndfile tells of it, which is raised where PyAV says less.

    Raises:
        AudioError: PyAV is not installed, or cannot open the file.
    """
    if find_spec("av") is None:
        if error is not None and path.suffix.lower() not in MEDIA_SUFFIXES:
            raise error
        detail = f"{path}: {path.suffix} files are read by PyAV, which is not installed"
        raise AudioError("unreadable audio", detail, "pip install av, or convert it")
    from asr.audio.media import open_media

    with ExitStack() as stack:
        try:
            media = stack.enter_context(open_media(path, report, selection.track))
        except AudioError as other:
            raise _better_error(error, other) from other
        form = media.sample_rate, media.channels, media.duration_s
        yield Recording(path, *form, media.blocks, selection, report)


def _better_error(first: AudioError | None, second: AudioError) -> AudioError:
    """Choose between what libsndfile and what PyAV say of a file.

    libsndfile says more where it knows the format, unless PyAV does too.
    """
    if first is None or _UNKNOWN_TO_LIBSNDFILE in str(first):
        return second
    knows = isinstance(first, UnknownFormatError) and _UNKNOWN_TO_PYAV not in str(second)
    return second if knows else first


def open_channels(
    path: str | Path, selection: Selection
) -> Iterator[tuple[str | None, int | None, Recording]]:
    """Open a file once for each channel that is selected, since not all files can be rewound."""
    with open_recording(path, selection) as recording:
        first, *others = recording.select_channels()
        yield *first, recording
    for other in others:
        with open_recording(path, selection) as recording:
            yield *other, recording


def read_audio(path: str | Path, sample_rate: int, selection: Selection | None = None) -> Waveform:
    """Read a whole file, its channels mixed: (N,) float32, in -1..1 for the integer formats.

    Args:
        path: of the file.
        sample_rate: of the waveform, Hz.
        selection: what of it is read, one channel alone or a mix; where not given all, and a
            damaged file is refused.

    Raises:
        AudioError: as `open_recording` and `Recording.waveform`.
        UserError: as `Recording.select_channels`; or each of several channels is selected.
    """
    with open_recording(path, selection or Selection(strict=True)) as recording:
        ((_, channel), *others) = recording.select_channels()
        if others:
            raise UserError(f"{path}: several channels; choose one of them, or mix")
        return np.concatenate([*recording.waveform(channel, sample_rate)])
