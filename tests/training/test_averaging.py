import pytest
import torch
from torch import nn

from asr.training.averaging import WeightAverage


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
