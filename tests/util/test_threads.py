import os
import threading
from collections.abc import Iterator

import pytest

from asr.util.threads import cores, map_in_order


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    beside = threading.Event()

    def square(item: int) -> int:
        """The first item waits for the last of those that run beside it."""
        if item == workers - 1:
            beside.set()
        if item == 0:
            assert beside.wait(10)
        return item * item

    assert list(map_in_order(square, range(50), workers)) == [item * item for item in range(50)]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_stream_is_not_read_far_ahead(workers: int) -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for item in range(100):
            read = item
            yield item

    for result in map_in_order(lambda item: item, items(), workers):
        assert read <= result + 2 * workers


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_ends_the_work(workers: int) -> None:
    done = []

    def function(item: int) -> int:
        done.append(item)
        return 1 // (item - 4)

    with pytest.raises(ZeroDivisionError):
        list(map_in_order(function, range(1000), workers))
    assert len(done) < 20


def test_who_has_seen_enough_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    results = map_in_order(lambda item: item, range(1000), 3)

    assert next(results) == 0
    results.close()
    assert threading.active_count() == before


def test_one_worker_is_the_callers_thread() -> None:
    here = threading.get_ident()
    assert list(map_in_order(lambda _: threading.get_ident(), range(3), 1)) == [here] * 3


def test_only_the_cores_of_this_process_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert cores() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 8
