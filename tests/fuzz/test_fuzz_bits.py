"""One flipped bit of a file that the toolkit wrote is refused, or changes nothing."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import generator
from mutations import flip_bits
from random_models import random_model
from texts import random_arpa
from worker import Worker

from asr.lm.ngram import NGram
from asr.lm.store import cache_name, open_ngram
from asr.model.model_file import load_model
from asr.training.checkpoint import STATE_NAME, Progress, load_state, read_fingerprint, save_state
from asr.util.cache_folder import make_cache_folder
from asr.util.errors import UserError


def equal(ours: object, theirs: object) -> bool:
    """Hold what files hold against each other, to the last bit."""
    if isinstance(ours, torch.Tensor):
        same = isinstance(theirs, torch.Tensor) and ours.dtype == theirs.dtype
        return same and pickle.dumps(ours.numpy()) == pickle.dumps(theirs.numpy())
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(equal(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list | tuple) and type(ours) is type(theirs):
        return len(ours) == len(theirs) and all(map(equal, ours, theirs))
    return pickle.dumps(ours) == pickle.dumps(theirs)


def damage(path: Path, rng: np.random.Generator) -> None:
    """Flip one bit of a file, or in one case of eight many."""
    count = None if rng.integers(8) == 0 else 1
    path.write_bytes(flip_bits(rng, path.read_bytes(), count))


def content(path: Path) -> list[object]:
    """All that a model file says to who transcribes with it."""
    model, tokenizer = load_model(path)
    lexicon = tokenizer.pronunciations
    told = tokenizer.tokens, tokenizer.normalizer, tokenizer.counts, lexicon, vars(model.settings)
    return [*told, model.state_dict()]


def open_model(folder: Path, model: Path, number: int) -> None:
    damaged = Path(shutil.copy(model, folder))
    damage(damaged, generator("model", number))
    try:
        found = content(damaged)
    except UserError as error:
        assert str(error).startswith(str(damaged)), error
    else:
        assert equal(found, content(model)), "another model, and nobody is told"


@pytest.mark.numbered(400, 4)
def test_model(worker: Worker, model: Path, number: int) -> None:
    worker.run(open_model, model, number)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a run in its second epoch."""
    folder = tmp_path_factory.mktemp("run")
    weights = random_model().state_dict()
    moments = {"step": torch.tensor(9.0), "exp_avg": weights["head.weight"] / 2}
    group = {"lr": 1e-3, "betas": (0.9, 0.98), "params": [0]}
    optimizer = {"state": {0: moments}, "param_groups": [group]}
    parts = {"model": weights, "average": weights, "optimizer": optimizer}
    progress = Progress(epoch=1, batch=2, step=9, loss_sum=3.25, best=[0.5, 0.25, 1.0])
    save_state(folder, progress, parts, {"seed": 1, "tokens": "abc", "encoder.layers": 2})
    return folder


def open_state(folder: Path, run_dir: Path, number: int) -> None:
    fingerprint = read_fingerprint(run_dir)
    damaged = Path(shutil.copy(run_dir / STATE_NAME, folder))
    damage(damaged, generator("state", number))
    assert equal(read_fingerprint(folder) or fingerprint, fingerprint), (
        "another run, and nobody is told"
    )
    try:
        progress, parts = load_state(folder, fingerprint)
    except UserError as error:
        assert str(damaged) in str(error) and "weights_only" not in str(error), error
    else:
        whole, whole_parts = load_state(run_dir, fingerprint)
        assert progress == whole, "another place, and nobody is told"
        assert equal(parts, whole_parts), "another state, and nobody is told"


@pytest.mark.numbered(400, 4)
def test_state(worker: Worker, run_dir: Path, number: int) -> None:
    worker.run(open_state, run_dir, number)


@pytest.fixture(scope="module")
def arpa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of three orders."""
    path = tmp_path_factory.mktemp("arpa") / "lm.arpa"
    path.write_text(random_arpa())
    return path


def scores(lm: NGram) -> list[list[float]]:
    rng = np.random.default_rng(1)
    return [lm.score([str(word) for word in rng.choice([*"abcdefgh"], 5)]) for _ in range(20)]


def open_cache(folder: Path, arpa: Path, number: int) -> None:
    path = Path(shutil.copy(arpa, folder / "lm.arpa"))
    whole = scores(open_ngram(path))
    damage(make_cache_folder() / cache_name(path), generator("cache", number))
    for _ in range(2):  # made anew, and then found sound
        assert scores(open_ngram(path)) == whole, "other scores, and nobody is told"
    (make_cache_folder() / cache_name(path)).unlink()


@pytest.mark.numbered(400, 4)
def test_cache(worker: Worker, arpa: Path, number: int) -> None:
    worker.run(open_cache, arpa, number)
