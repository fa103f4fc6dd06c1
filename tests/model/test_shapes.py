"""What settings tell of a model's weights and frames, beside the model that torch builds."""

from dataclasses import replace

import pytest
import torch
from random_models import random_model

from asr.encoders import ENCODERS
from asr.model.ctc_model import CTCModel
from asr.model.settings import ModelSettings
from asr.model.shapes import STRIDES, output_frames, weight_shapes
from asr.onnx.recurrent import LAYERS
from asr.util.errors import UserError


def settings(**encoder: bool | int | float | str | None) -> ModelSettings:
    made = random_model().settings
    return replace(made, encoder={**made.encoder, **encoder})


@pytest.mark.parametrize("encoder", LAYERS)
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("layers", "projection"), [(1, 0), (3, 0), (2, 4)])
def test_weights_have_the_shapes_of_the_model(encoder, bidirectional, layers, projection):
    if projection and encoder != "blstm":
        projection = 0
    asked = settings(
        name=encoder, bidirectional=bidirectional, layers=layers, projection=projection
    )
    assert_shapes(asked)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("right_context_ms", [0, 49.9, 500])
def test_a_right_context_adds_weights_to_one_direction(bidirectional, right_context_ms):
    asked = settings(bidirectional=bidirectional, right_context_ms=right_context_ms)
    assert_shapes(asked)
    assert ("encoder.lookahead.weight" in weight_shapes(asked, 9)) != bidirectional


def assert_shapes(asked: ModelSettings) -> None:
    with torch.device("meta"):
        built = CTCModel(asked, 9).state_dict()
    assert weight_shapes(asked, 9) == {name: tuple(one.shape) for name, one in built.items()}


def test_torch_lays_out_other_encoders_and_refuses_other_options():
    for name in ENCODERS.keys() - LAYERS:
        assert weight_shapes(settings(name=name), 9) is None
    for options in ({"zoneout": 0.1}, {"projection": 8}, {"name": "gru", "projection": 4}):
        assert weight_shapes(settings(**options), 9) is None
        with pytest.raises(UserError, match=r"encoder\."):
            CTCModel(settings(**options), 9)


@pytest.mark.parametrize("factor", STRIDES)
def test_frames_are_those_the_model_counts(factor):
    model = random_model(factor=factor)
    samples = [0, 1, 255, 256, 415, 416, 4000, 16000, 16001]
    expected = model.output_frames(torch.tensor(samples)).tolist()
    assert [output_frames(model.settings, count) for count in samples] == expected
