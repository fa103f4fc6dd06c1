"""Text that changes in the last line of a terminal, below what is final."""

import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from asr.cli.messages import show
from asr.util.printable import printable

if TYPE_CHECKING:
    from asr.audio import Waveform
    from asr.inference.streaming import Event
    from asr.transcript import Segment

_CLEAR = "\r\x1b[K"
#: Signs of the level, from 60 dB below full scale in steps of 10 dB.
_LEVELS = " ▁▂▃▅▇"


class LiveText:
    """Prints final text on standard output, and the words under way where that is a terminal."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._text, self._level = "", _LEVELS[0]

    def level(self, samples: "Waveform") -> None:
        """Show how loud samples (N,) are."""
        from asr.audio.samples import level_db

        if self._live and len(samples):
            step = int((float(level_db(samples, 1e-6)) + 60) // 10)
            self._level = _LEVELS[min(max(step, 0), len(_LEVELS) - 1)]
            self._draw()

    def show(self, events: "Iterable[Event]") -> "list[Segment]":
        """Show events, and give back those that are final."""
        from asr.transcript import Segment

        segments = []
        for event in events:
            if isinstance(event, Segment):
                segments.append(event)
                self._erase()
                show(printable(event.text))
                self._text = ""
            else:
                self._text = printable(event.text)
            self._draw()
        return segments

    def close(self) -> None:
        """Erase the words under way."""
        self._erase()

    def _draw(self) -> None:
        if self._live:
            room = max(shutil.get_terminal_size().columns - 3, 1)
            text = self._text if len(self._text) <= room else f"…{self._text[1 - room :]}"
            sys.stdout.write(f"{_CLEAR}{self._level} {text}")
            sys.stdout.flush()

    def _erase(self) -> None:
        if self._live:
            sys.stdout.write(_CLEAR)
            sys.stdout.flush()
