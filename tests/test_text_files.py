import gzip
import os
import threading
from pathlib import Path

import pytest

from asr import text_files
from asr.text_files import TextError, read_text


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_is_read_packed_or_not_and_without_a_mark(
    tmp_path: Path, name: str, encoding: str
) -> None:
    text = "grüße\nwelt\r\n"
    for content in (text.encode(encoding), gzip.compress(text.encode(encoding))):
        if name == "a.txt" or content.startswith(b"\x1f"):
            (tmp_path / name).write_bytes(content)
            assert read_text(tmp_path / name) == text


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
def test_what_cannot_be_read_is_named_with_its_line(
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


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
def test_what_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "LONGEST_STREAM_BYTES", 1000)

    with pytest.raises(TextError, match="/dev/zero: goes on for more than 1000 bytes"):
        read_text(Path("/dev/zero"))


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_a_sentence(name: str) -> None:
    with pytest.raises(TextError, match="cannot be read: "):
        read_text(Path(name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system names no pipes")
def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    sender = threading.Thread(target=(tmp_path / "pipe").write_text, args=("text\n",))
    sender.start()
    assert read_text(tmp_path / "pipe") == "text\n"
    sender.join()
