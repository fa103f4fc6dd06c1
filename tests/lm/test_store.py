"""The cache of parsed models is used where it is valid, and made anew elsewhere."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from sentence_scores import total_log10

from asr.lm import NGram, arpa, store
from asr.lm.store import cache_name, open_ngram
from asr.util.array_file import MAGIC
from asr.util.cache_folder import make_cache_folder

ARPA = """\\data\\
ngram 1=4
ngram 2=1

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.7\t</s>
-0.6\ta\t-0.25

\\2-grams:
-0.3\t<s> a

\\end\\
"""
OTHER = ARPA.replace("-0.3", "-0.4")  # of equal length


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that were parsed since the test began, in order."""
    paths: list[Path] = []
    parse = arpa.parse_arpa

    def spy(text: bytes, path: Path) -> NGram:
        paths.append(path)
        return parse(text, path)

    monkeypatch.setattr(arpa, "parse_arpa", spy)
    return paths


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a model, with a cache folder of its own."""
    monkeypatch.setenv("ASR_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "x.arpa"
    path.write_text(ARPA)
    return path


def cache_path(path: Path) -> Path:
    return make_cache_folder() / cache_name(path)


def score(path: Path) -> float:
    return round(total_log10(open_ngram(path), ["a"], end=False), 4)


def test_the_second_call_parses_nothing(source: Path, parsed: list[Path]) -> None:
    first, second = open_ngram(source), open_ngram(source)
    assert len(parsed) == 1
    assert (first.words, first.counts) == (second.words, second.counts)
    for ours, theirs in zip(first.arrays, second.arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_the_cache_is_mapped_read_only(source: Path) -> None:
    open_ngram(source)
    log_prob = open_ngram(source).arrays.log_prob
    base = log_prob
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        log_prob[0] = 1.0


def test_new_content_of_equal_size_and_times_is_noticed(source: Path, parsed: list[Path]) -> None:
    """Written within one tick of the clock, or with the times restored as by `cp -p`."""
    assert score(source) == -0.3
    times = source.stat()
    source.write_text(OTHER)
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert score(source) == -0.4
    assert len(parsed) == 2


def test_an_unchanged_file_is_trusted_by_its_metadata(
    source: Path, parsed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 10_000_000_000)
    assert score(source) == -0.3
    monkeypatch.setattr(store, "digest", None)  # would raise if the content were read
    assert score(source) == -0.3
    assert len(parsed) == 1


def test_a_touched_file_is_recognized_by_its_content(source: Path, parsed: list[Path]) -> None:
    score(source)
    os.utime(source, ns=(1, 1))
    score(source)
    assert len(parsed) == 1


def test_a_cache_of_another_file_is_not_used(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.arpa"
    other.write_text(OTHER)
    assert (score(source), score(other)) == (-0.3, -0.4)
    cache_path(source).write_bytes(cache_path(other).read_bytes())
    assert score(source) == -0.3


def test_a_damaged_cache_is_made_anew_with_a_warning(source: Path, parsed: list[Path]) -> None:
    """Arrays are indexed without checks: a flipped bit could change transcripts, or crash."""
    score(source)
    cache = cache_path(source)
    valid = cache.read_bytes()
    damaged = [valid[:cut] for cut in (8, 40, len(valid) - 1)] + [valid + b"x"]
    for at in range(len(MAGIC), len(valid), 7):
        damaged.append(valid[:at] + bytes([valid[at] ^ 4]) + valid[at + 1 :])
    for count, content in enumerate(damaged, 2):
        cache.write_bytes(content)
        with pytest.warns(UserWarning, match="the file is damaged; it is made anew"):
            assert score(source) == -0.3
        assert len(parsed) == count
    score(source)
    assert len(parsed) == count


@pytest.mark.parametrize("content", [b"", MAGIC[:5], b"asr-lm\x00\x03 of an older version"])
def test_a_cache_of_another_format_is_made_anew(
    source: Path, parsed: list[Path], content: bytes
) -> None:
    cache_path(source).write_bytes(content)
    assert score(source) == score(source) == -0.3
    assert len(parsed) == 1


def test_a_link_in_place_of_the_cache_is_replaced_and_its_target_stays(
    source: Path, tmp_path: Path, parsed: list[Path]
) -> None:
    (tmp_path / "target").write_text("of value")
    cache_path(source).symlink_to(tmp_path / "target")
    assert score(source) == score(source) == -0.3
    assert (tmp_path / "target").read_text() == "of value"
    assert not cache_path(source).is_symlink()
    assert len(parsed) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_place_of_the_cache_is_replaced(source: Path, parsed: list[Path]) -> None:
    os.mkfifo(cache_path(source))
    assert score(source) == score(source) == -0.3
    assert len(parsed) == 1


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX systems")
def test_no_cache_is_kept_where_others_can_write(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASR_CACHE", str(tmp_path / "shared"))
    cache = cache_path(source)
    cache.parent.chmod(0o777)
    with pytest.warns(UserWarning, match="every user can write to this folder, so nothing is"):
        assert score(source) == -0.3
    assert not cache.exists()


def test_partial_files_of_killed_writers_are_removed(source: Path) -> None:
    folder = cache_path(source).parent
    abandoned, in_use = folder / ".x.lm.partial0123", folder / ".y.lm.partial4567"
    for partial in (abandoned, in_use):
        partial.touch()
    os.utime(abandoned, (1, 1))
    score(source)
    assert not abandoned.exists()
    assert in_use.exists()
    in_use.unlink()


def test_a_pipe_is_read_once_and_not_cached(source: Path, parsed: list[Path]) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, ARPA.encode())
    os.close(write_end)
    before = {*cache_path(source).parent.iterdir()}
    assert score(Path(f"/dev/fd/{read_end}")) == -0.3
    assert {*cache_path(source).parent.iterdir()} == before
    os.close(read_end)


def test_without_a_writable_cache_each_call_parses(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file in place of the folder")
    monkeypatch.setenv("ASR_CACHE", str(blocked))
    assert score(source) == -0.3
    assert score(source) == -0.3


def test_without_a_home_there_is_no_cache(
    source: Path, monkeypatch: pytest.MonkeyPatch, parsed: list[Path]
) -> None:
    """A container may run as a user without an entry in its system."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("ASR_CACHE")
    monkeypatch.setattr(Path, "home", no_home)
    assert score(source) == score(source)
    assert len(parsed) == 2
