"""Whoever was served least is served next."""

import asyncio
import time
from collections.abc import Iterator
from threading import Event

import pytest

from asr.server.fair_pool import FairPool, Lane


@pytest.fixture
def pool() -> Iterator[FairPool]:
    """A pool of one thread."""
    made = FairPool("test", 1)
    yield made
    made.stop()


def compute(order: list[str], name: str, seconds: float) -> None:
    order.append(name)
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_short_request_does_not_wait_for_a_long_one(pool: FairPool) -> None:
    order: list[str] = []

    async def run() -> None:
        long, short = Lane(pool), Lane(pool)
        calls = [long.submit(compute, order, "long", 0.01) for _ in range(6)]
        while len(order) < 3:
            await asyncio.sleep(0.001)
        calls += [short.submit(compute, order, "short", 0.002) for _ in range(2)]
        await asyncio.gather(*calls)

    asyncio.run(run())
    assert sorted(order) == ["long"] * 6 + ["short"] * 2
    assert order[-1] == "long"
    assert order.index("short") <= 4


def test_time_is_shared_not_calls(pool: FairPool) -> None:
    order: list[str] = []

    async def run() -> None:
        started = Event()
        gate = Lane(pool).submit(started.wait)
        slow, quick = Lane(pool), Lane(pool)
        calls = [slow.submit(compute, order, "slow", 0.03) for _ in range(2)]
        calls += [quick.submit(compute, order, "quick", 0.01) for _ in range(4)]
        started.set()
        await asyncio.gather(gate, *calls)

    asyncio.run(run())
    assert order[0] == "slow"
    assert order[1:4] == ["quick"] * 3  # as long as one call of the other


def test_errors_and_departures_are_the_callers_own(pool: FairPool) -> None:
    ran: list[str] = []

    async def run() -> None:
        free = Event()
        lane, other = Lane(pool), Lane(pool)
        first = lane.submit(free.wait)
        left = lane.submit(ran.append, "left")
        wrong = other.submit(lambda: 1 / 0)
        assert pool.waiting >= 2
        left.cancel()
        await asyncio.sleep(0.01)  # the loop tells the pool
        free.set()
        with pytest.raises(ZeroDivisionError):
            await wrong
        await first
        await lane.submit(ran.append, "last")

    asyncio.run(run())
    assert ran == ["last"]
    assert pool.waiting == 0


def test_a_stopped_pool_keeps_nobody_waiting(pool: FairPool) -> None:
    """A second signal ends the server at once, whatever its clients wait for."""
    free = Event()

    async def run() -> None:
        lane = Lane(pool)
        first, waiting = lane.submit(free.wait), lane.submit(print)
        await asyncio.sleep(0.01)  # the thread takes the first
        pool.stop()
        for call in (waiting, lane.submit(print)):
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(call, 5)
        free.set()
        assert await first

    asyncio.run(run())
