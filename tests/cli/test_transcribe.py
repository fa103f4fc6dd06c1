"""`asr transcribe`: what it prints, writes, skips and refuses."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tiny
from random_models import random_model, random_tokenizer

from asr.cli import main
from asr.cli.outputs import Outputs
from asr.formats import FORMATS, About
from asr.model.model_file import save_model
from asr.util.errors import UserError
from asr.util.paths import MODEL_NAME

RATE = 16000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and below talks/ two good recordings, one in a folder of its own, and a bad one."""
    folder = tmp_path_factory.mktemp("place")
    model = random_model()
    save_model(folder / MODEL_NAME, model.state_dict(), model.settings, random_tokenizer(), {})
    generator = np.random.default_rng(0)
    (folder / "talks" / "day").mkdir(parents=True)
    for name in ("a", "day/b"):
        both = 0.1 * generator.standard_normal((RATE, 2))
        soundfile.write(folder / "talks" / f"{name}.wav", both, RATE)
    (folder / "talks" / "bad.wav").write_text("no audio")
    return folder


def run(place: Path, *arguments: object) -> int:
    return main(["transcribe", *map(str, arguments), "--model", str(place)])


def files(folder: Path) -> list[str]:
    return sorted(
        str(p.relative_to(folder))
        for p in folder.rglob("*")
        if p.is_file() and not p.name.startswith(".")
    )


def test_files_are_written_beside_a_bad_one(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    assert run(place, place / "talks", "--output-dir", out, "--format", "srt,json") == 1

    assert files(out) == ["a.json", "a.srt", "day/b.json", "day/b.srt"]
    printed = capsys.readouterr()
    assert printed.out == ""
    first, *others = printed.err.splitlines()
    assert first.startswith(f"asr: {place}/talks/bad.wav: not audio")
    assert others == ["2 transcribed, 0 finished before", "asr: 1 of 3 files failed"]
    told = json.loads((out / "a.json").read_text())
    assert told["text"]
    assert told["path"] == f"{place}/talks/a.wav"
    assert told["settings"]["channel"] == "mix" and told["settings"]["vad"] == "energy"
    assert told["settings"]["decoding"]["search"] == "greedy"


def test_recordings_of_one_name_are_not_mixed_on_the_screen(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.wav").write_bytes((place / "talks/a.wav").read_bytes())
    assert run(place, place / "talks/a.wav", tmp_path / "a.wav", "--format", "stm") == 1
    printed = capsys.readouterr()
    assert "--format stm: " in printed.err and "would both be written as a; " in printed.err
    assert printed.out == ""


def test_the_same_command_goes_on(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (place / "talks/a.wav", place / "talks/day/b.wav", "--output-dir", tmp_path)
    assert run(place, *command) == 0
    assert files(tmp_path) == ["a.txt", "b.txt"]
    expected = (tmp_path / "a.txt").read_text()
    (tmp_path / "a.txt").unlink()
    (tmp_path / "b.txt").write_text("mine")
    capsys.readouterr()

    assert run(place, *command) == 0
    assert capsys.readouterr().err == "1 transcribed, 1 finished before\n"
    assert (tmp_path / "a.txt").read_text() == expected
    assert (tmp_path / "b.txt").read_text() == "mine"

    assert run(place, *command, "--format", "txt,srt") == 0
    assert (tmp_path / "b.txt").read_text() == "mine", "what a hand corrected stays"
    assert (tmp_path / "b.srt").is_file()

    (tmp_path / "a.txt").write_text("mine")
    assert run(place, *command, "--overwrite") == 0
    assert (tmp_path / "a.txt").read_text() == expected


def test_ctrl_c_keeps_what_is_done(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Outputs.put

    def interrupted(self: Outputs, *arguments: Any) -> None:
        put(self, *arguments)
        raise KeyboardInterrupt

    command = (place / "talks/a.wav", place / "talks/day/b.wav", "--output-dir", tmp_path)
    monkeypatch.setattr(Outputs, "put", interrupted)
    assert run(place, *command) == 130
    assert files(tmp_path) == ["a.txt"]
    monkeypatch.undo()
    assert run(place, *command) == 0
    assert files(tmp_path) == ["a.txt", "b.txt"]


def test_an_output_that_cannot_be_written_does_not_stop_the_others(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").mkdir()
    command = (place / "talks/a.wav", place / "talks/day/b.wav", "--output-dir", tmp_path)

    assert run(place, *command) == 1

    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith(f"asr: {tmp_path}/a.txt: cannot be written: ")
    assert others == ["1 transcribed, 0 finished before", "asr: 1 of 2 files failed"]
    assert files(tmp_path) == ["b.txt"]


def test_a_name_forges_no_line(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = (tmp_path / f"{name}\nb.wav\tYES\x1b[2J.wav" for name in "ac")
    good.write_bytes((place / "talks/a.wav").read_bytes())
    bad.write_text("no audio")

    assert run(place, good, bad) == 1
    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    assert line.startswith(f"{tmp_path}/a\\nb.wav\\tYES\\x1b[2J.wav\t")
    assert line.count("\t") == 1
    refusal, _count = printed.err.splitlines()
    assert refusal.startswith(f"asr: {tmp_path}/c\\nb.wav\\tYES\\x1b[2J.wav: not audio")

    assert run(place, good, "--format", "ctm") == 0
    assert all(" A " in line for line in capsys.readouterr().out.splitlines())


def test_a_format_that_fails_is_the_failure_of_one_file(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(transcripts: object, about: About) -> str:
        return "written" if about.name == "b" else 1 / 0  # type: ignore[return-value]

    monkeypatch.setitem(FORMATS, "txt", failing)
    assert run(place, place / "talks/a.wav", place / "talks/day/b.wav", "--output-dir", tmp_path)
    assert files(tmp_path) == ["b.txt"]
    assert f"asr: {place}/talks/a.wav: ZeroDivisionError (" in capsys.readouterr().err


def test_channels_can_be_transcribed_apart(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audio = place / "talks/a.wav"
    assert run(place, audio, "--channel", "each") == 0
    left, right = capsys.readouterr().out.splitlines()
    assert left.startswith(f"{audio} [left]\t") and right.startswith(f"{audio} [right]\t")
    assert run(place, audio, "--channel", "right") == 0
    assert capsys.readouterr().out == right.replace(" [right]", "") + "\n"
    assert run(place, audio, "--channel", "each", "--output-dir", tmp_path, "--format", "json") == 0
    segments = json.loads((tmp_path / "a.json").read_text())["segments"]
    assert {segment["channel"] for segment in segments} == {"left", "right"}


def test_standard_input_is_transcribed_and_one_format_printed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (place / "talks/a.wav").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert run(place, "-", "--format", "srt") == 0
    assert capsys.readouterr().out.startswith("1\n00:00:0")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"no audio")))
    assert run(place, "-") == 1
    assert capsys.readouterr().err.startswith("asr: -: not audio that can be read")


def test_standard_input_is_never_finished(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stdin.txt").write_text("what came in before")
    data = io.BytesIO((place / "talks/a.wav").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    assert run(place, "-", "--output-dir", tmp_path) == 0
    assert (tmp_path / "stdin.txt").read_text() != "what came in before"


def test_a_pipe_is_standard_input(place: Path) -> None:
    command = [sys.executable, "-m", "asr", "transcribe", "-", "--model", str(place)]
    with (place / "talks/a.wav").open("rb") as audio:
        sender = subprocess.Popen(["cat"], stdin=audio, stdout=subprocess.PIPE)
        done = subprocess.run(
            command, stdin=sender.stdout, capture_output=True, text=True, cwd=tiny.ROOT
        )
    sender.wait()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("-\t")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.wav", "--format", "srt,json"], "one alone can be printed; add --output-dir"),
        (["a.wav", "--format", "jason"], "unknown format 'jason'; did you mean json?"),
        (["x/a.wav", "y/a.wav", "--output-dir", "out"], "would both be written as a"),
        (["a.wav", "b.wav", "--format", "srt"], "one recording alone can be printed, found 2; add"),
        (["a.wav", "--output-dir", __file__], f"--output-dir {__file__}: cannot be made or"),
        ([], "no recordings named"),
    ],
)
def test_a_mistake_is_refused_before_any_work(
    place: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("asr.inference.recognizer.load", None)
    assert run(place, *arguments) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


@pytest.mark.parametrize("verb", ["transcribe", "evaluate"])
def test_the_device_is_that_of_the_flag(
    place: Path,
    tmp_path: Path,
    verb: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    (tmp_path / "a.wav").write_bytes((place / "talks/a.wav").read_bytes())
    (tmp_path / "a.txt").write_text("YES")

    def no_device(_: object, device: str, precision: str) -> None:
        asked.append((device, precision))
        raise UserError("device: none here")

    monkeypatch.setattr("asr.inference.recognizer.open_engine", no_device)
    command = [verb, str(tmp_path), "--model", str(place)]

    assert [main(command), main([*command, "--device", "cuda"])] == [1, 1]

    assert asked == [("cpu", "auto"), ("cuda", "auto")]
    told = capsys.readouterr().err.splitlines()
    assert [one for one in told if "note: " not in one] == 2 * ["asr: device: none here"]


def test_a_complaint_names_the_file_as_it_was_typed(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("no audio")
    assert run(place, "./a") == 1
    assert capsys.readouterr().err.startswith("asr: ./a: not audio that can be read (")


def test_there_is_no_picture_of_nothing(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(place, tmp_path / "empty", "--picture", tmp_path / "drawn.png") == 1
    said = capsys.readouterr().err
    assert "no audio files in this folder" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("audio", "picture", "said"),
    [
        ("bad.wav", "drawn.png", "bad.wav: not audio"),
        ("a.wav", "bad.wav/drawn.png", "drawn.png: cannot be written: "),
        ("a.wav", "drawn.bmpp", "drawn.bmpp: cannot be drawn ("),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_one_message_and_nothing_is_lost(
    place: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    audio: str,
    picture: str,
    said: str,
) -> None:
    talks, out = place / "talks", tmp_path / "out"
    path = talks / picture if "/" in picture else tmp_path / picture

    assert run(place, talks / audio, talks / "day/b.wav", "--output-dir", out, "--picture", path)

    printed = capsys.readouterr().err
    assert printed.count(said) == printed.count("asr: /") == 1
    assert f"{2 - printed.count('not audio')} transcribed, 0 finished before\n" in printed
    assert not path.exists()
