"""Any recording opened, by whichever library reads most of it.

Shapes: N samples.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from asr.audio.libsndfile import DamagedError, require_file
from asr.audio.reader import Reader, open_reader
from asr.audio.recording import Recording
from asr.audio.riff import find_late_start
from asr.audio.samples import AudioError, Reporter, UnknownFormatError, Waveform, worded_s
from asr.audio.selection import Block, Selection
from asr.audio.suffixes import MEDIA_SUFFIXES
from asr.util.errors import UserError

#: What the libraries say of a file whose format they do not know.
_UNKNOWN_TO_LIBSNDFILE, _UNKNOWN_TO_PYAV = "Format not recognised", "Invalid data found"
#: A part so short that a coder may add or leave out.
_ROUNDING_S = 0.05


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

    form = reader.sample_rate, reader.channels, reader.duration_s
    return Recording(path, *form, blocks, partial(_reopen, path, selection), selection, report)


def _reopen(path: Path, selection: Selection) -> AbstractContextManager[Recording]:
    return _open(path, replace(selection, strict=False), Reporter(path, quiet=True))


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
        reopen = partial(_reopen, path, selection)
        yield Recording(path, *form, media.blocks, reopen, selection, report)


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
