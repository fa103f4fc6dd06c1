"""`asr evaluate` takes speech with transcripts as people keep it, and writes nothing beside it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from random_models import random_model, random_tokenizer

from asr.cli import main
from asr.model.model_file import save_model


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
