"""Text files: encodings, gzip, pipes, and what is refused."""

import gzip
import os
import threading
from pathlib import Path

import pytest

from asr.util import text_files
from asr.util.text_files import TextError, read_text


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_is_read_gzipped_or_not_and_without_a_byte_order_mark(
    tmp_path: Path, name: str, encoding: str
) -> None:
    text = "grüße\nwelt\r\n"
    for content in (text.encode(encoding), gzip.compress(text.encode(encoding))):
        if name == "a.txt" or content.startswith(b"\x1f"):
            (tmp_path / name).write_bytes(content)
            assert read_text(tmp_path / name) == text.replace("\r\n", "\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32-be"])
def test_a_byte_order_mark_names_the_encoding(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    (tmp_path / "a.txt").write_bytes(f"{mark}grüße\r一\n".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "grüße\n一\n"


def test_half_a_character_behind_a_mark_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfea\0b")
    with pytest.raises(TextError, match=r"a.txt: its mark says UTF-16, and truncated data; save"):
        read_text(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("content", "where", "detail"),
    [
        ("a\nb\ncaf\u00e9".encode("latin-1"), "a.gz:3", "byte 0xe9 is not UTF-8 text"),
        ("a\nb\n".encode("utf-8-sig") + b"\xff", "a.gz:3", "byte 0xff is not UTF-8 text"),
        ("a\nb".encode("utf-16-le"), "a.gz:1", "byte 0x00 is not UTF-8 text"),
        (gzip.compress(b"a\n", mtime=0)[:-5], "a.gz", "cannot be unpacked ("),
        (b"a\n", "a.gz", "cannot be unpacked (Not a gzipped file"),
        (None, "a.gz", "cannot be read: No such file or directory; check the path"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(
    tmp_path: Path, content: bytes | None, where: str, detail: str
) -> None:
    path = tmp_path / "a.gz"
    if content is not None:
        packed = content if "cannot" in detail else gzip.compress(content)
        path.write_bytes(packed)

    with pytest.raises(TextError) as caught:
        read_text(path)

    assert caught.value.where == str(tmp_path / where)
    assert caught.value.detail.startswith(detail)
    assert str(caught.value) == f"{caught.value.where}: {caught.value.detail}"


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_an_impossible_file_name_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(TextError, match="cannot be read: "):
        read_text(Path(name))


@pytest.mark.parametrize("members", [1, 40])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, members: int
) -> None:
    """A file of a thousandth of its content's size, in one gzip member or in many."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(80_000_000 // members)) * members)
    with pytest.raises(TextError, match="bytes unpack to more than 64 MB, as no text does"):
        read_text(tmp_path / "a.gz")


def test_a_large_file_may_unpack_to_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "UNPACKED_BYTES", 1000)
    text = os.urandom(3000).hex()
    (tmp_path / "a.gz").write_bytes(gzip.compress(text.encode()))
    assert read_text(tmp_path / "a.gz") == text


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
def test_a_device_is_not_read() -> None:
    with pytest.raises(TextError, match="/dev/zero: expected a text file, found a device"):
        read_text(Path("/dev/zero"))


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_pipe_is_read_however_late_its_writer_comes(pipe: Path) -> None:
    def write() -> None:
        with pipe.open("w") as file:
            for word in ("one ", "two"):
                file.write(word)
                file.flush()

    writer = threading.Timer(0.2, write)
    writer.start()
    assert read_text(pipe) == "one two"
    writer.join()


def test_a_pipe_with_a_slow_writer_is_waited_for(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "PIPE_WAIT_S", 0.1)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pipe.open("w") as file:
        os.close(reader)
        late = threading.Timer(0.3, lambda: (file.write("at last"), file.close()))
        late.start()
        assert read_text(pipe) == "at last"
        late.join()


def test_a_pipe_that_nobody_writes_to_is_refused(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "PIPE_WAIT_S", 0.1)
    with pytest.raises(TextError, match="pipe: a pipe that nobody writes to"):
        read_text(pipe)


def test_a_pipe_without_end_is_refused(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "PIPE_BYTES", 1_000_000)

    def write() -> None:
        with pytest.raises(BrokenPipeError), pipe.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(100_000))

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(TextError, match="more than 1 MB came through this pipe"):
        read_text(pipe)
    writer.join()
