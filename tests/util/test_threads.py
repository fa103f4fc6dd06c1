"""Functions mapped in threads: order, memory, errors, and the number of cores."""

import os
import threading
from collections.abc import Iterator

import pytest

from asr.util.threads import count_cores, map_in_order


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    last_started = threading.Event()

    def square(item: int) -> int:
        """The first item waits for the last of the items that run at the same time."""
        if item == threads - 1:
            last_started.set()
        if item == 0:
            assert last_started.wait(10)
        return item * item

    assert list(map_in_order(square, range(50), threads)) == [item * item for item in range(50)]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_stream_is_read_at_most_two_items_a_thread_ahead(threads: int) -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for item in range(100):
            read = item
            yield item

    for result in map_in_order(lambda item: item, items(), threads):
        assert read <= result + 2 * threads


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_ends_the_work(threads: int) -> None:
    done = []

    def function(item: int) -> int:
        done.append(item)
        return 1 // (item - 4)

    with pytest.raises(ZeroDivisionError):
        list(map_in_order(function, range(1000), threads))
    assert len(done) < 20


def test_a_caller_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    results = map_in_order(lambda item: item, range(1000), 3)

    assert next(results) == 0
    results.close()
    assert threading.active_count() == before


def test_one_thread_is_the_callers() -> None:
    here = threading.get_ident()
    assert list(map_in_order(lambda _: threading.get_ident(), range(3), 1)) == [here] * 3


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert count_cores() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    assert count_cores() == 8
