"""The whole way, tiny: prepare, train, evaluate, transcribe, and the same from Python."""

import json

import numpy as np
import pytest
import soundfile
import tiny
from lhotse import CutSet

import asr
from asr.cli import main


def words_of(manifest):
    return {cut.id: cut.supervisions[0].text for cut in CutSet.from_file(manifest)}


def run_through(recipe: str, cuts, run_dir, capsys, *overrides: str) -> dict:
    """Train on prepared cuts, evaluate, transcribe by command and from Python; give the report."""
    command = tiny.arguments(cuts, run_dir, *overrides)
    command[1] = recipe
    assert main(command) == 0
    capsys.readouterr()

    report = run_dir / "report.json"
    test = cuts / "test.jsonl.gz"
    assert main(["evaluate", str(test), "--model", str(run_dir), "--json", str(report)]) == 0
    assert "WER" in capsys.readouterr().out

    audio = [cut.recording.sources[0].source for cut in CutSet.from_file(test)]
    assert main(["transcribe", "--model", str(run_dir), *audio]) == 0
    lines = capsys.readouterr().out.splitlines()
    recognizer = asr.load(run_dir)
    assert lines == [f"{path}\t{recognizer.transcribe(path).text}" for path in audio]
    assert recognizer.transcribe(audio[0]).duration_s > 0.1
    return json.loads(report.read_text())


def test_digits(tmp_path, capsys):
    pytest.importorskip(
        "espeakng_loader", reason="the synthetic corpus needs the extra asr[digits]"
    )
    cuts = tmp_path / "digits"
    assert main(["prepare", "digits", "--output", str(cuts), "--size", "20"]) == 0
    assert "train" in capsys.readouterr().out
    report = run_through("digits", cuts, tmp_path / "run", capsys, "data.batch_s=20")
    assert report["wer"] > 0
    model = asr.load(tmp_path / "run")
    said = "".join(words_of(cuts / "train.jsonl.gz").values())
    assert set(model.tokenizer.tokens[1:]) == set(said)


def test_an_own_folder(tmp_path, capsys):
    """Mixed case, punctuation, a byte order mark and a sample rate of its own."""
    recordings = tmp_path / "My Recordings"
    texts = ["Hello, World!", "GOOD morning...", "it's  Nine o\u2019clock?", "\ufeffYes; no."]
    rng = np.random.default_rng(0)
    for speaker in range(10):
        folder = recordings / f"speaker {speaker}"
        folder.mkdir(parents=True)
        for number in range(3):
            samples = 0.1 * rng.standard_normal(int(44100 * rng.uniform(1.5, 2)))
            soundfile.write(folder / f"Take {number}.wav", samples, 44100)
            text = texts[int(rng.integers(len(texts)))]
            (folder / f"Take {number}.txt").write_text(text, encoding="utf-8")
    cuts = tmp_path / "cuts"
    assert main(["prepare", "folder", str(recordings), "--output", str(cuts)]) == 0
    assert "test" in capsys.readouterr().out

    splits = [words_of(cuts / f"{name}.jsonl.gz") for name in ("train", "dev", "test")]
    assert sum(map(len, splits)) == 30
    assert all(splits)
    run_through("own", cuts, tmp_path / "run", capsys, "data.batch_s=10")
    tokens = asr.load(tmp_path / "run").tokenizer.tokens
    assert "H" not in tokens and "!" not in tokens and "," not in tokens
    assert {"h", "'", " "} <= set(tokens)
