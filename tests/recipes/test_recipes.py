"""Every recipe composes and builds, and every choice in conf/ can be reached from one."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import matplotlib.image
import pytest
import tiny
import torch

import asr
from asr.cli import main
from asr.config import AugmentConfig, TrainConfig
from asr.data.manifests import read_cuts
from asr.encoders import ENCODERS
from asr.training import recipe as recipes
from asr.training.distributed import DistributedContext
from asr.training.trainer import Trainer
from asr.util.errors import UserError
from asr.util.paths import CONF, RECIPES, find_recipe, recipe_names

FILES = sorted(RECIPES.rglob("*.yaml"))
GROUPS = sorted(path.relative_to(CONF) for path in CONF.glob("*/*.yaml"))


@pytest.fixture(scope="module")
def compose(tmp_path_factory, tones):
    """Compose a recipe on the tiny corpus, without training."""
    folder = tmp_path_factory.mktemp("composed")

    def compose(recipe: str, *overrides: str) -> TrainConfig:
        configs: list[TrainConfig] = []
        data = [f"data.{name}={tones}/{name}.jsonl.gz" for name in ("train", "dev")]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recipes, "train", configs.append)
            patch.chdir(folder)
            assert main(["train", recipe, *data, *overrides]) == 0
        return configs[0]

    return compose


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(RECIPES)))
def test_every_recipe_builds(compose, tmp_path, tones, file):
    config = compose(str(file))
    name = file.relative_to(RECIPES).with_suffix("").as_posix().removesuffix("/blstm")
    assert config.recipe == name  # the name of the run folder is the name one types
    config.encoder.hidden_size, config.init = 8, None
    if config.tokens.subwords:
        pytest.importorskip("sentencepiece", reason="BPE pieces need the extra asr[bpe]")
    if config.tokens.lexicon:
        config.tokens.lexicon = str(tmp_path / "lexicon.txt")
        Path(config.tokens.lexicon).write_text("a x\nab x y\nba y x\n")
    context = DistributedContext(0, 1, torch.device("cpu"))
    trainer = recipes.build_trainer(config, tmp_path, context)
    assert isinstance(trainer, Trainer)
    waveforms = torch.randn(2, config.features.sample_rate)
    lengths = torch.tensor([config.features.sample_rate, config.features.sample_rate // 2])
    log_probs, frames = trainer.model.log_probs(waveforms, lengths)
    assert log_probs.shape[2] == len(trainer.train.tokenizer)
    assert frames.tolist() == trainer.model.output_frames(lengths).tolist()


@pytest.mark.parametrize("name", ["librispeech/100h", "librispeech/960h"])
def test_recipes_for_large_machines_start(tones, tmp_path, name):
    """Everything but the size is the recipe's own: its tokens, batches, workers and schedule."""
    pytest.importorskip("sentencepiece", reason="BPE pieces need the extra asr[bpe]")
    data = [f"data.{part}={tones}/{part}.jsonl.gz" for part in ("train", "dev")]
    tiny_size = ["encoder.hidden_size=8", "encoder.layers=1", "trainer.epochs=1"]
    machine = ["trainer.device=cpu", "trainer.threads=1", "trainer.workers=1"]
    command = ["train", name, *data, *tiny_size, *machine, f"run_dir={tmp_path}"]
    assert main(command) == 0
    assert "BPE subwords" in (tmp_path / "train.log").read_text()
    assert asr.load(tmp_path).transcribe(tones / "test-00.wav").duration_s > 0.5


def test_names_and_files_are_the_same_recipes():
    assert sorted(find_recipe(name) for name in recipe_names()) == FILES


@pytest.mark.parametrize("option", GROUPS, ids=str)
def test_every_choice_in_conf_can_be_made(compose, option):
    config = compose("own", f"{option.parent}={option.stem}")
    group, name = option.parent.name, option.stem
    if group in ("encoder", "optimizer") and name != "fine_tune":
        assert getattr(config, group).name == name
    assert config.encoder.name in ENCODERS


@pytest.fixture(scope="module")
def encoder_settings(compose, tmp_path_factory):
    """Compose the settings of an encoder in a recipe that changes none."""
    recipe = tmp_path_factory.mktemp("recipe") / "mine.yaml"
    recipe.write_text("defaults: [/train, _self_]\nrecipe: mine\n")
    return cache(lambda name: compose(str(recipe), f"encoder={name}").encoder)


#: What the files of encoders in conf change.
OWN_SETTINGS = {
    "convlstm": {"hidden_size": 640},
    "transformer": {"layers": 12, "hidden_size": 128},
    "conformer": {"layers": 16, "hidden_size": 128},
}


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_can_be_chosen_by_its_name(encoder_settings, name):
    """With the settings of blstm.yaml, but for those of an encoder with a file of its own."""
    blstm, config = encoder_settings("blstm"), encoder_settings(name)
    assert config.name == name
    assert config == replace(blstm, name=name, **OWN_SETTINGS.get(name, {}))


def test_a_new_encoder_is_one_line_of_the_table(compose, monkeypatch):
    monkeypatch.setitem(ENCODERS, "brand_new", ENCODERS["blstm"])
    config = compose("own", "encoder=brand_new", "encoder.layers=2")
    assert (config.encoder.name, config.encoder.layers) == ("brand_new", 2)


def test_each_setting_of_augmentation_reaches_its_part():
    settings = AugmentConfig(
        speeds=[0.9, 1.2], noise_probability=0.1, noise_snr_db=[3, 4], reverb_probability=0.2,
        reverb_rt60_s=[0.3, 0.4], vtlp=0.05, frequency_masks=6, frequency_bins=7,
        time_masks=8, time_frames=9, time_fraction=0.15,
    )  # fmt: skip
    parts = recipes.make_waveform_augment(settings), recipes.make_spec_augment(settings)
    found = {name: value for part in parts for name, value in vars(part).items()}
    for name, value in vars(settings).items():
        assert found[name] == (tuple(value) if isinstance(value, list) else value), name


def test_settings_of_the_trainer_reach_it(compose, tmp_path):
    config = compose("own", "trainer.ema_decay=0.5", "trainer.precision=bf16")
    trainer = recipes.build_trainer(config, tmp_path, DistributedContext(0, 1, torch.device("cpu")))
    assert trainer.average.decay == 0.5
    asked = []

    def ask(*_):
        asked.append(torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu"))

    trainer.model.head.register_forward_hook(ask)
    trainer.gradients.loss(trainer.train.load([0]), 1)
    assert asked == [torch.bfloat16]


def test_a_recipe_inherits_and_changes(compose):
    large, small = compose("an4"), compose("an4/small")
    assert small.encoder.hidden_size < large.encoder.hidden_size
    assert small.text == large.text
    assert small.augment == large.augment


def test_the_alphabet_can_be_given_or_derived(compose, tones):
    cuts = read_cuts(tones / "train.jsonl.gz")
    derived = recipes.make_tokenizer(cuts, "lower", compose("own").tokens)
    assert derived.tokens == ["<blank>", " ", "a", "b"]
    given = compose("own", "tokens.characters=zab").tokens
    assert recipes.make_tokenizer(cuts, "upper", given).tokens == ["<blank>", " ", "a", "b", "z"]


def test_the_lexicon_of_phones_lies_beside_the_training_manifest(compose, tones):
    assert compose("own", "tokens=phones").tokens.lexicon == f"{tones}/lexicon.txt"
    assert compose("librispeech/5h_start", "tokens=characters").tokens.lexicon is None


def test_units_of_two_kinds_are_refused(compose, tones):
    both = compose("own", "tokens=phones", "tokens.subwords=50").tokens
    with pytest.raises(UserError, match="subwords and lexicon are both given"):
        recipes.make_tokenizer(read_cuts(tones / "train.jsonl.gz"), "lower", both)


def test_subwords_can_be_learned(compose, tones):
    pytest.importorskip("sentencepiece", reason="BPE pieces need the extra asr[bpe]")
    cuts = read_cuts(tones / "train.jsonl.gz")
    wanted = compose("own", "tokens=bpe", "tokens.subwords=6").tokens
    tokens = recipes.make_tokenizer(cuts, "lower", wanted).tokens
    assert len(tokens) == 6
    assert {"<blank>", "▁", "a", "b"} < set(tokens)


def test_an_alphabet_and_subwords_exclude_each_other(compose, tones):
    both = compose("own", "tokens=bpe", "tokens.characters=ab").tokens
    with pytest.raises(UserError, match="characters and subwords are both given"):
        recipes.make_tokenizer(read_cuts(tones / "train.jsonl.gz"), "lower", both)


def test_the_recipes_have_readmes():
    for folder in {file.parent for file in FILES}:
        assert "asr train" in (folder / "README.md").read_text()


def test_utterances_that_cannot_be_trained_on(tones, tmp_path, capsys):
    """They are refused with file and line, or counted and left out where that was asked."""
    cuts = list(read_cuts(tones / "train.jsonl.gz"))
    cuts[3].supervisions[0].text = "ab" * 300
    cuts[5].supervisions[0].text = " ... "
    from lhotse import CutSet

    CutSet.from_cuts(cuts).to_file(tmp_path / "train.jsonl.gz")
    command = tiny.arguments(tones, tmp_path / "run", "trainer.epochs=1")
    command = [
        a if not a.startswith("data.train") else f"data.train={tmp_path}/train.jsonl.gz"
        for a in command
    ]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "2 of 12 utterances cannot be trained on" in said
    assert f"{tmp_path}/train.jsonl.gz:4: cut train-03: too short for its text" in said
    assert f"{tmp_path}/train.jsonl.gz:6: cut train-05: its text is empty" in said
    assert main([*command, "data.skip_invalid=true"]) == 0
    said = capsys.readouterr().err
    assert "1 left out: too short for its text; 1 left out: its text is empty" in said
    assert "train: 10 utterances" in said
    assert main([*command, "tokens.characters=b", f"run_dir={tmp_path}/other"]) == 1
    assert "its text has characters that are no token: a" in capsys.readouterr().err


def test_learning_curves_are_drawn_from_a_run(tmp_path):
    metrics = {"loss": 2.0, "dev_loss": 1.5, "dev_wer": 0.5}
    lines = [json.dumps({"epoch": epoch, **metrics}) for epoch in (1, 2)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    picture = tmp_path / "curves.png"
    script = [sys.executable, RECIPES / "curves.py", tmp_path, "--output", picture]

    assert subprocess.run(script, capture_output=True).returncode == 0
    assert matplotlib.image.imread(picture).std() > 0
