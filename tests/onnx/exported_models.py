"""Models with random weights, and their weights as arrays."""

from typing import Any

import numpy as np
import torch
from random_models import ENCODER, FEATURES, SUBSAMPLING

from asr.model.ctc_model import CTCModel
from asr.model.quantize import quantize
from asr.model.settings import ModelSettings


def make_model(
    name: str = "blstm",
    factor: int = 2,
    features: dict[str, Any] | None = None,
    vocabulary_size: int = 9,
    **encoder: Any,
) -> CTCModel:
    """A model whose parameters, zero peepholes and biases included, are all random."""
    settings = ModelSettings(
        {**FEATURES, **(features or {})},
        {**SUBSAMPLING, "factor": factor},
        {**ENCODER, "name": name, **encoder},
    )
    model = CTCModel(settings, vocabulary_size).eval()
    torch.manual_seed(1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return model


def arrays(model: CTCModel) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def in_8_bits(model: CTCModel) -> dict[str, np.ndarray]:
    return quantize(arrays(model), 8)
