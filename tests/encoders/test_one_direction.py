"""A layer in one direction: the forward half of both directions, without any later frame."""

import pytest
import torch
from paper_notation import UNDIRECTED, halves
from random_models import noise, pad_with_garbage

from asr.encoders import ENCODERS, RecurrentLayer, RecurrentStack
from asr.encoders.variants import convlstm

LAYERS = {kind.__name__: kind for kinds in ENCODERS.values() for kind in kinds}
INPUTS, HIDDEN = 8, 4


@pytest.fixture(autouse=True)
def two_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convlstm, "CHANNELS", 2)


def forward_half(both: RecurrentLayer) -> RecurrentLayer:
    alone = type(both)(both.input_size, both.hidden_size, bidirectional=False)
    weights = dict(both.named_parameters())
    with torch.no_grad():
        for name, parameter in alone.named_parameters():
            parameter.copy_(weights[name][: len(parameter)])
    return alone


@pytest.mark.parametrize("name", [n for n, k in LAYERS.items() if not issubclass(k, UNDIRECTED)])
def test_one_direction_equals_the_forward_half_of_both(name: str) -> None:
    torch.manual_seed(0)
    both = LAYERS[name](INPUTS, HIDDEN)
    for parameter in both.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    features, lengths = pad_with_garbage([noise(n, INPUTS, seed=n) for n in (9, 4, 1)])

    alone = forward_half(both)(features, lengths)

    assert alone.shape[2] == HIDDEN
    forward = halves(both, both(features, lengths))[:, :, 0]
    for row, expected, length in zip(alone, forward, lengths, strict=True):
        wanted = expected[:length]
        torch.testing.assert_close(row[:length], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_stack_in_one_direction_depends_on_no_later_frame(name: str) -> None:
    torch.manual_seed(0)
    layers = max(2, len(ENCODERS[name]))
    encoder = RecurrentStack(
        ENCODERS[name], layers=layers, hidden_size=INPUTS, dropout=0.1, bidirectional=False
    ).eval()
    features, lengths = noise(1, 12, INPUTS), torch.tensor([12])
    changed = features.clone()
    changed[0, 7] += noise(INPUTS, seed=1)

    difference = (encoder(changed, lengths)[0] - encoder(features, lengths)[0])[0].abs().amax(-1)

    assert encoder.output_size == INPUTS
    assert (difference[:7] < 1e-6).all()
    assert (difference[7:] > 1e-6).all()
