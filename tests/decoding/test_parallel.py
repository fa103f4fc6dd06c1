import os
import threading

import pytest

from asr.decoding.parallel import cores, spread


def test_results_keep_their_order() -> None:
    assert spread(str, range(100), 4) == [str(number) for number in range(100)]


def test_one_thread_is_the_callers() -> None:
    here = threading.get_ident()
    assert spread(lambda _: threading.get_ident(), range(3), 1) == [here] * 3


def test_only_the_cores_of_this_process_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert cores() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 8
