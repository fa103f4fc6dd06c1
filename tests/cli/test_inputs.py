"""Which recordings a command line means."""

import errno
import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest
import tiny

from asr.cli import inputs
from asr.cli.inputs import check_outputs, find_inputs, readable
from asr.util.errors import UserError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "talks/b.wav", "talks/a.M4A", "talks/day 2/c.flac", "talks/notes.txt", "talks/._a.m4a",
        "talks/.cache/d.wav", "other.wav",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*arguments: str, list_file: Path | None = None) -> list[tuple[str, str]]:
    inputs, errors = find_inputs(arguments, list_file)
    assert not errors
    return [(one.name, str(one.stem)) for one in inputs]


def test_a_folder_means_the_audio_below_it_in_order(folder: Path) -> None:
    assert found("talks") == [
        ("talks/a.M4A", "a"), ("talks/b.wav", "b"), ("talks/day 2/c.flac", "day 2/c"),
    ]  # fmt: skip


def test_a_pattern_means_the_files_that_match_called_by_their_folders(folder: Path) -> None:
    assert found("talks/**/*.[wf]*") == [("talks/b.wav", "b"), ("talks/day 2/c.flac", "day 2/c")]
    assert found("t*/*/*.flac") == [("talks/day 2/c.flac", "talks/day 2/c")]


def test_a_file_with_brackets_in_its_name_is_no_pattern(folder: Path) -> None:
    (folder / "[1].wav").touch()

    assert found("[1].wav") == [("[1].wav", "[1]")]


def test_the_order_given_is_kept_and_each_name_is_listed_once(folder: Path) -> None:
    (folder / "link.wav").symlink_to("other.wav")

    inputs = found("other.wav", "talks", "link.wav", "talks/b.wav", "-", "-")

    assert [name for name, _ in inputs] == [
        "other.wav", "talks/a.M4A", "talks/b.wav", "talks/day 2/c.flac", "link.wav", "-",
    ]  # fmt: skip


def test_a_list_names_a_path_a_line(folder: Path) -> None:
    (folder / "list.txt").write_text("other.wav\n\n talks/b.wav \n")

    assert found(list_file=Path("list.txt")) == [("other.wav", "other"), ("talks/b.wav", "b")]


def test_a_list_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    (folder / "list.txt").write_bytes(b"\xef\xbb\xbfother.wav\r\ntalks/b.wav\r\n")

    assert found(list_file=Path("list.txt")) == [("other.wav", "other"), ("talks/b.wav", "b")]


def test_a_missing_file_is_left_for_the_reader_to_name(folder: Path) -> None:
    assert found("nothing.wav") == [("nothing.wav", "nothing")]


def test_what_is_asked_for_in_vain_does_not_stop_the_others(folder: Path) -> None:
    inputs, errors = find_inputs(["empty", "*.mp3", "other.wav"], None)

    assert [one.name for one in inputs] == ["other.wav"]
    assert [str(error) for error in errors] == [
        "empty: no audio files in this folder; give another",
        "*.mp3: no file matches this pattern; give another",
    ]


def test_linked_folders_are_searched_and_links_to_nothing_named(folder: Path) -> None:
    (folder / "empty" / "linked").symlink_to(folder / "talks")
    (folder / "empty" / "broken.wav").symlink_to("nowhere")

    inputs, errors = find_inputs(["empty"], None)

    assert [str(one.stem) for one in inputs] == [
        "broken", "linked/a", "linked/b", "linked/day 2/c",
    ]  # fmt: skip
    assert not errors


def test_a_folder_that_is_closed_is_named_after_what_is_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = PermissionError(13, "Permission denied", "talks/locked")
    below = [folder / "talks" / "b.wav"], [closed]
    monkeypatch.setattr("asr.cli.inputs.find_files", lambda _: below)

    inputs, errors = find_inputs([str(folder / "talks")], None)

    assert [one.path.name for one in inputs] == ["b.wav"]
    assert str(errors[0]) == "talks/locked: cannot be read: Permission denied; mend its permissions"


def test_an_empty_name_is_not_the_folder_one_stands_in(folder: Path) -> None:
    inputs, (error,) = find_inputs(["", "other.wav"], None)

    assert [one.name for one in inputs] == ["other.wav"]
    assert "an empty name was given" in str(error)


def test_names_that_no_file_can_have_do_not_stop_the_others(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")

    inputs, errors = find_inputs(["x" * 300, "a\0b", "loop", "other.wav"], None)

    assert "other.wav" in [one.name for one in inputs]
    assert len(inputs) + len(errors) == 4
    assert all(str(error).endswith("; check the path") for error in errors)
    assert str(errors[0]).startswith("xxx") and "File name too long" in str(errors[0])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep their names in Unicode")
def test_a_file_whose_name_is_not_utf8_is_named_and_left_out(folder: Path) -> None:
    (folder / "talks" / os.fsdecode(b"gr\xfc\xdfe.wav")).touch()

    inputs, errors = find_inputs(["talks"], None)

    assert [one.name for one in inputs] == ["talks/a.M4A", "talks/b.wav", "talks/day 2/c.flac"]
    assert [str(error) for error in errors] == [
        r"talks/gr\udcfc\udcdfe.wav: its name is not UTF-8; rename the file"
    ]


def test_standard_input_that_is_closed_does_not_stop_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    inputs, errors = find_inputs(["-", "other.wav"], None)

    assert [one.name for one in inputs] == ["other.wav"]
    assert [str(error).partition(";")[0] for error in errors] == ["-: standard input is closed"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.txt", "cannot be read"), ("latin.txt", "latin.txt:1: byte 0xfc is not UTF-8")],
)
def test_a_list_that_cannot_be_read_is_refused(folder: Path, name: str, message: str) -> None:
    (folder / "latin.txt").write_bytes(b"gr\xfc\xdfe.wav\n")

    with pytest.raises(UserError, match=message):
        find_inputs([], Path(name))


def test_nothing_asked_for_is_refused() -> None:
    with pytest.raises(UserError, match="no recordings named"):
        find_inputs([], None)


def test_recordings_that_would_write_the_same_file_are_refused(folder: Path) -> None:
    inputs, _ = find_inputs(["talks/b.wav", "talks"], None)
    check_outputs(inputs, "--output-dir", str)
    (folder / "talks" / "b.mp3").touch()
    inputs, _ = find_inputs(["talks"], None)

    with pytest.raises(
        UserError, match=r"b\.mp3 and talks/b\.wav would both be written as b; .*or rename one"
    ):
        check_outputs(inputs, "--output-dir", str)


def test_standard_input_can_be_read_as_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"RIFF")))
    inputs, _ = find_inputs(["other.wav", "-"], None)

    with readable(inputs) as (paths, refused):
        assert refused == []
        kept, read = paths
        assert (kept, read.read_bytes()) == (Path("other.wav"), b"RIFF")
        assert paths[read].stem == Path("stdin")
    assert not read.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system names no pipes")
def test_pipes_can_be_read_as_files(folder: Path) -> None:
    for name in ("one", "two"):
        os.mkfifo(folder / name)
    inputs, _ = find_inputs(["one", "two", "other.wav"], None)
    assert [one.is_stream for one in inputs] == [True, True, False]

    senders = [
        threading.Thread(target=(folder / name).write_bytes, args=(name.encode(),))
        for name in ("one", "two")
    ]
    for sender in senders:
        sender.start()
    with readable(inputs) as (paths, refused):
        assert refused == []
        first, second, kept = paths
        assert kept == Path("other.wav")
        assert [p.read_bytes() for p in (first, second)] == [b"one", b"two"]
        assert [one.name for one in paths.values()] == ["one", "two", "other.wav"]
    for sender in senders:
        sender.join()


@pytest.fixture
def stream(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Standard input, which holds eight bytes."""
    source = Mock(buffer=io.BytesIO(b"RIFFRIFF"), fileno=Mock(side_effect=io.UnsupportedOperation))
    monkeypatch.setattr(sys, "stdin", source)
    return source


def refusal() -> str:
    """What is said of standard input, beside which a file is read."""
    with readable(find_inputs(["-", "other.wav"], None)[0]) as (paths, refused):
        assert [one.name for one in paths.values()] == ["other.wav"]
        ((one, error),) = refused
    assert one.name == "-"
    return str(error)


def test_a_stream_that_cannot_be_read_does_not_stop_the_others(stream: Mock) -> None:
    stream.buffer = Mock(read=Mock(side_effect=OSError(9, "Bad file descriptor")))
    assert refusal() == "-: cannot be read: Bad file descriptor; send a recording"


def test_a_stream_without_end_is_refused(stream: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "LONGEST_STREAM_BYTES", 7)
    assert refusal().startswith("-: is longer than ")
    stream.buffer.seek(0)
    monkeypatch.setattr(inputs, "LONGEST_STREAM_BYTES", 8)
    with readable(find_inputs(["-"], None)[0]) as (_, refused):
        assert refused == []


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
def test_a_device_is_refused_without_being_read(folder: Path) -> None:
    wanted, _ = find_inputs(["/dev/zero", "other.wav"], None)
    with readable(wanted) as (_, refused):
        assert [str(error) for _, error in refused] == [
            "/dev/zero: this is a device; send a recording, or name a file"
        ]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.ENOENT])
def test_without_room_or_folder_for_a_stream_files_are_read(
    stream: Mock, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    for maker in ("TemporaryFile", "TemporaryDirectory"):
        monkeypatch.setattr(inputs, maker, Mock(side_effect=OSError(error, os.strerror(error))))
    assert refusal() == f"-: cannot be read: {os.strerror(error)}; save it to a file, and name that"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no files without names here")
def test_a_killed_process_leaves_nothing_of_a_stream(tmp_path: Path) -> None:
    code = (
        "import os, signal; from asr.cli.inputs import find_inputs, readable\n"
        "with readable(find_inputs(['-'], None)[0]) as (paths, _):\n"
        "    print(*(path.read_bytes() for path in paths), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=b"RIFF", capture_output=True, cwd=tiny.ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert (done.stdout, done.returncode) == (b"b'RIFF'\n", -signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []
