"""Ctrl-C and a cluster's SIGTERM, taken between two steps instead of in the middle of one."""

import signal
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequested:
    """While entered, the first signal only sets a flag; a second one acts as usual.

    Attributes:
        requested: whether a signal came.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> "StopRequested":
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()
