"""The convolutional LSTM: bins stay in their order from layer to layer."""

import pytest
import torch
from torch import nn

from asr.encoders import ENCODERS, RecurrentStack
from asr.encoders.variants.convlstm import CHANNELS, KERNEL

BINS = 20


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_bin_is_heard_by_those_around_it_alone(layers: int, bidirectional: bool) -> None:
    """In one frame each layer looks K // 2 bins up and down; norms, which look at all, are out."""
    torch.manual_seed(0)
    stack = RecurrentStack(
        ENCODERS["convlstm"], layers=layers, hidden_size=BINS * CHANNELS, dropout=0.0,
        bidirectional=bidirectional,
    ).eval()  # fmt: skip
    stack.norms = nn.ModuleList(nn.Identity() for _ in range(layers))
    stack.last_norm = nn.Identity()
    features = torch.randn(1, 1, BINS, stack.output_size // BINS)
    other, changed = features.clone(), 10
    other[:, :, changed] += 1

    with torch.no_grad():
        said, instead = (
            stack(one.flatten(2), torch.tensor([1]))[0].unflatten(-1, (BINS, -1))
            for one in (features, other)
        )

    moved = (said - instead).abs().amax(-1).flatten() > 1e-6
    reach = layers * (KERNEL // 2)
    assert moved.nonzero().flatten().tolist() == list(range(changed - reach, changed + reach + 1))
