"""Paths on the command line of `asr train`: taken as typed, whatever Hydra's grammar reads."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from asr.training.overrides import quote_texts

PATHS = [
    "runs/plain/1",
    "runs/münchen",
    "runs/mu\u0308nchen",
    "cases/Übungen (neu), 1/train.jsonl.gz",
    "runs/#1 & more",
    "runs/it's=1",
    'say "hi"/train.jsonl.gz',
    "backup~/a",
    "~old/a",
    "/home/jürgen/данные/語音/🎙️",
    r"C:\Users\jürgen\runs",
    "ends in a backslash\\",
    "a\\'b\\",
    "[a] {b: c}",
    "[a,b]",
    "{a}",
    "a, b",
    "  two  spaces ",
    "50 % of $HOME; !? * | <a> `b` ^ @ +",
    "a\tb\nc",
    "'half quoted",
    "'a' and 'b'",
    "choice(a,b)",
    "cost ${5",
    "true",
    "1e5",
    "a:b",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", ["run_dir", "+run_dir", "data.dev", "tokens.characters"])
def test_texts_are_taken_as_typed(key, path):
    from omegaconf import OmegaConf

    (argument,) = quote_texts([f"{key}={path}"])
    (parsed,) = OverridesParser.create().parse_overrides([argument])
    assert not parsed.is_sweep_override()
    config = OmegaConf.create({"value": parsed.value(), "other": "${value}"})
    assert config.value == config.other == path


@pytest.mark.parametrize(
    "argument",
    [
        "run_dir='a, b'",
        'run_dir="a=b"',
        "init=null",
        "init=",
        "encoder.layers=2",
        "encoder=blstm",
        "~encoder",
        "-m",
        "--cfg",
        "job",
        "hydra.verbose=true",
    ],
)
def test_what_is_hydras_stays(argument):
    assert quote_texts([argument]) == [argument]


def test_an_interpolation_stays_one():
    assert quote_texts(["run_dir=rüns/${seed}"]) == ["run_dir='rüns/${seed}'"]


def test_the_home_folder_is_meant_by_a_tilde(monkeypatch):
    monkeypatch.setenv("HOME", "/home/jürgen")
    assert quote_texts(["run_dir=~/runs"]) == ["run_dir='/home/jürgen/runs'"]
    assert quote_texts(["tokens.characters=~/"]) == ["tokens.characters='~/'"]


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("ä.gz,b c.gz", ["ä.gz", "b c.gz"]),
        ("'a,1.gz',b.gz", ["a,1.gz", "b.gz"]),
        ("choice(a,b)", ["a", "b"]),
        ("a, b", ["a, b"]),
    ],
)
def test_a_sweep_is_over_several_values(value, values, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("a, b").touch()
    argument, _ = quote_texts([f"data.train={value}", "-m"])
    (parsed,) = OverridesParser.create().parse_overrides([argument])
    swept = parsed.sweep_string_iterator() if parsed.is_sweep_override() else [parsed.value()]
    assert [str(one).strip("'") for one in swept] == values


def test_a_run_folder_with_an_equals_sign_is_one(monkeypatch):
    folder = "runs/an4/encoder.layers=2,optimizer.lr=1e-3/1"
    assert quote_texts([f"run_dir={folder}", "-m"])[0] == f"run_dir='{folder}'"
