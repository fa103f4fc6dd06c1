"""Masks depend on the seed of their own thread alone."""

import pytest
import torch

from asr.util.random_masks import draw_mask, dropout, seed_masks
from asr.util.torch_threads import call_in_threads

CPU = torch.device("cpu")
ONES = torch.ones(40, 50)


def draw(seed: int) -> torch.Tensor:
    with seed_masks(seed, CPU):
        return torch.stack([dropout(ONES, 0.25, training=True) for _ in range(20)])


def test_threads_draw_what_one_thread_draws_in_turn():
    alone = [draw(seed) for seed in (1, 2, 3)]
    assert not torch.equal(alone[0], alone[1])
    assert not torch.equal(alone[0][0], alone[0][1])
    at_once = call_in_threads(draw, [(1,), (2,), (3,)], 2, 1)
    assert torch.equal(torch.stack(at_once), torch.stack(alone))


def test_dropout_keeps_the_mean():
    dropped = draw(0)
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)


def test_nothing_is_dropped_outside_training_and_all_at_probability_1():
    assert dropout(ONES, 0.5, training=False) is ONES
    assert dropout(ONES, 0.0, training=True) is ONES
    assert not dropout(ONES, 1.0, training=True).any()


def test_masks_without_a_seed_follow_torchs_own_generator():
    torch.manual_seed(5)
    first = draw_mask(ONES, 0.5)
    with seed_masks(1, CPU):
        draw_mask(ONES, 0.5)
    torch.manual_seed(5)
    assert torch.equal(draw_mask(ONES, 0.5), first)
