"""`asr train` as a user meets it: names, overrides, sweeps, and refusals that say what to do."""

import math
import os
import re
import shutil
import subprocess
import sys
import weakref
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from typing import get_args, get_origin

import pytest
import tiny

from asr.cli import main
from asr.config import SETTINGS, TrainConfig, check_ranges, flatten
from asr.training import main as train_main
from asr.training import recipe
from asr.util.errors import UserError

START = b"defaults: [/train, _self_]\n"
DATA = ("data.train=a.jsonl.gz", "data.dev=b.jsonl.gz")


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Note the settings that training would start with, and train nothing."""
    configs: list[TrainConfig] = []
    monkeypatch.setattr(recipe, "train", configs.append)
    monkeypatch.chdir(tmp_path)
    return configs


def refusal(capsys, *overrides: str, recipe: str = "own") -> str:
    assert main(["train", recipe, *overrides]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("asr: ")
    assert len(captured.err.splitlines()) == 1
    return captured.err.removeprefix("asr: ").rstrip()


def test_overrides_arrive(trained):
    assert main(["train", "own", *DATA, "encoder.layers=7", "augment=none", "seed=5"]) == 0
    (config,) = trained
    assert (config.encoder.layers, config.augment.speeds, config.seed) == (7, [1.0], 5)
    assert config.data.train == "a.jsonl.gz"
    assert isinstance(config, TrainConfig)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("encoder=blst", "encoder=blst: there is no such option; did you mean blstm?"),
        ("encoder=xlst", "encoder=xlst: there is no such option; did you mean xlstm?"),
        ("optimizer=sgd", "optimizer=sgd: there is no such option; choose one of adam, adamw"),
        (
            "encoder.layer=3",
            "encoder.layer: there is no such setting; did you mean encoder.layers?",
        ),
        ("encodr.layers=3", "did you mean encoder.layers?"),
        ("encodr=blstm", "encodr: there is no such setting; did you mean encoder?"),
        ("optimiser.lr=1", "did you mean optimizer.lr?"),
        ("zzz=1", "zzz: there is no such setting; the files of conf/ list them"),
        ("+encoder.layer=3", "did you mean encoder.layers?"),
        ("++data.tran=x", "did you mean data.train?"),
        ("encoder.layers=three", "encoder.layers: expected a whole number, found three"),
        ("trainer.epochs=2.5", "trainer.epochs: expected a whole number, found 2.5"),
        ("optimizer.lr=fast", "optimizer.lr: expected a number, found fast"),
        ("data.skip_invalid=perhaps", "expected true or false, found perhaps"),
        (
            "augment.speeds=1",
            "augment.speeds: expected a list of numbers, as in [0.9,1.1], found 1",
        ),
        ("trainer.patience_epochs=soon", "expected a whole number or null, found soon"),
        ("tokens=words", "tokens=words: there is no such option; choose one of bpe, characters"),
        ("tokens.subwords=many", "tokens.subwords: expected a whole number or null, found many"),
        ("tokens.subwords=1", "tokens.subwords: expected 2 to 100000, found 1"),
        ("text.characters=abc", "did you mean tokens.characters?"),
        ("encoder.name=[a]", "encoder.name: expected text, found [a]"),
        ("encoder.layers=null", "encoder.layers: expected a whole number, found null"),
        ("encoder=null", "chosen by the name of a file in its folder of conf/"),
        ("~encoder.layers", "encoder.layers: this setting cannot be left out"),
        ("~encoder", "has no value; give it one, as in encoder."),
        ("augment.speeds=[0.9", "augment.speeds=[0.9: not an override that can be read"),
        ("epochs", "epochs: not an override that can be read"),
        ("seed=1,2", "seed=1,2: several values; put -m behind to try each"),
        ("data.train=${nothing}", "Interpolation key 'nothing' not found"),
        ("trainer.epochs=0", "trainer.epochs: expected 1 to 1000000, found 0"),
        ("encoder.dropout=2", "encoder.dropout: expected 0 to 1, found 2"),
        ("augment.noise_snr_db=[5]", "augment.noise_snr_db: expected 2 numbers, found [5.0]"),
        ("augment.speeds=[]", "augment.speeds: expected some numbers, found []"),
        ("augment.speeds=[-1]", "expected numbers from 0.1 to 10, found [-1.0]"),
    ],
)
def test_wrong_overrides_are_refused_in_one_sentence(trained, capsys, override, said):
    assert said in refusal(capsys, *DATA, override)
    assert not trained


def test_a_missing_value_is_named(trained, capsys, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_bytes(START + b"recipe: mine")
    said = refusal(capsys, DATA[1], recipe=str(recipe))
    assert said == "data.train: has no value; give it one, as in data.train=..."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"recipe: [a", "not a YAML file"),
        (b"recipe: \xff", "not a YAML file"),
        (b"recipe: a", "a recipe builds on conf/train.yaml; begin it"),
        (b"", "a recipe builds on conf/train.yaml; begin it"),
        (START, "recipe: has no value"),
        (START + b"recipe: a\nencoder: {layer: 3}", "did you mean encoder.layers?"),
        (b"defaults: [/train, {encoder: x}, _self_]", "encoder=x: there is no such option"),
        (b"defaults: [/trin, _self_]", "builds on trin, which is neither"),
    ],
)
def test_wrong_recipe_files_are_refused(trained, capsys, tmp_path, content, said):
    (tmp_path / "mine.yaml").write_bytes(content)
    assert said in refusal(capsys, *DATA, recipe=str(tmp_path / "mine.yaml"))
    assert not trained


def test_a_recipe_file_from_anywhere_is_found(trained, tmp_path):
    folder = tmp_path / "a (b), c=d"
    folder.mkdir()
    (folder / "mine.yaml").write_text("defaults: [/train, _self_]\nrecipe: mine\n")
    assert main(["train", str(folder / "mine.yaml"), *DATA]) == 0
    assert trained[0].recipe == "mine"


@pytest.mark.parametrize("name", ["train", "mine"])
def test_a_recipe_may_not_hide_what_recipes_build_on(trained, capsys, tmp_path, name):
    for stem in ("train", "mine"):
        (tmp_path / f"{stem}.yaml").write_text("defaults: [/train, _self_]\nrecipe: mine\n")
    said = refusal(capsys, *DATA, recipe=str(tmp_path / f"{name}.yaml"))
    assert said == f"{tmp_path}/train.yaml: recipes build on another train.yaml; rename it"


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("an5", "an5: there is no such recipe; did you mean an4?"),
        ("qqqqqq", "choose one of an4, an4/concatenated, an4/phones, an4/small"),
        ("nosuch.yaml", "nosuch.yaml: there is no such recipe file"),
        ("mine.yml", "recipe files end in .yaml"),
    ],
)
def test_unknown_recipes_are_refused(trained, capsys, recipe, said):
    assert said in refusal(capsys, recipe=recipe)


def test_cfg_job_prints_the_settings_wherever_it_stands(trained, capsys):
    for arguments in (
        ["--cfg", "job"],
        ["seed=3", "--cfg", "job"],
        ["--cfg", "job", "seed=3"],
        ["encoder.layers=2", "--cfg", "job", "seed=3"],
    ):
        assert main(["train", "an4", *arguments]) == 0
        printed = capsys.readouterr().out
        assert "recipe: an4" in printed
        assert f"seed: {3 if 'seed=3' in arguments else 1}" in printed
        assert "hydra:" not in printed
    assert not trained


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "default"),
        (["seed=3", "trainer.device=cpu", "trainer.workers=2", "trainer.threads=1"], "default"),
        (["trainer.tensorboard=false", "recipe=x"], "default"),
        (["optimizer.lr=1e-3", "encoder.layers=2"], "encoder.layers=2,optimizer.lr=1e-3"),
        (["encoder.layers=2", "optimizer.lr=1e-3"], "encoder.layers=2,optimizer.lr=1e-3"),
        (["augment=none"], "augment=none"),
        (["augment.speeds=[0.9,1.1]"], "augment.speeds=-0.9,1.1-"),
        (["data.train=my/own x.gz"], "data.train=my-own-x.gz"),
    ],
)
def test_runs_are_named_after_their_overrides(trained, overrides, name):
    assert main(["train", "an4", *overrides]) == 0
    config = trained[0]
    assert config.run_dir == f"runs/{config.recipe}/{name}/{config.seed}"


@pytest.mark.parametrize("key", ["init", "run_dir", "data.train"])
def test_a_run_folder_named_after_overrides_can_be_given(trained, key):
    """Hydra takes no "=" in a value that is not quoted."""
    for folder in (
        "runs/an4/encoder.layers=2,optimizer.lr=1e-3/1",
        "runs/it's=1/1",
        "runs/plain/1",
    ):
        assert main(["train", "own", *DATA, f"{key}={folder}"]) == 0
        assert flatten(asdict(trained[-1]))[key] == folder


def test_long_names_are_cut_and_stay_different(trained):
    for value in ("a" * 300, "a" * 299 + "b"):
        assert main(["train", "an4", f"data.train={value}"]) == 0
    first, second = (config.run_dir.split("/")[2] for config in trained)
    assert first != second
    assert len(first) == len(second) == train_main.LONGEST_NAME


def test_a_sweep_gives_each_job_a_folder(tones, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    data = [f"data.{name}={tones}/{name}.jsonl.gz" for name in ("train", "dev")]
    overrides = [*data, *tiny.MODEL, "trainer.epochs=1", "seed=1,2"]
    assert main(["train", "own", *overrides, "-m"]) == 0
    models = sorted(tmp_path.glob("runs/own/*/*/model.safetensors"))
    assert [path.parent.name for path in models] == ["1", "2"]
    assert models[0].read_bytes() != models[1].read_bytes()
    assert len({path.parent.parent for path in models}) == 1


def test_flags_may_stand_between_overrides(trained):
    assert main(["train", "an4", "encoder.layers=2", "-m", "seed=1,2"]) == 0
    assert [(config.encoder.layers, config.seed) for config in trained] == [(2, 1), (2, 2)]


def test_a_case_that_is_not_listed_is_named(trained, capsys, tmp_path):
    text = "recipe: mine\nseed: ${case:${encoder.name},{gru:1,rnn:2}}\n"
    (tmp_path / "mine.yaml").write_bytes(START + text.encode())
    assert "'blstm' is none of gru, rnn" in refusal(capsys, *DATA, recipe="mine.yaml")


def test_a_refused_job_of_a_sweep_says_why_at_once_and_the_sweep_fails(
    monkeypatch, capsys, tmp_path
):
    """Each is named again at the end, and keeps none of what it held."""

    class Weights:
        pass

    held = []

    def train(config):
        weights = Weights()
        held.append(weakref.ref(weights))
        assert not [one for one in held[:-1] if one()]
        said.append(capsys.readouterr().err)
        if config.seed != 2:
            raise UserError(f"cannot train {config.seed}")

    said: list[str] = []
    monkeypatch.setattr(recipe, "train", train)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "own", "seed=1,2,3", "encoder.dropout=0", "-m"]) == 1
    last = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asr: ")]
    assert said == ["", "asr: seed=1 encoder.dropout=0: cannot train 1\n", ""]
    assert last == [
        "asr: seed=3 encoder.dropout=0: cannot train 3",
        "asr: jobs of the sweep that failed, as shown above: "
        "seed=1 encoder.dropout=0; seed=3 encoder.dropout=0",
    ]


def test_a_bug_in_a_job_of_a_sweep_is_not_lost_behind_a_refusal(monkeypatch, capsys, tmp_path):
    def train(config):
        raise (UserError("refused"), ValueError("a bug"))[config.seed - 1]

    monkeypatch.setattr(recipe, "train", train)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "own", "seed=1,2", "-m"]) == 1
    said = capsys.readouterr().err
    assert "ValueError: a bug" in said
    assert said.rstrip().endswith("as shown above: seed=1; seed=2")


@pytest.mark.parametrize("error", [UserError("one process alone"), ValueError("a bug")])
def test_one_of_several_processes_does_not_go_on_with_a_sweep(monkeypatch, tmp_path, error):
    """It would answer those that are still in the job before."""
    jobs = []

    def train(config):
        jobs.append(config.seed)
        raise error

    monkeypatch.setattr(recipe, "train", train)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(type(error), match=str(error)):
        train_main.main("own", ["seed=1,2,3", "-m"])
    assert jobs == [1]


def test_an_error_of_our_own_is_not_called_the_users(monkeypatch, tmp_path):
    def broken(config):
        raise ValueError("a bug")

    monkeypatch.setattr(recipe, "train", broken)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="a bug"):
        main(["train", "own", *DATA])


def test_a_resumed_run_may_change_its_length_its_machine_and_where_files_are():
    files = {"run_dir", "init", "data.train", "data.dev", "tokens.lexicon"}
    length = {"epochs", "patience_epochs", "save_every_steps"}
    machine = {"micro_batches", "device", "workers", "threads", "tensorboard"}
    expected = files | {f"trainer.{name}" for name in length | machine}
    assert {key for key, setting in SETTINGS.items() if setting.resumable} == expected
    assert {key for key, setting in SETTINGS.items() if setting.is_path} == files


def test_settings_of_the_machine_and_the_seed_do_not_name_the_run_folder():
    machine = {"micro_batches", "device", "workers", "threads", "tensorboard"}
    expected = {"seed", "run_dir", "recipe", *(f"trainer.{name}" for name in machine)}
    assert {key for key, setting in SETTINGS.items() if not setting.names_run} == expected


def test_ranges_take_the_values_of_conf(trained):
    main(["train", "own", *DATA])
    config = asdict(trained[0])
    check_ranges(config)
    config["trainer"]["patience_epochs"] = None
    check_ranges(config)
    config["optimizer"]["lr"] = float("nan")
    with pytest.raises(UserError, match=re.escape("optimizer.lr: expected 0 to 1000, found nan")):
        check_ranges(config)


def test_gradients_may_be_left_as_they_are_but_not_scaled_down_to_nothing(trained):
    main(["train", "own", *DATA, "trainer.clip_norm=inf"])
    config = asdict(trained[0])
    check_ranges(config)
    config["trainer"]["clip_norm"] = 0.0
    with pytest.raises(UserError, match=re.escape("trainer.clip_norm: expected 0.001 or more")):
        check_ranges(config)


def test_flatten_dots_the_keys():
    assert flatten({"a": {"b": 1, "c": {"d": 2}}, "e": [3]}) == {"a.b": 1, "a.c.d": 2, "e": [3]}
    assert flatten({}) == {}


def numbers(schema: type = TrainConfig, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Give the settings that are numbers, and whether each is a list of them."""
    for setting in fields(schema):
        if is_dataclass(setting.type):
            yield from numbers(setting.type, f"{prefix}{setting.name}.")
        elif {int, float} & {setting.type, *get_args(setting.type)}:
            yield prefix + setting.name, get_origin(setting.type) is list


def test_every_number_of_the_schema_is_bounded(trained):
    main(["train", "own", *DATA])
    for key, listed in numbers():
        for value in (math.nan, -math.inf, -(10**400)):
            config = asdict(trained[0])
            *groups, name = key.split(".")
            group = config[groups[0]] if groups else config
            group[name] = [value, value] if listed else value
            with pytest.raises(UserError, match=rf"^{key}: expected .*, found .{{1,50}}$"):
                check_ranges(config)


ASK = """
import sys
from pathlib import Path
import torch
from asr.cli import main
from asr.training import recipe
from asr.training.distributed import DistributedContext

configs = []
recipe.train = configs.append
assert main(sys.argv[2:]) == 0
alone = DistributedContext(0, 1, torch.device("cpu"))
print(recipe.build_trainer(configs[0], Path(sys.argv[1]), alone).settings.new_option)
"""


@pytest.mark.slow
def test_a_new_option_of_the_trainer_is_one_field_and_one_line_of_yaml(tones, tmp_path):
    """In a copy of the project; the loop finds the option in its settings."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny.ROOT / "asr", copy / "asr", ignore=shutil.ignore_patterns("models"))
    for name in ("conf", "recipes"):
        shutil.copytree(tiny.ROOT / name, copy / name)
    schema, values = copy / "asr" / "config.py", copy / "conf" / "trainer" / "default.yaml"
    first = "class TrainerConfig:\n"
    before, _, after = schema.read_text().partition(first)
    docstring, _, rest = after.partition("\n\n")
    option = "    new_option: int = field(metadata=setting(1, 9))\n"
    schema.write_text(f"{before}{first}{docstring}\n\n{option}{rest}")
    values.write_text(f"{values.read_text()}new_option: 1\n")

    command = tiny.arguments(tones, tmp_path, "trainer.new_option=7")
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK, str(tmp_path), *command],
        env=os.environ | {"PYTHONPATH": str(copy)}, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1:] == ["7"], done.stderr
