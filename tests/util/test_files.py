"""Files written whole or not at all, and files found below a folder."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from asr.util.errors import UserError
from asr.util.files import escape_file_name, remove_partials, write_atomically, write_text


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"

    write_text(path, "grüße\n")

    assert path.read_text(encoding="utf-8") == "grüße\n"


def test_a_lone_surrogate_is_written_as_json_escapes_it(tmp_path: Path) -> None:
    write_text(tmp_path / "a.json", '"\ud800"')

    assert json.loads((tmp_path / "a.json").read_text()) == "\ud800"


def test_any_name_becomes_a_file_name_and_different_names_stay_different(tmp_path: Path) -> None:
    names = ["a/b", "a\\b", "a\0b", "a\nb", "a\x85b", "a\ud800b", "a%b", "a%00b", "a%2Fb", "aüb"]
    made = [escape_file_name(name) for name in names]

    assert len(set(made)) == len(names)
    assert escape_file_name("grüße 1") == "grüße 1"
    for name in made:
        write_text(tmp_path / name, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(made)


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(RuntimeError, match="the model broke"), write_atomically(path) as file:
        file.write(b"half of the n")
        raise RuntimeError("the model broke")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    with write_atomically(path) as file:
        file.write(b"new")
        seen = path.read_text()

    assert seen == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_the_file_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.exists()))

    write_text(path, "new")

    assert synced == [False]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    path = tmp_path / "file" / "a.txt"

    with pytest.raises(UserError, match=r"cannot be written: .*; give another path") as raised:
        write_text(path, "new")

    assert str(raised.value).startswith(f"{path}: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    write_text(path, "new")

    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert path.is_fifo()


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a.txt")

    write_text(tmp_path / "link", "new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_name_may_have_the_most_bytes_there_are(tmp_path: Path) -> None:
    path = tmp_path / ("ж" * 125 + ".json")

    write_text(path, "new")

    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="this system has no such permissions")
def test_permissions_are_as_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").touch()

    write_text(tmp_path / "a.txt", "new")

    modes = [(tmp_path / name).stat().st_mode for name in ("plain.txt", "a.txt")]
    assert modes[0] == modes[1]


def test_two_writers_use_different_names(tmp_path: Path) -> None:
    """Threads of two containers can have one number, so that numbers cannot tell names apart."""
    path = tmp_path / "a.txt"

    with write_atomically(path) as first:
        with write_atomically(path) as second:
            first.write(b"first")
            second.write(b"second")
            assert len(list(tmp_path.glob(".a.txt.partial*"))) == 2
        assert path.read_text() == "second"

    assert path.read_text() == "first"


def test_two_threads_may_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"

    with write_atomically(path) as file:
        file.write(b"first, and ")
        with ThreadPoolExecutor(1) as other:
            other.submit(write_text, path, "second").result()
        file.write(b"whole")

    assert path.read_text() == "first, and whole"


def test_partials_of_killed_writers_can_be_removed(tmp_path: Path) -> None:
    with write_atomically(tmp_path / "a.txt"):
        (left,) = (path.name for path in tmp_path.iterdir())
    for name in (left, "a.txt", ".hidden"):
        (tmp_path / name).touch()

    remove_partials(tmp_path, idle_s=60)
    assert (tmp_path / left).exists()
    remove_partials(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", ".hidden"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no such device")
def test_a_full_device_is_told_with_the_room_that_is_needed() -> None:
    with pytest.raises(UserError, match=r"^/dev/full: .*No space.*; make room for 1.50 MB, then"):
        write_text(Path("/dev/full"), "x" * 1_500_000)


def test_a_full_disk_leaves_the_old_file_and_the_message_tells_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"Disk quota exceeded; the old file stands; make room for"):
        write_text(path, "new")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
