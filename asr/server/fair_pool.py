"""Threads that many clients share: the next to be served is who was served least.

Source: start-time fair queueing, Goyal, Vin & Cheng 1996, with seconds of computing as the service.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Any, TypeVar

Result = TypeVar("Result")


class FairPool:
    """Some threads, and the lanes in which clients put their work.

    Whoever asks for little is served at once, however much others ask for: a lane that was idle
    begins with the service that the least served of the others had.

    Args:
        name: of the threads.
        threads: how many calls run at once.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.threads = threads
        self._changed = Condition()
        self._busy: list[Lane] = []  # those with calls that wait
        self._clock_s = 0.0  # service that the lane served last had when it was chosen
        self._stopped = False
        for number in range(threads):
            Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many calls wait for a thread."""
        with self._changed:
            return sum(len(lane.calls) for lane in self._busy)

    def stop(self) -> None:
        """End the threads once they are idle; what waits, and what comes later, is canceled."""
        with self._changed:
            self._stopped = True
            waiting = [call for lane in self._busy for call in lane.calls]
            for lane in self._busy:
                lane.calls.clear()
            self._busy.clear()
            self._changed.notify_all()
        for future, *_ in waiting:
            future.cancel()

    def put(self, lane: "Lane", call: "_Call") -> None:
        """Let a call wait behind the others of its lane."""
        with self._changed:
            if not self._stopped:
                if not lane.calls:
                    lane.served_s = max(lane.served_s, self._clock_s)
                    self._busy.append(lane)
                lane.calls.append(call)
                self._changed.notify()
                return
        call[0].cancel()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            lane, call = taken
            started_s = time.thread_time()
            _run(*call)
            with self._changed:
                lane.served_s += time.thread_time() - started_s
            del lane, call, taken  # an idle thread keeps nothing of the last client

    def _take(self) -> "tuple[Lane, _Call] | None":
        """Wait for a call of the lane that was served least; None once the pool is stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._busy or self._stopped)
            if self._stopped:
                return None
            lane = min(self._busy, key=lambda one: one.served_s)
            self._clock_s = lane.served_s
            call = lane.calls.popleft()
            if not lane.calls:
                self._busy.remove(lane)
            return lane, call


def _run(future: Future[Any], function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Call a function, unless nobody waits for it any more."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function(*args))
    except BaseException as error:  # who waits for it gets it
        future.set_exception(error)


_Call = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]


class Lane:
    """The calls of one client, begun in their order.

    Args:
        pool: whose threads run them.

    Attributes:
        calls: those that wait.
        served_s: seconds of computing that the client had, for comparison with other lanes.
    """

    def __init__(self, pool: FairPool) -> None:
        self._pool = pool
        self.calls: deque[_Call] = deque()
        self.served_s = 0.0

    def submit(self, function: Callable[..., Result], *args: Any) -> "asyncio.Future[Result]":
        """Have a function called in a thread, as soon as it is this client's turn."""
        future: Future[Result] = Future()
        self._pool.put(self, (future, function, args))
        return asyncio.wrap_future(future)
