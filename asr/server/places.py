"""How many clients are served at once, and how the server comes to its end."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from asr.server.errors import RefusedError

#: Seconds after which a client that was refused may try again.
RETRY_S = 5
Result = TypeVar("Result")


class Places:
    """So many requests and live sessions may be under way; more are refused, not queued.

    Args:
        most: how many.

    Attributes:
        taken: how many are under way.
        leaving: set once the server is to end; live sessions then end with their last words.
    """

    def __init__(self, most: int) -> None:
        self._most, self.taken = most, 0
        self.leaving = asyncio.Event()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Take a place for as long as the context lasts.

        Raises:
            RefusedError: none is free, or the server is about to end.
        """
        wait = {"retry-after": str(RETRY_S)}
        if self.leaving.is_set():
            raise RefusedError(503, "the server is about to end; try again later", headers=wait)
        if self.taken >= self._most:
            message = f"{self._most} requests are under way; try again in {RETRY_S} s"
            raise RefusedError(429, message, code="server_busy", headers=wait)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def unless_leaving(self, coroutine: Coroutine[Any, Any, Result]) -> Result | None:
        """Wait for something; None once the server is to end."""
        if self.leaving.is_set():  # else whoever sends without a pause would never be left
            coroutine.close()
            return None
        task, leaving = asyncio.create_task(coroutine), asyncio.create_task(self.leaving.wait())
        try:
            await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            task.cancel()
            leaving.cancel()
