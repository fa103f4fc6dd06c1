"""Which part of a recording is read: a channel, a track, a stretch of time.

Shapes: N samples, C channels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.audio.samples import SelectionError

#: Ways to choose among a recording's channels; a number from 1 is one too.
CHANNELS = ("mix", "left", "right", "each")
#: Names of the two channels of a stereo recording.
_SIDES = ("left", "right")

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


def cut_selected(
    blocks: Iterable[Block], selection: Selection, sample_rate: int, path: str | Path
) -> Iterator[Block]:
    """Give the samples of blocks (N, C) between the selected start and end.

    Args:
        blocks: the recording from its start on.
        selection: its start and duration count.
        sample_rate: of the recording, Hz.
        path: the recording, for the message.

    Raises:
        SelectionError: the recording ends before the selected start.
    """
    first = round(selection.start_s * sample_rate)
    if not first and selection.duration_s is None:
        yield from blocks
        return
    end = None
    if selection.duration_s is not None:
        end = first + round(selection.duration_s * sample_rate)
    at = 0
    for block in blocks:
        part = block[max(0, first - at) : None if end is None else max(0, end - at)]
        at += len(block)
        if len(part):
            yield part
        if end is not None and at >= end:
            break
    if at <= first:
        raise SelectionError(
            f"{path}: is {at / sample_rate:.2f} s long, and has nothing from "
            f"{selection.start_s:g} s on",
            remedy="earlier_start",
        )


def select_channels(
    path: str | Path, channel: str, channels: int
) -> list[tuple[str | None, int | None]]:
    """Resolve a selected channel to names and numbers of channels, as `Recording.waveform` takes.

    Raises:
        SelectionError: the recording has not this channel.
    """
    names = _SIDES if channels <= len(_SIDES) else [str(i + 1) for i in range(channels)]
    if channel == "each" and channels > 1:
        return list(zip(names, range(channels), strict=False))
    number = find_channel(path, channel, channels)
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
