"""Starting from another model's weights: what is taken, what is re-made, what is refused."""

import json
import shutil

import pytest
import tiny
import torch
from random_models import ENCODER, FEATURES, SUBSAMPLING, random_model, random_tokenizer
from safetensors.torch import load_file

from asr.cli import main
from asr.model.ctc_model import CTCModel
from asr.model.model_file import load_model, save_model
from asr.model.settings import ModelSettings
from asr.text.bpe import BPETokenizer
from asr.text.tokenizer import BLANK, CharTokenizer
from asr.training import recipe
from asr.training.initial import matching_rows, take_weights
from asr.util.errors import UserError

LOWER = CharTokenizer([BLANK, *" abc'"], "lower")
UPPER = CharTokenizer([BLANK, *"' AZC"], "upper")


def start(tones, run_dir, *overrides: str, status: int = 0) -> None:
    assert main(tiny.arguments(tones, run_dir, "trainer.epochs=1", *overrides)) == status


def log_of(run_dir) -> str:
    return (run_dir / "train.log").read_text()


def initial_weights(monkeypatch, tones, run_dir, *overrides: str) -> dict[str, torch.Tensor]:
    """Give the weights that a run starts its first epoch with, and stop it there."""
    found: dict[str, torch.Tensor] = {}

    def fit(trainer):
        assert not found
        found.update(trainer.model.state_dict())
        averages = trainer.average.model.state_dict()
        assert all(torch.equal(tensor, averages[name]) for name, tensor in found.items())
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe.Trainer, "fit", fit)
    start(tones, run_dir, *overrides, status=130)
    monkeypatch.undo()
    return found


def test_with_the_same_tokens_all_weights_are_taken(tones, tones_run, tmp_path, monkeypatch):
    found = initial_weights(monkeypatch, tones, tmp_path, f"init={tones_run}", "seed=2")
    donor = load_file(tones_run / "model.safetensors")
    assert found.keys() == donor.keys()
    assert all(torch.equal(found[name], donor[name]) for name in donor)
    assert f"init: {tones_run}/model.safetensors: all weights are taken" in log_of(tmp_path)


@pytest.mark.parametrize(
    "setting",
    [
        "encoder.dropout=0.5",
        "encoder.right_context_ms=100",
        "features.remove_dc_offset=true",
        "features.amin=1e-20",
        "features.top_db=50",
    ],
)
def test_what_is_soon_relearned_may_differ(tones, tones_run, tmp_path, monkeypatch, setting):
    assert initial_weights(
        monkeypatch, tones, tmp_path, f"init={tones_run}/model.safetensors", setting
    )


def test_another_right_context_starts_a_new_convolution():
    donor, same, other = (
        CTCModel(random_settings(bidirectional=False, right_context_ms=context), len(LOWER))
        for context in (40, 40, None)
    )
    longer = CTCModel(random_settings(bidirectional=False, right_context_ms=80), len(LOWER))
    torch.nn.init.normal_(donor.encoder.lookahead.weight)
    for model in (same, other, longer):
        take_weights(model, LOWER, donor, LOWER, "donor")
        assert torch.equal(model.head.weight, donor.head.weight)
    assert torch.equal(same.encoder.lookahead.weight, donor.encoder.lookahead.weight)
    assert other.encoder.lookahead is None
    assert longer.encoder.lookahead.weight.sum() == len(longer.encoder.lookahead.weight)


def random_settings(**encoder: object) -> ModelSettings:
    return ModelSettings(FEATURES, SUBSAMPLING, {**ENCODER, **encoder})


def test_another_case_takes_the_rows_of_its_letters(tones, tones_run, tmp_path, monkeypatch):
    other = ("text.normalizer=upper", "tokens.characters=BAZ")
    found = initial_weights(monkeypatch, tones, tmp_path, f"init={tones_run}", *other)
    fresh = initial_weights(monkeypatch, tones, tmp_path / "fresh", *other)
    donor = load_file(tones_run / "model.safetensors")  # <blank>, space, a, b
    for name in ("head.weight", "head.bias"):
        assert torch.equal(found[name][:4], donor[name])
        assert torch.equal(found[name][4], fresh[name][4])
    body = [name for name in donor if not name.startswith("head.")]
    assert all(torch.equal(found[name], donor[name]) for name in body)
    assert "re-made: 4 of 5 rows from equal tokens, case aside, 1 new: Z" in log_of(tmp_path)


def test_rows_are_matched_by_token_and_then_by_letter():
    assert matching_rows(LOWER, LOWER) == [0, 1, 2, 3, 4, 5]
    assert matching_rows(UPPER, LOWER) == [0, 5, 1, 2, None, 4]
    both = CharTokenizer([BLANK, *" Aa"])
    assert matching_rows(both, LOWER) == [0, 1, 2, 2]
    assert matching_rows(LOWER, both)[:3] == [0, 1, 3]


def test_subwords_match_subwords_and_no_characters():
    subwords = BPETokenizer([BLANK, "▁ab", "▁", "a", "b"], "lower", b"")
    capitals = BPETokenizer([BLANK, "▁", "▁AB", "▁ABA", "A"], "upper", b"")
    assert matching_rows(capitals, subwords) == [0, 2, 1, None, 3]
    assert matching_rows(LOWER, subwords) == [0, None, None, None, None, None]
    assert matching_rows(subwords, LOWER) == [0, None, None, None, None]


def test_training_goes_on_and_differs_from_scratch(tones, tones_run, tmp_path):
    start(tones, tmp_path / "on", f"init={tones_run}")
    start(tones, tmp_path / "scratch")
    losses = [
        json.loads((tmp_path / name / "metrics.jsonl").read_text())["loss"]
        for name in ("on", "scratch")
    ]
    assert losses[0] < losses[1]


def test_models_built_otherwise_are_refused_and_each_difference_named(
    tones, tones_run, tmp_path, capsys
):
    other = ("encoder.layers=2", "subsampling.factor=2", "features.hop_ms=12.5")
    start(tones, tmp_path, f"init={tones_run}", *other, status=1)
    said = capsys.readouterr().err
    assert (
        f"asr: init: {tones_run}/model.safetensors: a model built otherwise: "
        "features.hop_ms is 10.0 there, 12.5 here, "
        "subsampling.factor is 3 there, 2 here, encoder.layers is 1 there, 2 here; "
        "add features.hop_ms=10.0 subsampling.factor=3 encoder.layers=1 to the command"
    ) in said
    assert "dropout" not in said
    assert not (tmp_path / "state.pt").exists()


def test_what_is_no_model_is_refused(tones, tmp_path, capsys):
    (tmp_path / "text.safetensors").write_text("hello")
    for init, said in (
        ("nowhere", "init: nowhere: no such file or folder; give a run folder"),
        (str(tmp_path), f"init: {tmp_path}: no model.safetensors in this folder"),
        (f"{tmp_path}/text.safetensors", "not a readable .safetensors model"),
    ):
        start(tones, tmp_path / "run", f"init={init}", status=1)
        error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asr: ")]
        assert len(error) == 1
        assert said in error[0]


def test_a_resumed_run_needs_no_initial_model(tones, tones_run, tmp_path):
    """Gone or moved, the file makes no difference to where the run goes on."""
    model = shutil.copy(tones_run / "model.safetensors", tmp_path / "there.safetensors")
    run_dir = tmp_path / "run"
    start(tones, run_dir, f"init={model}")
    shutil.move(model, tmp_path / "moved.safetensors")
    start(tones, run_dir, f"init={model}", "trainer.epochs=2")
    start(tones, run_dir, f"init={tmp_path}/moved.safetensors", "trainer.epochs=3")
    start(tones, tmp_path / "whole", f"init={tones_run}", "trainer.epochs=3")
    rows = [
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (run_dir, tmp_path / "whole")
    ]
    assert [row["epoch"] for row in rows[0]] == [row["epoch"] for row in rows[1]] == [1, 2, 3]
    assert log_of(run_dir).count("all weights are taken") == 1


@pytest.mark.parametrize("second", ["", "init=null", "init={other}"])
def test_another_initial_model_may_not_resume(tones, tones_run, tmp_path, capsys, second):
    run_dir, other = tmp_path / "run", tmp_path / "other.safetensors"
    start(tones, run_dir, f"init={tones_run}")
    model, tokenizer = load_model(tones_run)
    save_model(other, model.state_dict(), model.settings, tokenizer, {"another": "file"})
    overrides = [second.format(other=other)] if second else []
    start(tones, run_dir, *overrides, "trainer.epochs=2", status=1)
    assert "a run with other settings: the initial model is '" in capsys.readouterr().err


def test_a_run_from_scratch_may_not_go_on_from_a_model(tones, tones_run, tmp_path, capsys):
    start(tones, tmp_path)
    start(tones, tmp_path, f"init={tones_run}", "trainer.epochs=2", status=1)
    assert "the initial model is None there, '" in capsys.readouterr().err
    start(tones, tmp_path, "init=gone", "trainer.epochs=2", status=1)
    assert "init: gone: no such file or folder" in capsys.readouterr().err


def test_settings_compare_as_numbers():
    """A window of 25 ms is one of 25.0 ms."""
    model, donor = random_model(), random_model()
    donor.settings.features["hop_ms"] = 10
    take_weights(model, random_tokenizer(), donor, random_tokenizer(), "donor")
    donor.settings.features["hop_ms"] = 11
    with pytest.raises(UserError, match=r"features\.hop_ms is 11 there, 10\.0 here"):
        take_weights(model, random_tokenizer(), donor, random_tokenizer(), "donor")


def test_a_run_folder_named_after_overrides_can_be_quoted(tones, tones_run, tmp_path, monkeypatch):
    folder = tmp_path / "encoder.layers=1,optimizer.lr=1e-3" / "1"
    shutil.copytree(tones_run, folder)
    assert initial_weights(monkeypatch, tones, tmp_path / "run", f"init='{folder}'")


def test_a_damaged_state_is_still_named(tones, tones_run, tmp_path, capsys):
    (tmp_path / "state.pt").write_bytes(b"not a state")
    start(tones, tmp_path, f"init={tones_run}", status=1)
    assert "state.pt: not a readable training state" in capsys.readouterr().err
