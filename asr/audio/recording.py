"""An opened recording as a stream of mono blocks at the model's sample rate, in constant memory.

Shapes: N samples, C channels.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import soxr

from asr.audio.mixing import CANCELLED, mix
from asr.audio.samples import (
    QUIET,
    AudioError,
    Reporter,
    Waveform,
    check_samples,
    quiet_gain,
    worded_s,
)
from asr.audio.selection import Block, Selection, cut_selected, select_channels

#: Samples in a block, all channels together: 4 MB.
BLOCK_SAMPLES = 1 << 20


@dataclass(frozen=True)
class Recording:
    """An opened audio file.

    Attributes:
        path: of the file.
        sample_rate: of the file, Hz.
        channels: C.
        duration_s: as the header states; None if it states none.
        blocks: given N, decodes from the start in float32 blocks of about (N, C).
        reopen: opens the file again, and tells nobody what is noticed about it.
        selection: what of it is read.
        report: told what is noticed about it.
    """

    path: Path
    sample_rate: int
    channels: int
    duration_s: float | None
    blocks: Callable[[int], Iterator[Block]]
    reopen: Callable[[], AbstractContextManager["Recording"]]
    selection: Selection
    report: Reporter

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
        with suppress(AudioError), self.reopen() as again:
            for block in again._mono(channel):
                peak = max(peak, _peak(block))
                if peak >= QUIET:
                    break
        return peak

    def _mono(self, channel: int | None) -> Iterator[Waveform]:
        """Give one channel, or a mix of all, of the part that is selected."""
        cancelled = total = 0
        blocks = self.blocks(max(1, BLOCK_SAMPLES // self.channels))
        for block in cut_selected(blocks, self.selection, self.sample_rate, self.path):
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

    def select_channels(self) -> list[tuple[str | None, int | None]]:
        """Resolve the selected channel to names and numbers of channels, for `waveform`.

        Raises:
            SelectionError: a channel that the recording has not.
        """
        return select_channels(self.path, self.selection.channel, self.channels)


def _peak(samples: Block) -> float:
    return float(np.abs(samples).max(initial=0.0))
