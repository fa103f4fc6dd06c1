"""The parts of a training state, put back where they were taken from."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asr.training.checkpoint import STATE_NAME, unreadable


def restore_parts(
    run_dir: Path,
    parts: dict[str, Any],
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Load the parts of a run's state, where all have the names and shapes they are to have.

    Raises:
        UserError: they have not, or weights are not finite.
    """
    try:
        expected = _kept(optimizer)
        model.load_state_dict(parts["model"])
        average.load_state_dict(parts["average"])
        moments, groups = parts["optimizer"]["state"], parts["optimizer"]["param_groups"]
        if any(_shapes(named) != expected[number] for number, named in moments.items()):
            raise ValueError("moments of other shapes")
        own = optimizer.state_dict()["param_groups"]  # all settings are the run's, but for the rate
        groups = [
            {**mine, "lr": float(theirs["lr"])} for mine, theirs in zip(own, groups, strict=True)
        ]
        optimizer.load_state_dict({"state": moments, "param_groups": groups})
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        why = "its weights or moments are not those of this run"
        raise unreadable(run_dir / STATE_NAME, why) from error
    weights = [*model.state_dict().values(), *average.state_dict().values()]
    if not all(tensor.isfinite().all() for tensor in weights):
        raise unreadable(run_dir / STATE_NAME, "its weights are not finite")


def _kept(optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Any]]:
    """Tell what an optimizer keeps of each parameter, by a step without gradients.

    The step may move the weights, which are loaded after it.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    kept = optimizer.state_dict()["state"]
    return {number: _shapes(named) for number, named in kept.items()}


def _shapes(named: dict[str, Tensor]) -> dict[str, Any]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in named.items()}
