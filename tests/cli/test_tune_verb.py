"""`asr tune`: what it writes and prints."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from asr.cli import main
from asr.decoding.options import read_options
from asr.decoding.tokens import Tokens
from asr.inference.descent import SECOND_PASS_STEPS, STEPS
from asr.inference.second_pass import open_scorer
from asr.lm.neural.subwords import Subwords
from asr.model.neural_lm_file import write_neural_lm
from asr.util.errors import UserError
from asr.util.paths import LM_NAME, MODEL_NAME

ALPHABET = ("", "A", "B", " ")
LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def noisy(text: str, seed: int) -> np.ndarray:
    """Log-probs of a text, a frame a character and a blank after each."""
    ids = [i for character in text for i in (ALPHABET.index(character), 0)]
    logits = np.random.default_rng(seed).normal(size=(len(ids), 4))
    logits[np.arange(len(ids)), ids] += 2.0
    return (logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a model and its log-probabilities of three utterances in place of loading any."""
    (tmp_path / MODEL_NAME).touch()
    texts = ["A BA A", "AB", "A BA"]
    recognizer = SimpleNamespace(
        tokens=Tokens(ALPHABET), tokenizer=SimpleNamespace(normalize=str.upper)
    )
    held_out = [noisy(text, seed) for seed, text in enumerate(texts)], texts
    monkeypatch.setattr("asr.inference.recognizer.load", lambda *_, **_more: recognizer)
    monkeypatch.setattr("asr.inference.evaluation.held_out_log_probs", lambda *_: held_out)


def tune(folder: Path, output: str, *arguments: object) -> int:
    command = ["tune", "dev.jsonl.gz", "--model", folder, "--beam", 4, "--output", folder / output]
    return main([*map(str, command), *map(str, arguments)])


def test_the_best_settings_are_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words.txt").write_text("a\nba\nab\n")
    assert tune(tmp_path, "decoding.yaml", "--vocabulary", tmp_path / "words.txt") == 0
    options, printed = read_options(tmp_path / "decoding.yaml"), capsys.readouterr()
    lines = printed.out.splitlines()
    assert "dev.jsonl.gz: utterances: 3, words: 6; weights fitted to so few" in printed.err
    assert lines[1].split() == ["WER", "CER", *STEPS]
    assert float(lines[2].split()[3]) == options.word_score
    assert lines[-2] == f"confidence temperature {options.confidence_temperature:.2f}"
    assert lines[-1] == f"written to {tmp_path / 'decoding.yaml'}"


def test_a_file_that_cannot_be_written_does_not_take_the_tuning_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert tune(tmp_path, "file/decoding.yaml") == 1
    out, err = capsys.readouterr()
    assert "settings tried; the best:" in out
    assert "confidence temperature" in out
    assert "written to" not in out
    assert "cannot be written" in err


def test_a_temperature_that_no_word_fits_is_said_not_to_be_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silence = np.log(np.full((8, 4), 1e-9, np.float32))
    silence[:, 0] = 0.0
    held_out = [silence, silence], ["A", "B"]
    monkeypatch.setattr("asr.inference.evaluation.held_out_log_probs", lambda *_: held_out)
    assert tune(tmp_path, "decoding.yaml") == 0
    said = "confidence temperature 1.00, not fitted: the best settings recognize no word"
    assert said in capsys.readouterr().out.splitlines()


def test_a_second_pass_is_fitted_and_written_with_the_digest_of_its_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subwords, draw = Subwords(["▁", "A", "B"]), np.random.default_rng(1).normal
    shapes = {f"lstm.{kind}_l0": (16, *[4] * (kind[0] == "w")) for kind in LSTM}
    shapes |= {"embedding.weight": (5, 4), "bias": (5,)}
    weights = {name: draw(size=shape).astype(np.float32) for name, shape in shapes.items()}
    network = tmp_path / LM_NAME
    write_neural_lm(network, weights, subwords, {})
    assert tune(tmp_path, "decoding.yaml", "--neural-lm", network) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if "of the second pass tried" in line)
    assert lines[at + 1].split() == ["WER", "CER", *SECOND_PASS_STEPS]

    options = read_options(tmp_path / "decoding.yaml")
    assert options.neural_lm == network
    fitted = [f"{getattr(options, name):.3f}" for name in SECOND_PASS_STEPS]
    assert fitted == lines[at + 2].split()[2:]
    start = options.lm_weight, options.word_score, options.blank_penalty
    again = "--neural-lm", network, "--keep-search", "--decoding", tmp_path / "decoding.yaml"
    assert tune(tmp_path, "again.yaml", *again) == 0
    assert "of the second pass tried" in capsys.readouterr().out.splitlines()[0]
    kept = read_options(tmp_path / "again.yaml")
    assert (kept.lm_weight, kept.word_score, kept.blank_penalty) == start

    scorer = open_scorer(options)
    assert scorer is not None
    assert (scorer([["A"], []]) < 0).all()
    write_neural_lm(network, weights, subwords, {"changed": True})
    with pytest.raises(UserError, match=r"yaml:17: .*not the language model these weights"):
        read_options(tmp_path / "decoding.yaml")
    with pytest.raises(UserError, match="not the language model these weights"):
        open_scorer(options)


def test_a_second_pass_needs_a_model_and_a_beam(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune(tmp_path, "decoding.yaml", "--keep-search") == 1
    assert "--keep-search: leaves nothing to fit" in capsys.readouterr().err
    (tmp_path / "decoding.yaml").write_text(f"search: beam\nneural_lm: {tmp_path}/no.safetensors\n")
    with pytest.raises(
        UserError, match=r"yaml:2: .*no\.safetensors: no such language model; .*LSTM"
    ):
        read_options(tmp_path / "decoding.yaml")
    (tmp_path / "decoding.yaml").write_text("neural_lm: no.safetensors\n")
    with pytest.raises(UserError, match="greedy search uses none"):
        read_options(tmp_path / "decoding.yaml")
