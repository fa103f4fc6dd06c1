"""A training state is read whole, of the run it is of, or refused in one sentence."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from asr.training.checkpoint import (
    STATE_NAME,
    Progress,
    load_state,
    read_fingerprint,
    restore_parts,
    save_state,
)
from asr.training.fingerprint import compare_fingerprints
from asr.util.errors import UserError

HERE = {"seed": 1, "encoder.layers": 3, "encoder.zoneout": 0.0}


def network(seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    model = nn.Linear(3, 2)
    return model, torch.optim.AdamW(model.parameters(), lr=0.1)


def trained_parts() -> dict[str, Any]:
    """Take one step, and collect what a trainer saves."""
    model, optimizer = network()
    model(torch.ones(3)).sum().backward()
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.01
    average = {name: tensor / 2 for name, tensor in model.state_dict().items()}
    return {"model": model.state_dict(), "average": average, "optimizer": optimizer.state_dict()}


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A folder with the state of a run."""
    save_state(tmp_path, Progress(epoch=2, loss_sum=0.5), trained_parts(), HERE)
    return tmp_path


def restore(run_dir: Path) -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    """Go on from a state as a trainer does."""
    found = load_state(run_dir, HERE)
    assert found is not None
    (model, optimizer), (average, _) = network(1), network(2)
    restore_parts(run_dir, found[1], model, average, optimizer)
    return model, average, optimizer


def refused(run_dir: Path) -> str:
    with pytest.raises(UserError) as raised:
        restore(run_dir)
    message = str(raised.value)
    assert "\n" not in message
    assert "weights_only" not in message, "advice to run what is in the file"
    return message.removeprefix(f"{run_dir / STATE_NAME}: not a readable training state ")


def rewrite(run_dir: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a state as anybody can, in format 1, which had no digest."""
    state = torch.load(run_dir / STATE_NAME, weights_only=True)
    state["format"] = 1
    change(state)
    torch.save(state, run_dir / STATE_NAME)


def assert_restored(run_dir: Path) -> None:
    model, average, optimizer = restore(run_dir)
    parts = trained_parts()
    for module, name in ((model, "model"), (average, "average")):
        for key, tensor in module.state_dict().items():
            assert torch.equal(tensor, parts[name][key])
    found, expected = optimizer.state_dict(), parts["optimizer"]
    assert found["param_groups"] == expected["param_groups"]
    for number, moments in expected["state"].items():
        for name, tensor in moments.items():
            assert torch.equal(found["state"][number][name], tensor)


def test_a_state_comes_back_bit_equal(run_dir):
    progress, _ = load_state(run_dir, HERE)
    assert progress == Progress(epoch=2, loss_sum=0.5)
    assert read_fingerprint(run_dir) == HERE
    assert_restored(run_dir)


def test_a_state_of_format_1_without_a_digest_is_read(run_dir):
    rewrite(run_dir, lambda state: state["progress"].pop("elapsed_s"))
    assert_restored(run_dir)


def test_a_state_from_before_the_first_step_is_read(tmp_path):
    model, optimizer = network()
    weights = model.state_dict()
    parts = {"model": weights, "average": weights, "optimizer": optimizer.state_dict()}
    save_state(tmp_path, Progress(), parts, HERE)
    assert restore(tmp_path)[2].state_dict()["state"] == {}


def test_a_state_with_a_flipped_bit_is_refused(run_dir):
    path = run_dir / STATE_NAME
    content = path.read_bytes()
    for bit in random.Random(0).sample(range(8 * len(content)), 400):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert refused(run_dir).startswith("(damaged")


@pytest.mark.parametrize("lost", [1, 2, 70, 73, 200])
def test_a_state_that_lost_its_end_is_refused(run_dir, lost):
    path = run_dir / STATE_NAME
    path.write_bytes(path.read_bytes()[:-lost])
    assert refused(run_dir).startswith("(damaged")


def put(*keys: Any, value: Any) -> Callable[[dict[str, Any]], object]:
    def change(state: dict[str, Any]) -> None:
        *parents, last = keys
        for parent in parents:
            state = state[parent]
        state[last] = value

    return change


LAUGHS: list[Any] = ["ha"]
for _ in range(60):
    LAUGHS = [LAUGHS, LAUGHS]  # nothing that looks at each would come to an end
MOMENTS = ("parts", "optimizer", "state", 0)
GROUP = ("parts", "optimizer", "param_groups", 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("format", value="x"), "of another kind"),
        (put("progress", value=None), "where the run stood"),
        (put("progress", "epoch", value=-1), "where the run stood"),
        (put("progress", "epoch", value=10**400), "where the run stood"),
        (put("progress", "batch", value=1.5), "where the run stood"),
        (put("progress", "loss_sum", value="0"), "where the run stood"),
        (put("progress", "best", value=[1.0]), "where the run stood"),
        (put("progress", "more", value=1), "where the run stood"),
        (put("identity", value=[]), "with which settings"),
        (put("identity", "seed", value=LAUGHS), "with which settings"),
        (put("identity", 7, value=1), "with which settings"),
        (put("parts", value=[1]), "no weights"),
        (put("parts", value={}), "not those of this run"),
        (put("parts", "model", "weight", value=torch.ones(2, 4)), "not those of this run"),
        (put("parts", "model", "more", value=torch.ones(2)), "not those of this run"),
        (put("parts", "average", value="weights"), "not those of this run"),
        (put("parts", "average", "bias", value=torch.tensor([0, math.nan])), "not finite"),
        (put("parts", "model", "bias", value=torch.tensor([0, math.inf])), "not finite"),
        (put("parts", "optimizer", value={}), "not those of this run"),
        (put(*MOMENTS, "exp_avg", value=torch.ones(10**6).expand(10**6, 10**6)), "not those"),
        (put(*MOMENTS, "exp_avg", value="x"), "not those of this run"),
        (put(*MOMENTS, value={}), "not those of this run"),
        (put("parts", "optimizer", "state", 9, value={}), "not those of this run"),
        (put(*GROUP, "lr", value="fast"), "not those of this run"),
        (put("parts", "optimizer", "param_groups", value=[]), "not those of this run"),
    ],
)
def test_a_state_of_another_content_is_refused(run_dir, change, said):
    rewrite(run_dir, change)
    assert said in refused(run_dir)


def test_the_optimizers_settings_are_the_runs_own(run_dir):
    rewrite(run_dir, put(*GROUP, "amsgrad", value=True))
    assert_restored(run_dir)


def test_what_pickle_would_run_is_refused(run_dir):
    class Hostile:
        def __reduce__(self):
            return print, ("it ran",)

    torch.save(Hostile(), run_dir / STATE_NAME)
    assert refused(run_dir).startswith("(damaged, or of another kind); put a copy in its place")


def test_a_run_from_before_a_setting_was_there_did_without_it():
    there = {"seed": 1, "encoder.layers": 3}
    assert compare_fingerprints(there, HERE) == []
    assert compare_fingerprints(there, HERE | {"encoder.zoneout": 0.1}) == [
        "encoder.zoneout is 0.0 there, 0.1 here"
    ]


def test_each_difference_is_named():
    assert compare_fingerprints(HERE, HERE | {"seed": 2, "trainer.epochs": 9, "new": True}) == [
        "new is None there, True here",
        "seed is 1 there, 2 here",
    ]
