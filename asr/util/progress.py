"""Progress bars that cost nothing until one is shown, since importing tqdm takes long."""

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

#: Work that ends within so many seconds shows no bar.
_HIDDEN_S = 1.0


class LateBar:
    """A bar of tqdm on a terminal, shown by the first update after a second.

    Args:
        total: of the updates to come, as far as it is known; may grow.
        options: of tqdm.
    """

    def __init__(self, total: float, **options: Any) -> None:
        self.total = total
        self._options, self._done, self._since = options, 0.0, time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> "LateBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, amount: float = 1) -> None:
        """Count work that is done."""
        self._done += amount
        if self._bar is not None:
            self._bar.total = self.total
            self._bar.update(amount)
        elif time.monotonic() - self._since > _HIDDEN_S and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.total, initial=self._done, leave=False, **self._options)


def print_beside(sentence: str) -> None:
    """Print a sentence on standard error, above the bars that are shown."""
    with beside_bars():
        sys.stderr.write(f"{sentence}\n")


def beside_bars() -> AbstractContextManager[None]:
    """Clear bars, if there are any, while other text is printed."""
    tqdm = getattr(sys.modules.get("tqdm"), "tqdm", None)
    return nullcontext() if tqdm is None else tqdm.external_write_mode()
