"""Every layer against its paper: outputs, gradients, directions, and number of parameters."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from paper_notation import UNDIRECTED, halves, paper_outputs
from random_models import noise, pad_with_garbage
from torch import Tensor

from asr.encoders import ENCODERS, RecurrentLayer, library
from asr.encoders.variants import convlstm, recurrence
from asr.encoders.variants.cell_layer import CellLayer

INPUTS, HIDDEN, CHANNELS = 8, 4, 2
LAYERS = {kind.__name__: kind for kinds in ENCODERS.values() for kind in kinds}
every_layer = pytest.mark.parametrize("name", LAYERS)
DIRECTED = [name for name, kind in LAYERS.items() if not issubclass(kind, UNDIRECTED)]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the maps of few channels, and the blocks of few frames."""
    monkeypatch.setattr(convlstm, "CHANNELS", CHANNELS)
    monkeypatch.setattr(recurrence, "BLOCK", 3)


def random_layer(name: str, **options: float) -> RecurrentLayer:
    """Make a layer whose parameters are all random, biases and gains too."""
    torch.manual_seed(0)
    layer = LAYERS[name](INPUTS, HIDDEN, **options).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return layer


def utterances(*lengths: int) -> list[Tensor]:
    return [noise(length, INPUTS, seed=i).double() for i, length in enumerate(lengths)]


def padded(sequences: list[Tensor], garbage: float = 1e3) -> tuple[Tensor, Tensor]:
    features, lengths = pad_with_garbage(sequences, garbage)
    return features.double(), lengths


@every_layer
def test_a_layer_computes_the_equations_of_its_paper(name: str) -> None:
    layer, sequences = random_layer(name), utterances(11, 4, 1)

    with torch.no_grad():
        found = layer(*padded(sequences))

    for row, sequence in zip(halves(layer, found).numpy(), sequences, strict=True):
        expected = paper_outputs(layer, sequence.numpy())
        np.testing.assert_allclose(row[: len(expected)], expected, rtol=1e-5, atol=1e-5)


@every_layer
def test_single_precision_is_close_to_double(name: str) -> None:
    layer, (sequence,) = random_layer(name), utterances(40)
    lengths = torch.tensor([40])

    exact = layer(sequence[None], lengths)
    found = layer.float()(sequence[None].float(), lengths)

    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact, rtol=1e-3, atol=1e-3)


@every_layer
def test_bfloat16_autocast_is_close_to_single_precision(name: str) -> None:
    torch.manual_seed(0)
    layer, features = LAYERS[name](INPUTS, HIDDEN), noise(2, 20, INPUTS)
    lengths = torch.tensor([20, 9])
    expected = layer(features, lengths)

    with torch.autocast("cpu", torch.bfloat16):
        found = layer(features, lengths)
    found.float().sum().backward()

    torch.testing.assert_close(found.float(), expected, rtol=0.1, atol=0.1)
    assert all(p.grad.isfinite().all() for p in layer.parameters())


@pytest.mark.parametrize("name", ["RNN", "GRU", "BLSTM"])
def test_kernels_that_lack_bfloat16_run_in_single_precision(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "CPU_HAS_BFLOAT16", False)
    layer, features = LAYERS[name](INPUTS, HIDDEN), noise(2, 20, INPUTS)
    lengths = torch.tensor([20, 9])

    with torch.autocast("cpu", torch.bfloat16):
        found = layer(features, lengths)

    assert torch.equal(found, layer(features, lengths))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@every_layer
def test_cuda_equals_the_cpu(name: str) -> None:
    layer, sequences = random_layer(name), utterances(11, 4, 1)
    features, lengths = padded(sequences)
    expected = layer(features, lengths)

    found = layer.cuda()(features.cuda(), lengths.cuda()).cpu()

    for row, wanted, length in zip(found, expected, lengths, strict=True):
        torch.testing.assert_close(row[:length], wanted[:length], rtol=1e-6, atol=1e-6)


@every_layer
def test_gradients_equal_finite_differences(name: str) -> None:
    layer, (features, lengths) = random_layer(name), padded(utterances(5, 2), 1.0)

    def outputs(features: Tensor, *_: Tensor) -> Tensor:
        rows = layer(features, lengths)
        return torch.cat([row[:length] for row, length in zip(rows, lengths, strict=True)])

    inputs = (features.requires_grad_(), *layer.parameters())
    assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)


@every_layer
def test_a_batch_equals_batches_of_one(name: str) -> None:
    layer, sequences = random_layer(name), utterances(9, 4, 0, 1)

    batch = layer(*padded(sequences))

    for row, sequence in zip(batch, sequences, strict=True):
        if len(sequence):
            alone = layer(sequence[None], torch.tensor([len(sequence)]))[0]
            torch.testing.assert_close(row[: len(sequence)], alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", DIRECTED)
def test_swapped_directions_mirror_the_outputs_of_a_reversed_sequence(name: str) -> None:
    layer, (sequence,) = random_layer(name), utterances(6)
    lengths = torch.tensor([6])
    straight = layer(sequence[None], lengths)

    with torch.no_grad():
        parameters = dict(layer.named_parameters())
        for key, parameter in parameters.items():
            if key.endswith("_l0"):
                kept = parameter.clone()
                parameter.copy_(parameters[f"{key}_reverse"])
                parameters[f"{key}_reverse"].copy_(kept)
            elif not key.endswith("_reverse"):
                parameter.copy_(parameter.roll(len(parameter) // 2, 0))
    mirrored = halves(layer, layer(sequence.flip(0)[None], lengths)).flip(1).flip(2)

    torch.testing.assert_close(mirrored, halves(layer, straight), rtol=1e-9, atol=1e-9)


def gates(n: int) -> Callable[[int, int], int]:
    return lambda f, h: n * (h * (f + h) + h)


def both(formula: Callable[[int, int], int]) -> Callable[[int, int], int]:
    """Halve the number of parameters of a layer of width 2 H, which has no direction."""
    return lambda f, h: formula(f, 2 * h) // 2


COUNTS: dict[str, Callable[[int, int], int]] = {
    "RNN": lambda f, h: h * (f + h) + 2 * h,
    "GRU": lambda f, h: 3 * (h * (f + h) + 2 * h),
    "BLSTM": lambda f, h: 4 * (h * (f + h) + 2 * h),
    "LSTM1997": gates(3),
    **{n: lambda f, h: gates(4)(f, h) + 3 * h for n in ("Peephole", "NIAF", "NOAF")},
    **{n: lambda f, h: gates(3)(f, h) + 2 * h for n in ("NIG", "NFG", "NOG", "CIFG")},
    "FGR": lambda f, h: gates(4)(f, h) + 3 * h + 9 * h * h,
    "LNLSTM": lambda f, h: gates(4)(f, h) + 10 * h,
    "ConvLSTM": lambda f, h: 4 * 2 * (5 * (f // (h // 2) + 2) + 1) + 3 * h,
    "SLSTM": lambda f, h: 4 * (h * (f + h // 4) + h),
    "MLSTM": lambda f, h: (4 * h + 8) * (f + 1),
    "MLSTMBlock": lambda f, h: 2 * 2 * h * f + h * 2 * h + 39 * 2 * h + 8,
    "S4D": lambda f, h: f * (4 * 32 + 2) + 2 * h * (f + 1),
    "SelfAttention": both(lambda f, w: 3 * w * (f + 1) + w * (w + 1)),
    **{
        n: both(lambda f, w: 4 * w * (f + 1) + w * (4 * w + 1))
        for n in ("FeedForward", "MacaronFeedForward")
    },
    "ConvolutionModule": both(lambda f, w: 2 * w * (f + 1) + 34 * w + w * (w + 1)),
    "SLSTMBlock": lambda f, h: h * f + 5 * f + h * h + 5 * h + 3 * round(4 * h / 3) * h,
}


@every_layer
@pytest.mark.parametrize(("inputs", "hidden"), [(8, 4), (16, 8), (24, 12)])
def test_the_number_of_parameters_is_what_the_docstring_states(
    name: str, inputs: int, hidden: int
) -> None:
    count = sum(parameter.numel() for parameter in LAYERS[name](inputs, hidden).parameters())

    assert count == 2 * COUNTS[name](inputs, hidden)


GATED = [n for n in LAYERS if issubclass(LAYERS[n], CellLayer)]


@pytest.mark.parametrize("name", GATED)
def test_recurrent_matrices_start_orthogonal_and_forget_gates_open(name: str) -> None:
    layer = LAYERS[name](INPUTS, HIDDEN)

    scale = 0.25 if name == "NOAF" else 1.0
    for matrix in layer.recurrent.split(layer.width):
        square = matrix @ matrix.T
        torch.testing.assert_close(square, scale**2 * torch.eye(layer.width), rtol=0, atol=1e-5)
    biases = layer.bias.view(2, len(layer.gates), -1).unbind(1)
    for gate, bias in zip(layer.gates, biases, strict=True):
        expected = {"f": 1.0, "i": -1.0 if name == "CIFG" else 0.0}.get(gate, 0.0)
        assert (bias == expected).all()
