"""Bars come late, and print nothing into files."""

import subprocess
import sys

import pytest

from asr.util import progress
from asr.util.progress import LateBar, beside_bars, print_beside


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


def test_a_bar_is_shown_after_a_second(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with LateBar(0.0, desc="toy", mininterval=0) as bar:
        bar.total += 4
        bar.update()
        assert capsys.readouterr().err == ""
        clock.now = 1.5
        bar.update()
        assert "2.0/4.0" in capsys.readouterr().err
        bar.total += 4
        bar.update(3)
        assert "5.0/8.0" in capsys.readouterr().err
        with beside_bars():
            assert not capsys.readouterr().err.strip()  # the line is cleared
        print_beside("a sentence")
        assert "a sentence\n" in capsys.readouterr().err


def test_no_bar_in_a_file(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with LateBar(2.0) as bar:
        clock.now = 9.0
        bar.update(2)
    assert capsys.readouterr().err == ""


def test_nothing_is_imported_for_no_bar() -> None:
    code = (
        "import sys; from asr.util.progress import *\n"
        "with LateBar(1) as bar: bar.update()\n"
        "print_beside('one')\n"
        "assert 'tqdm' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "one\n")
