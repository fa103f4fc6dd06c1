"""The memory that a recurrence holds while it runs."""

import weakref

import pytest
import torch
from random_models import noise
from torch import Tensor

from asr.encoders.variants.recurrence import Cell, Tensors, run_cell

FRAMES = 20


class Watched(Cell):
    """Sums its inputs, and counts how many of its past states are still in memory."""

    start = (0.0,)

    def __init__(self) -> None:
        self.past: list[weakref.ref[Tensor]] = []
        self.held = 0

    def step(
        self,
        preactivations: Tensor,
        states: Tensors,
        vectors: Tensors,  # noqa: ARG002
    ) -> tuple[Tensors, Tensors]:
        self.past.append(weakref.ref(states[0]))
        self.held = sum(state() is not None for state in self.past)
        total = states[0] + preactivations.squeeze(-2)
        return (total.tanh(),), (total,)


@pytest.mark.parametrize(("gradient", "held"), [(True, FRAMES), (False, 1)])
def test_past_states_are_held_only_for_gradients(gradient: bool, held: int) -> None:
    cell, inputs = Watched(), noise(FRAMES, 1, 2, 1, 3)
    recurrent = noise(1, 3, 3, seed=1).requires_grad_()

    with torch.set_grad_enabled(gradient):
        run_cell(cell, inputs, recurrent)

    assert cell.held == held
