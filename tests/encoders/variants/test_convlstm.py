"""The convolutional LSTM keeps bins in their order from layer to layer."""

import pytest
import torch
from torch import nn

from asr.encoders import ENCODERS, RecurrentStack
from asr.encoders.variants.convlstm import CHANNELS, KERNEL

BINS = 20


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_bin_reaches_only_the_bins_around_it(layers: int, bidirectional: bool) -> None:
    """In one frame a layer reads K // 2 bins on each side; norms, which read all, are taken out."""
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
        before, after = (
            stack(maps.flatten(2), torch.tensor([1]))[0].unflatten(-1, (BINS, -1))
            for maps in (features, other)
        )

    moved = (after - before).abs().amax(-1).flatten() > 1e-6
    reach = layers * (KERNEL // 2)
    assert moved.nonzero().flatten().tolist() == list(range(changed - reach, changed + reach + 1))
