"""The cache takes a bounded size, and files used longest ago go first."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from asr.util import array_cache
from asr.util.array_cache import load_or_make
from asr.util.array_file import Contents

SIZE = 1000  # of one array; its file has some 200 bytes more


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with room for two files."""
    monkeypatch.setenv("ASR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(array_cache, "LIMIT_BYTES", 3 * SIZE)
    return tmp_path / "cache"


def use(number: int, size: int = SIZE) -> None:
    contents = Contents({}, {"values": np.full(size, number, np.uint8)})
    load_or_make(f"{number:032x}.test", "test 1", lambda _: True, lambda: contents)


def kept(folder: Path) -> list[int]:
    return sorted(int(file.stem, 16) for file in folder.glob("*.test"))


def age(folder: Path) -> None:
    """Make the last use of all files a minute older."""
    for file in folder.iterdir():
        os.utime(file, (0, file.stat().st_mtime - 60))


def test_files_used_longest_ago_are_removed_first(folder: Path) -> None:
    for number in (1, 2, 1):
        use(number)
        age(folder)
    use(3)
    assert kept(folder) == [1, 3]


def test_a_file_larger_than_the_limit_is_kept_alone(folder: Path) -> None:
    use(1)
    use(2, size=10 * SIZE)
    assert kept(folder) == [2]


def test_files_of_others_are_neither_counted_nor_removed(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "own.lm").write_bytes(bytes(10 * SIZE))
    use(1)
    use(2)
    assert kept(folder) == [1, 2]
    assert (folder / "own.lm").exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_making_is_told_once_on_a_terminal(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    array_cache._tell_of_making.cache_clear()
    use(1)
    use(2)
    assert capsys.readouterr().err.count("for their first use\n") == terminal
    array_cache._tell_of_making.cache_clear()
    use(2)
    assert not capsys.readouterr().err
