"""The whole way, tiny: prepare, train, evaluate, transcribe, and the same from Python."""

import json
import sys

import numpy as np
import pytest
import soundfile
import tiny
import torch
from lhotse import CutSet

import asr
from asr.cli import main
from asr.model.model_file import load_model, save_model


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
        "espeakng_loader", reason="the synthetic corpus needs the extra asr[espeak]"
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


def words_with_times(audio, run_dir, *flags: str):
    """Transcribe a recording; give its words, and check that they are its text."""
    options = [str(flag) for flag in flags]
    decoding = run_dir / "flags.yaml"
    decoding.write_text("\n".join(options))
    transcript = asr.load(run_dir, decoding if options else None).transcribe(audio)
    assert " ".join(word.text for word in transcript.words) == transcript.text
    assert "\u2581" not in transcript.text
    return transcript.text.split()


def test_bpe_subwords(tones, tmp_path, capsys, monkeypatch):
    """A model of BPE subwords is trained, resumed, tuned and scored, and transcribes by itself."""
    pytest.importorskip("sentencepiece", reason="BPE subwords need the extra asr[bpe]")
    run_dir = tmp_path / "run"
    bpe = ("tokens=bpe", "tokens.subwords=6", "trainer.epochs=1")
    report = run_through("own", tones, run_dir, capsys, *bpe)
    assert report["words"]["reference_length"] == 8
    assert main(tiny.arguments(tones, run_dir, *bpe, "trainer.epochs=2")) == 0
    assert "resumes at epoch 2" in capsys.readouterr().err

    model, tokenizer = load_model(run_dir)
    assert tokenizer.boundary == "\u2581"
    assert "\u2581ab" in tokenizer.tokens
    with torch.no_grad():
        model.head.bias[0] -= 20  # so short a training learns nothing but the blank
    save_model(run_dir / "model.safetensors", model.state_dict(), model.settings, tokenizer, {})

    text, subwords = tmp_path / "text", tmp_path / "subwords"
    text.write_text("ab a\na ba ab\n" * 3)
    lines = [[tokenizer.tokens[i] for i in tokenizer.encode(line)] for line in ("ab a", "a ba ab")]
    subwords.write_text("\n".join(map(" ".join, lines * 3)))
    for name in (text, subwords):
        command = ["lm", "train", str(name), "--order", "2", "--output", f"{name}.arpa"]
        assert main(command) == 0
    tuned = ["tune", str(tones / "dev.jsonl.gz"), "--model", str(run_dir), "--beam", "4"]
    assert main([*tuned, "--lm", f"{text}.arpa", "--output", str(run_dir / "decoding.yaml")]) == 0

    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    audio = tones / "test-00.wav"
    assert words_with_times(audio, run_dir)
    assert words_with_times(audio, run_dir, "search: beam", f"lm: {text}.arpa")
    assert words_with_times(
        audio, run_dir, "search: beam", f"lm: {subwords}.arpa", "lm_unit: token"
    )
    (run_dir / "words").write_text("ab\naba\n")
    assert set(words_with_times(audio, run_dir, "search: beam", "lexicon: words")) <= {"ab", "aba"}
    assert words_with_times(audio, run_dir, "search: beam", "hotwords: words")
    assert asr.load(run_dir, run_dir / "decoding.yaml").transcribe(audio).text
