"""Sak's projection: outputs narrower than the cells, for the next frame and the next layer."""

import numpy as np
import pytest
import torch
from random_models import noise, pad_with_garbage

from asr.encoders import ENCODERS, RecurrentStack
from asr.encoders.blstm import BLSTM
from asr.util.errors import UserError

INPUTS, HIDDEN, OUTPUTS = 6, 8, 3


def projected(bidirectional: bool = True) -> BLSTM:
    torch.manual_seed(0)
    layer = BLSTM(INPUTS, HIDDEN, projection=OUTPUTS, bidirectional=bidirectional).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return layer


def sak(xs: np.ndarray, layer: BLSTM, suffix: str = "") -> np.ndarray:
    """Sak 2014, without peepholes: the next frame reads the projected output."""
    own = {n.removeprefix("lstm."): p.detach().numpy() for n, p in layer.named_parameters()}
    w_x, w_r, b_x, b_r, w_p = (
        own[f"{name}_l0{suffix}"]
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    )
    r, c, outputs = np.zeros(OUTPUTS), np.zeros(HIDDEN), []
    for x in xs:
        i, f, z, o = np.split(w_x @ x + w_r @ r + b_x + b_r, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(z)
        r = w_p @ (o * np.tanh(c))
        outputs.append(r)
    return np.stack(outputs)


def test_a_projected_layer_computes_saks_equations() -> None:
    layer, sequences = projected(), [noise(n, INPUTS, seed=n).double() for n in (9, 4, 1)]
    features, lengths = pad_with_garbage(sequences)

    found = layer(features.double(), lengths).detach().numpy()

    for row, sequence in zip(found, sequences, strict=True):
        xs = sequence.numpy()
        back = sak(xs[::-1], layer, "_reverse")[::-1]
        expected = np.concatenate([sak(xs, layer), back], axis=1)
        np.testing.assert_allclose(row[: len(xs)], expected, rtol=1e-9, atol=1e-9)


def test_gradients_equal_finite_differences() -> None:
    layer, features = projected(), noise(2, 5, INPUTS).double().requires_grad_()

    def outputs(features: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return layer(features, torch.tensor([5, 3]))[:, :3]

    inputs = (features, *layer.parameters())
    assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)


@pytest.mark.parametrize("directions", [1, 2])
def test_a_projection_sets_the_number_of_parameters_and_the_widths(directions: int) -> None:
    layer = projected(bidirectional=directions == 2)

    count = sum(parameter.numel() for parameter in layer.parameters())

    one = 4 * (HIDDEN * (INPUTS + OUTPUTS) + 2 * HIDDEN) + OUTPUTS * HIDDEN
    assert count == directions * one
    assert layer.output_size == directions * OUTPUTS
    stack = RecurrentStack(
        ENCODERS["blstm"], layers=2, hidden_size=HIDDEN, dropout=0.0, projection=OUTPUTS,
        bidirectional=directions == 2,
    )  # fmt: skip
    features = noise(2, 5, stack.output_size)
    assert stack(features, torch.tensor([5, 3]))[0].shape == (2, 5, directions * OUTPUTS)


def test_no_weight_starts_at_0() -> None:
    layer = BLSTM(INPUTS, HIDDEN, projection=OUTPUTS)

    assert all(p.any() for name, p in layer.named_parameters() if "weight" in name)


def test_a_projection_as_wide_as_the_cells_is_refused() -> None:
    with pytest.raises(UserError, match=r"encoder\.projection: .* less than hidden_size, 8.* 8"):
        BLSTM(INPUTS, HIDDEN, projection=HIDDEN)
