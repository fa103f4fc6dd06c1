"""`asr evaluate` takes speech with transcripts as people keep it, and writes nothing beside it."""

import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from phone_files import encode
from random_models import random_model, random_tokenizer

from asr.cli import main
from asr.data.manifests import load_waveform
from asr.model.model_file import save_model
from asr.util.errors import UserError


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    network = random_model()
    save_model(path, network.state_dict(), network.settings, random_tokenizer(), {})
    return path


def table(folder: Path) -> Path:
    (folder / "all.csv").write_text("path,text\na.wav,a bad cab\nb.wav,[noise] a dad\n")
    return folder / "all.csv"


def beside(folder: Path) -> Path:
    for name, text in (("a", "a bad cab"), ("b", "[noise] a dad")):
        (folder / f"{name}.txt").write_text(text)
    return folder


def splits(folder: Path) -> Path:
    for name, split in (("a", "test"), ("b", "test"), ("c", "train")):
        (folder / split).mkdir(exist_ok=True)
        (folder / f"{name}.wav").rename(folder / split / f"{name}.wav")
        (folder / split / f"{name}.txt").write_text("a bad cab" if name == "a" else "a dad")
    return folder


def kaldi(folder: Path) -> Path:
    (folder / "test").mkdir()
    (folder / "test" / "wav.scp").write_text("a a.wav\nb b.wav\n")
    (folder / "test" / "text").write_text("a a bad cab\nb <unk> a dad\n")
    return folder / "test"


def stm(folder: Path) -> Path:
    lines = "a 1 ann 0.0 0.5 <o> a bad cab\nb 1 bob 0.0 0.5 <o> a dad (laughter)\n"
    (folder / "ref.stm").write_text(lines)
    return folder / "ref.stm"


def nemo(folder: Path) -> Path:
    entries = [
        {"audio_filepath": "a.wav", "duration": 0.5, "text": "a bad cab"},
        {"audio_filepath": "/moved/b.wav", "duration": 0.5, "text": "a dad"},
    ]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, entries)))
    return folder / "manifest.jsonl"


@pytest.mark.parametrize("lay", [table, beside, splits, kaldi, stm, nemo])
def test_a_test_set_in_any_layout(model, tmp_path, capsys, lay):
    own = tmp_path / "own"
    own.mkdir()
    names = ("a", "b") if lay is beside else ("a", "b", "c")
    for name in names:
        noise = np.random.default_rng(ord(name)).standard_normal(8000)
        soundfile.write(own / f"{name}.wav", 0.1 * noise, 16000)
    source = lay(own)
    before = {path: path.stat().st_mtime_ns for path in own.rglob("*")}
    report = tmp_path / "report.json"
    assert main(["evaluate", str(source), "--model", str(model), "--json", str(report)]) == 0
    found = json.loads(report.read_text())
    references = {
        one["utterance_id"].removeprefix("test-")[:1]: one["reference"] for one in found["results"]
    }
    assert references == {"a": "a bad cab", "b": "a dad"}
    assert {path: path.stat().st_mtime_ns for path in own.rglob("*")} == before
    tagged = lay in (table, beside, kaldi, stm)
    assert ("left out of the references" in capsys.readouterr().err) == tagged


def test_what_cannot_be_scored_is_named_and_the_others_are(model, tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", np.full(8000, 0.1), 16000)
    beside(tmp_path)
    assert main(["evaluate", str(tmp_path), "--model", str(model)]) == 1
    printed = capsys.readouterr()
    assert f"{tmp_path}/b.txt:1: missing audio: {tmp_path}/b.wav" in printed.err
    assert "Left out: 1 of 2 utterances" in printed.out


def test_a_folder_without_speech_is_refused(model, tmp_path, capsys):
    assert main(["evaluate", str(tmp_path), "--model", str(model)]) == 1
    assert "no recordings found; expected wav, flac, mp3" in capsys.readouterr().err


LEFT, RIGHT = 0.05, 0.2


def sounds(level: float) -> np.ndarray:
    return level * np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)


@pytest.fixture
def calls(tmp_path) -> Path:
    """A call with another speaker in each channel, and one of its speakers alone."""
    sides = np.stack([sounds(LEFT), sounds(RIGHT)], axis=1)
    soundfile.write(tmp_path / "both.wav", sides, 16000)
    soundfile.write(tmp_path / "one.wav", sides[:, 1], 16000)
    for name in ("both", "one"):
        (tmp_path / f"{name}.csv").write_text(f"path,text\n{name}.wav,a dad\n")
    return tmp_path


@pytest.fixture
def loaded(monkeypatch) -> list[float]:
    """The loudest sample of each utterance that is scored."""
    levels = []

    def load(cut, sample_rate):
        samples = load_waveform(cut, sample_rate)
        levels.append(round(float(np.abs(samples).max()), 3))
        return samples

    monkeypatch.setattr("asr.data.dataset.load_waveform", load)
    return levels


def test_a_channel_is_scored_alike_in_a_folder_and_a_manifest(model, calls, loaded, capsys):
    prepare = ["prepare", "folder", str(calls / "both.csv"), "--into", "test"]
    assert main([*prepare, "--output", str(calls)]) == 0
    right = ["--channel", "right"]
    for source, flags in (
        ("both.csv", []),
        ("both.csv", right),
        ("both.csv", ["--channel", "2"]),
        ("test.jsonl.gz", []),
        ("test.jsonl.gz", right),
        ("one.csv", ["--channel", "1"]),
    ):
        assert main(["evaluate", str(calls / source), "--model", str(model), *flags]) == 0
    mixed = (LEFT + RIGHT) / 2
    assert loaded == pytest.approx([mixed, RIGHT, RIGHT, mixed, RIGHT, RIGHT], abs=0.01)
    capsys.readouterr()
    for source, flags in (
        ("one.csv", right),
        ("test.jsonl.gz", ["--channel", "3"]),
        ("test.jsonl.gz", ["--track", "2"]),
    ):
        assert main(["evaluate", str(calls / source), "--model", str(model), *flags]) == 1
    errors = capsys.readouterr().err
    assert f"{calls}/one.wav: has one channel, not a right one" in errors
    assert f"{calls}/both.wav: has 2 channels, not a channel 3; use --channel mix" in errors
    assert "test.jsonl.gz: a manifest names the audio of its recordings" in errors


def test_channels_and_tracks_of_files_that_are_converted(model, calls, loaded, capsys):
    sides, _ = soundfile.read(calls / "both.wav", dtype="float32")
    encode(calls / "both.mka", "flac", sides)
    (calls / "both.csv").write_text("path,text\nboth.mka,a dad\n")
    evaluate = ["evaluate", str(calls / "both.csv"), "--model", str(model)]
    for channel in ("left", "right", "mix"):
        assert main([*evaluate, "--channel", channel]) == 0
    assert loaded == pytest.approx([LEFT, RIGHT, (LEFT + RIGHT) / 2], abs=0.01)
    assert "the manifests name these" not in capsys.readouterr().err
    assert main(["evaluate", str(calls / "one.csv"), "--track", "2"]) == 1
    assert "one.wav: has one audio track, and no track 2" in capsys.readouterr().err


def test_no_temporary_folder_where_nothing_is_converted(model, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", sounds(LEFT), 16000)
    (tmp_path / "a.txt").write_text("a dad")

    def refuse(*_args, **_more):
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    assert main(["evaluate", str(tmp_path), "--model", str(model)]) == 0


def test_channels_that_cancel_each_other_are_told_of_once(model, tmp_path, capsys):
    one = sounds(LEFT)
    soundfile.write(tmp_path / "a.wav", np.stack([one, -one], axis=1), 16000)
    rows = "a.wav,a dad,0,0.25\na.wav,a bad cab,0.25,0.5\n"
    (tmp_path / "all.csv").write_text(f"path,text,start,end\n{rows}")
    assert main(["evaluate", str(tmp_path / "all.csv"), "--model", str(model)]) == 0
    assert capsys.readouterr().err.count("a.wav: its channels cancel each other; one of them") == 1


def test_standard_input_gives_a_manifest(model, tmp_path, capsys, monkeypatch):
    soundfile.write(tmp_path / "a.wav", sounds(LEFT), 16000)
    (tmp_path / "a.txt").write_text("a dad")
    assert (
        main(["prepare", "folder", str(tmp_path), "--into", "test", "--output", str(tmp_path)]) == 0
    )
    packed = (tmp_path / "test.jsonl.gz").read_bytes()
    refused = "-: expected a cut manifest, since a recording alone is no test set; give a folder"
    for content, status, said in (
        (packed, 0, ""),
        (gzip.decompress(packed), 0, ""),
        ((tmp_path / "a.wav").read_bytes(), 1, refused),
        (b"{}\n", 1, "asr: -:1: "),
        (b"", 1, refused),
    ):
        with (tmp_path / "stdin").open("w+b") as file:
            file.write(content)
            file.seek(0)
            stream = SimpleNamespace(buffer=io.BytesIO(content), fileno=file.fileno)
            monkeypatch.setattr("sys.stdin", stream)
            assert main(["evaluate", "-", "--model", str(model)]) == status
        assert said in capsys.readouterr().err


def test_flags_of_the_engine_mean_the_same_in_every_verb(model, tmp_path, monkeypatch, capsys):
    seen = []

    def note(stored, device="cpu", precision="auto"):
        seen.append((device, precision))
        raise UserError("enough")

    monkeypatch.setattr("asr.engine.choice.open_engine", note)
    monkeypatch.setattr("asr.inference.recognizer.open_engine", note)
    soundfile.write(tmp_path / "a.wav", sounds(LEFT), 16000)
    (tmp_path / "a.txt").write_text("a dad")
    engine = ["--model", str(model), "--device", "auto", "--precision", "float32"]
    output = ["--output", str(tmp_path / "d.yaml")]
    for command in (
        ["transcribe", str(tmp_path / "a.wav")],
        ["evaluate", str(tmp_path)],
        ["align", str(tmp_path / "a.wav"), str(tmp_path / "a.txt")],
        ["tune", str(tmp_path / "dev.jsonl.gz"), "--beam", "4", *output],
    ):
        assert main([*command, *engine]) == 1
    assert seen == 4 * [("auto", "float32")]
