"""`asr transcribe` and `asr align` with folders, names and outputs as people have them."""

import io
import os
import socket
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import soundfile
from random_models import random_model, random_tokenizer

from asr.cli import main
from asr.cli.made_from import LEDGER_NAME
from asr.model.model_file import save_model
from asr.util.paths import MODEL_NAME

RATE = 16000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    made = random_model()
    save_model(folder / MODEL_NAME, made.state_dict(), made.settings, random_tokenizer(), {})
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(path: Path, seed: int = 0, channels: int = 1, seconds: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).standard_normal((int(seconds * RATE), channels))
    soundfile.write(path, 0.1 * noise, RATE)
    return path


def transcribe(model: Path, *arguments: object) -> int:
    return main(["transcribe", *map(str, arguments), "--model", str(model)])


def lines(printed: str) -> list[str]:
    return [line.partition("\t")[0] for line in printed.splitlines()]


@pytest.mark.parametrize("bad", ["nowhere", "loop", "fifo", "socket", "latin", "text"])
def test_one_bad_item_of_a_folder_fails_alone(
    place: Path, model: Path, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record(place / "talks/a.wav")
    record(place / "talks/z.wav")
    item, waited = place / "talks/m.wav", None
    if bad == "nowhere":
        item.symlink_to("gone.wav")
    elif bad == "loop":
        item.symlink_to("m.wav")
    elif bad == "fifo":
        os.mkfifo(item)
    elif bad == "socket":
        waited = socket.socket(socket.AF_UNIX)
        waited.bind("talks/m.wav")
    elif bad == "latin":
        record(place / "talks" / "b.wav").rename(place / "talks" / os.fsdecode(b"m\xfc.wav"))
    else:
        item.write_text("no audio")

    status = transcribe(model, "talks")

    printed = capsys.readouterr()
    assert lines(printed.out) == ["talks/a.wav", "talks/z.wav"]
    left_out = bad in ("fifo", "socket")
    assert status == (0 if left_out else 1)
    first = printed.err.splitlines()[0]
    assert ("left out talks/m.wav: a pipe, a socket" in first) == left_out
    assert "talks/m" in first
    if waited:
        waited.close()


def test_a_link_names_its_own_output(place: Path, model: Path) -> None:
    record(place / "store/0001.wav")
    (place / "talk.wav").symlink_to("store/0001.wav")
    assert transcribe(model, "talk.wav", "store/0001.wav", "--output-dir", "out") == 0
    assert (place / "out/talk.txt").read_text() == (place / "out/0001.txt").read_text()


def test_what_is_left_out_of_a_folder_is_counted(
    place: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(place / "talks/a.wav")
    for name in ("a.txt", "b.txt", "c.jpg", "notes"):
        (place / "talks" / name).touch()
    assert transcribe(model, "talks") == 0
    assert capsys.readouterr().err == (
        "asr: note: talks: left out 4 that are not called audio: "
        "2 .txt, 1 .jpg, 1 without a suffix\n"
    )


@pytest.mark.parametrize(
    "name",
    ["a.m4v", "a.avi", "a.ts", "a.mpg", "a.mp2", "a.eac3", "a.ac3", "a.mka", "a.mts", "a.3gp",
     "a.dts", "a.ape", "a.wv", "a.tta", "a.aifc", "a.caf", "a.wma", "a.VOB", "a.weba", "a.mxf"],
)  # fmt: skip
def test_a_folder_knows_what_is_audio(place: Path, name: str) -> None:
    from asr.cli.inputs import find_inputs

    (place / name).touch()
    assert [one.name for one in find_inputs([str(place)], None)[0]] == [str(place / name)]


def changed_recording(place: Path) -> list[str]:
    record(place / "talks/a.wav", seed=1, seconds=1.2)
    return ["talks/a.wav"]


def other_channel(_: Path) -> list[str]:
    return ["talks/a.wav", "--channel", "left"]


def other_decoding(_: Path) -> list[str]:
    return ["talks/a.wav", "--beam", "2"]


def other_part(_: Path) -> list[str]:
    return ["talks/a.wav", "--start", "0.5"]


@pytest.mark.parametrize("change", [changed_recording, other_channel, other_decoding, other_part])
def test_what_was_made_otherwise_is_made_again(
    place: Path, model: Path, change, capsys: pytest.CaptureFixture[str]
) -> None:
    record(place / "talks/a.wav")
    assert transcribe(model, "talks/a.wav", "--output-dir", "out") == 0
    before = (place / "out/a.txt").stat().st_ino
    assert transcribe(model, place / "talks/a.wav", "--output-dir", "out") == 0
    assert (place / "out/a.txt").stat().st_ino == before, "the same, by another name of it"
    capsys.readouterr()

    assert transcribe(model, *change(place), "--output-dir", "out") == 0

    assert capsys.readouterr().err == "1 transcribed, 0 finished before\n"
    assert (place / "out/a.txt").stat().st_ino != before


def test_another_model_writes_again(
    place: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(place / "a.wav")
    assert transcribe(model, "a.wav", "--output-dir", "out") == 0
    content = (model / MODEL_NAME).read_bytes()
    (place / "copy").mkdir()
    (place / "copy" / MODEL_NAME).write_bytes(content)
    assert transcribe(place / "copy", "a.wav", "--output-dir", "out") == 0
    assert capsys.readouterr().err.endswith("0 transcribed, 1 finished before\n"), "a copy"
    other = (
        random_model(hidden_size=9) if "hidden_size" in random_model.__code__.co_varnames else None
    )
    if other is None:
        other = random_model()
        for value in other.state_dict().values():
            if value.is_floating_point():
                value += 0.5
    save_model(
        place / "copy" / MODEL_NAME, other.state_dict(), other.settings, random_tokenizer(), {}
    )
    assert transcribe(place / "copy", "a.wav", "--output-dir", "out") == 0
    assert capsys.readouterr().err.endswith("1 transcribed, 0 finished before\n")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda out: (out / LEDGER_NAME).unlink(), "is there already, and was not made from"),
        (lambda out: (out / "a.txt").write_text("mine"), "and changed by hand; give another"),
    ],
)
def test_what_is_not_known_to_be_ours_is_not_replaced(
    place: Path, model: Path, spoil, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record(place / "a.wav")
    command = ("a.wav", "--output-dir", "out")
    assert transcribe(model, *command) == 0
    spoil(place / "out")
    kept = (place / "out/a.txt").read_text()
    record(place / "a.wav", seed=1, seconds=1.2)
    capsys.readouterr()
    assert transcribe(model, *command) == 1
    printed = capsys.readouterr().err
    assert said in printed and "--overwrite writes it again" in printed
    assert "0 transcribed, 0 finished before" in printed
    assert (place / "out/a.txt").read_text() == kept
    assert transcribe(model, *command, "--overwrite") == 0


def test_another_recording_of_the_stem_is_refused(
    place: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in ("monday", "tuesday"):
        record(place / day / "a.wav", seed=len(day))
    assert transcribe(model, "monday/a.wav", "--output-dir", "out") == 0
    assert transcribe(model, "tuesday/a.wav", "--output-dir", "out") == 1
    assert f"out/a.txt: was made from {place}/monday/a.wav, not from" in capsys.readouterr().err


def test_what_a_recording_lacks_is_told_and_strict_refuses(
    place: Path, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = record(place / "a.wav").read_bytes()[: -int(0.2 * 2 * RATE)]
    (place / "a.wav").write_bytes(content)
    assert transcribe(model, "./a.wav") == 0
    printed = capsys.readouterr()
    assert lines(printed.out) == ["./a.wav"]
    assert printed.err == "asr: warning: ./a.wav: ends 0.2 s before its header says it does\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert transcribe(model, "-") == 0
    assert capsys.readouterr().err == "asr: warning: -: ends 0.2 s before its header says it does\n"
    assert transcribe(model, "a.wav", "--strict") == 1
    assert capsys.readouterr().err == (
        "asr: a.wav: ends 0.2 s before its header says it does; copy or convert the file again\n"
    )


@pytest.mark.parametrize("flags", [["--channel", "2"], ["--start", "0.25", "--duration", "0.5"]])
def test_align_reads_what_transcribe_reads(
    place: Path, model: Path, flags: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    content = record(place / "a.wav", channels=2, seconds=0.9).read_bytes()
    (place / "text").write_text("A\n")
    printed = []
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    for audio in ("a.wav", "-", f"/dev/fd/{reading}"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert main(["align", audio, "text", "--model", str(model), *flags]) == 0
        printed.append(capsys.readouterr().out.split("\t", 1)[1])
    os.close(reading)
    assert len(set(printed)) == 1
    if "--start" in flags:
        assert 0.25 <= float(printed[0].split("\t")[0]) <= 0.75
    assert main(["transcribe", "a.wav", "--model", str(model), *flags, "--format", "json"]) == 0


def test_align_refuses_what_is_cut_short_unless_told(
    place: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "text").write_text("A\n")
    (place / "a.wav").write_bytes(record(place / "a.wav").read_bytes()[:-9000])
    command = ["align", "a.wav", "text", "--model", str(model)]
    assert main(command) == 1
    assert "asr: a.wav: ends 0.28 s before its header" in capsys.readouterr().err
    assert main([*command, "--no-strict"]) == 0
    assert "asr: warning: a.wav: ends 0.28 s before its header" in capsys.readouterr().err


def test_a_name_with_a_dash_is_told_how_to_be_given(
    place: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(place / "-dash.wav")
    with pytest.raises(SystemExit):
        transcribe(model, "-dash.wav")
    assert "a file of this name is given after -- or as ./-dash.wav" in capsys.readouterr().err
    for named in (["./-dash.wav"], ["--", "-dash.wav"]):
        assert main(["transcribe", "--model", str(model), *named]) == 0


@pytest.mark.parametrize("flags", [["--start", "-1"], ["--duration", "x"], ["--track", "0"],
                                   ["--channel", "middle"]])  # fmt: skip
def test_a_part_that_there_is_not_is_refused(
    place: Path, model: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        transcribe(model, "a.wav", f"{flags[0]}={flags[1]}")
    assert "expected" in capsys.readouterr().err


def test_files_need_no_temporary_folder(
    place: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record(place / "a.wav")
    missing = Mock(side_effect=FileNotFoundError(2, "No usable temporary directory found"))
    monkeypatch.setattr("tempfile.gettempdir", missing)
    monkeypatch.setattr("tempfile._get_default_tempdir", missing)
    assert transcribe(model, "a.wav") == 0
    assert lines(capsys.readouterr().out) == ["a.wav"]


def test_messages_that_nobody_can_see_end_no_work(
    place: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The terminal was closed: every write to it fails."""
    for name in "abc":
        record(place / f"{name}.wav")
    (place / "b.wav").write_text("no audio")
    reading, writing = os.openpty()
    os.close(reading)
    terminal = os.fdopen(writing, "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", terminal)
    assert transcribe(model, ".") == 1
    assert lines(capsys.readouterr().out) == ["a.wav", "c.wav"]
    with pytest.raises(OSError):  # the messages that are still buffered
        terminal.close()
