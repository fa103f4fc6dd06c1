import itertools
import math

import pytest
import torch
from torch import nn

from asr.training.optimizer import WeightAverage, make_optimizer, make_schedule, warmup_cosine
from asr.util.errors import UserError

SETTINGS = {"name": "adamw", "lr": 0.1, "weight_decay": 0.5, "betas": [0.9, 0.98]}


def test_only_matrices_decay():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.LayerNorm(4), nn.LSTM(4, 4), nn.Linear(4, 2))
    optimizer = make_optimizer(model, **SETTINGS)
    names = {id(p): name for name, p in model.named_parameters()}
    decayed, kept = ({names[id(p)] for p in group["params"]} for group in optimizer.param_groups)
    assert decayed == {"0.weight", "2.weight_ih_l0", "2.weight_hh_l0", "3.weight"}
    assert decayed | kept == set(names.values())
    assert not decayed & kept
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.0]
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.98)


def test_decay_shrinks_a_matrix_and_leaves_its_bias():
    model = nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.fill_(1.0)
        model.bias.fill_(1.0)
    optimizer = make_optimizer(model, **SETTINGS)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(model.weight.detach(), torch.full((2, 2), 1 - 0.1 * 0.5))
    assert torch.equal(model.bias.detach(), torch.ones(2))


def first_steps(count: int, **settings) -> float:
    """Where a weight of 1 with a constant gradient of 0.5 is after some steps at a rate of 0.1."""
    model = nn.Linear(1, 1)
    nn.init.ones_(model.weight)
    optimizer = make_optimizer(model, **SETTINGS | settings)
    for _ in range(count):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 0.5)
        optimizer.step()
    return model.weight.item()


def test_adam_decays_by_the_gradient_and_adamw_apart_from_it():
    """Bias-corrected, a first step is the gradient's sign: the decay within it changes nothing."""
    assert first_steps(1, name="adam") == pytest.approx(1 - 0.1)
    assert first_steps(1, name="adamw") == pytest.approx(1 - 0.1 * 0.5 - 0.1)


def test_rmsprop_is_given_momentum_and_decay_by_the_betas():
    square = 0.02 * 0.5**2  # of the first step; the second adds to what is left
    first = 0.1 * 0.5 / math.sqrt(square)
    second = 0.1 * 0.5 / math.sqrt(0.98 * square + square)
    plain = {"name": "rmsprop", "weight_decay": 0.0}
    assert first_steps(1, **plain, betas=[0.0, 0.98]) == pytest.approx(1 - first)
    assert first_steps(2, **plain, betas=[0.0, 0.98]) == pytest.approx(1 - first - second)
    moved = first + 0.9 * first + second
    assert first_steps(2, **plain, betas=[0.9, 0.98]) == pytest.approx(1 - moved)


def test_unknown_names_are_refused():
    with pytest.raises(
        UserError, match="unknown optimizer 'sgd'; choose one of adam, adamw, rmsprop"
    ):
        make_optimizer(nn.Linear(1, 1), **SETTINGS | {"name": "sgd"})
    with pytest.raises(UserError, match="unknown schedule 'linear'; choose one of warmup_cosine"):
        make_schedule(name="linear", warmup_fraction=0.1, final_fraction=0.1)


@pytest.mark.parametrize(
    ("progress", "relative_rate"),
    [(0.0, 0.0), (0.1, 0.5), (0.2, 1.0), (0.6, 0.55), (1.0, 0.1), (1.5, 0.1)],
)
def test_the_schedule_at_its_corners(progress, relative_rate):
    schedule = make_schedule(name="warmup_cosine", warmup_fraction=0.2, final_fraction=0.1)
    assert schedule(progress) == pytest.approx(relative_rate)


def test_the_schedule_without_warm_up_or_without_fall():
    assert warmup_cosine(0.0, warmup_fraction=0.0, final_fraction=0.0) == 1.0
    assert warmup_cosine(1.0, warmup_fraction=0.0, final_fraction=0.0) == pytest.approx(0.0)
    assert warmup_cosine(0.5, warmup_fraction=0.0, final_fraction=1.0) == 1.0
    assert warmup_cosine(0.5, warmup_fraction=1.0, final_fraction=0.0) == 0.5
    assert warmup_cosine(1.0, warmup_fraction=1.0, final_fraction=0.0) == 1.0


def test_the_schedule_is_smooth():
    rates = [warmup_cosine(i / 1000, warmup_fraction=0.1, final_fraction=0.01) for i in range(1001)]
    assert max(abs(a - b) for a, b in itertools.pairwise(rates)) <= 0.0101
    assert rates[1:-1] == sorted(rates[1:101]) + sorted(rates[101:-1], reverse=True)
    assert rates[550] == pytest.approx(0.01 + 0.99 * (1 + math.cos(math.pi / 2)) / 2)


def model_of(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(value)
    return model


def test_the_average_moves_by_the_decay():
    model = model_of(0.0)
    average = WeightAverage(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average.update(model, updates=10_000)
    assert float(average.model.weight) == pytest.approx(0.1)
    average.update(model, updates=10_000)
    assert float(average.model.weight) == pytest.approx(0.19)


def test_early_updates_count_for_more():
    model = model_of(0.0)
    average = WeightAverage(model, decay=0.999)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average.update(model, updates=1)
    assert float(average.model.weight) == pytest.approx(1 - 2 / 11)


def test_no_decay_follows_the_weights_exactly():
    model = model_of(0.0)
    average = WeightAverage(model, decay=0.0)
    with torch.no_grad():
        model.weight.fill_(0.123456789)
    average.update(model, updates=3)
    assert torch.equal(average.model.weight, model.weight)


def test_the_average_is_apart_from_training():
    model = nn.Sequential(nn.Dropout(0.5), model_of(1.0))
    average = WeightAverage(model.train(), decay=0.5)
    assert model.training
    assert not average.model.training
    assert not any(p.requires_grad for p in average.model.parameters())
    assert all(p.requires_grad for p in model.parameters())
    average.update(model, updates=1)
    assert model[1].weight.item() == 1.0
