"""Ctrl-C and a cluster's SIGTERM, taken between two steps instead of in the middle of one."""

import faulthandler
import signal
import sys
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequested:
    """While entered, a signal only sets a flag; after it, Ctrl-C acts as usual.

    SIGTERM never does: `timeout`, and torchrun where a cluster's manager signals every process,
    send it twice within a moment, and those who cannot wait have SIGKILL.

    Attributes:
        requested: whether a signal came.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> "StopRequested":
        _make_signal_stack()
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, self._before[signal.SIGINT])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _make_signal_stack() -> None:
    """Give this thread's signal handlers a stack of their own.

    While torch trains an LSTM on a CPU, a signal handled on the ordinary stack damages the heap
    (oneDNN's kernel seems to use the stack register for itself), and the process aborts with
    "corrupted size vs. prev_size" instead of saving. Python's handlers run on the alternative
    stack where there is one, and enabling faulthandler is Python's way to get one.
    """
    stream = sys.__stderr__ or sys.stderr  # what stands in for the first where that is closed
    if not faulthandler.is_enabled() and stream is not None:
        faulthandler.enable(stream)
