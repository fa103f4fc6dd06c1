"""The Tree-LSTM against its paper, and as a part of a model that is trained, saved and loaded."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny
import torch
from random_models import ENCODER, FEATURES, noise, pad_with_garbage, random_tokenizer

import asr
from asr.cli import main
from asr.engine.torch_engine import TorchEngine
from asr.model.ctc_model import CTCModel
from asr.model.model_file import save_model
from asr.model.settings import ModelSettings
from asr.model.shapes import TREE_STRIDES, output_frames, weight_shapes
from asr.model.tree_subsampling import TreeSubsampling
from asr.util.errors import UserError

INPUTS, UNITS, OUTPUTS = 5, 3, 4
LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15)
Array = np.ndarray
every_factor = pytest.mark.parametrize("factor", TREE_STRIDES)


def random_tree(factor: int) -> TreeSubsampling:
    """Make a double-precision module whose parameters are all random."""
    torch.manual_seed(0)
    module = TreeSubsampling(
        mel_bins=INPUTS, factor=factor, channels=UNITS, output_size=OUTPUTS
    ).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return module


def sigma(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def node(w: dict[str, Array], x: Array, children: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Tai 2015, equations 9 to 14, for any number of children k up to two."""

    def total(gate: str, u: str) -> Array:
        over_children = (w[f"U_{u}{k}"] @ h for k, (h, _) in enumerate(children, 1))
        return w[f"W_{gate}"] @ x + sum(over_children, np.zeros(UNITS)) + w[f"b_{gate}"]

    i, o, u = sigma(total("i", "i")), sigma(total("o", "o")), np.tanh(total("u", "u"))
    c = i * u
    for k, (_, c_k) in enumerate(children, 1):
        c = c + sigma(total("f", f"f{k}")) * c_k
    return o * np.tanh(c), c


def paper(module: TreeSubsampling, xs: Array, levels: int) -> Array:
    """Build the trees of an utterance (T, F) from the leaves up: the roots' h (U, C), projected."""
    own = {name: p.detach().numpy() for name, p in module.named_parameters()}
    w = {f"W_{g}": m for g, m in zip("iou", np.split(own["weight"], 3), strict=True)}
    w |= {f"b_{g}": b for g, b in zip("iouf", np.split(own["bias"], 4), strict=True)}
    w["W_f"] = np.zeros((UNITS, INPUTS))  # inner nodes have no x, and leaves forget nothing
    names = ("i", "o", "u", "f1", "f2")
    for name, matrix in zip(names, np.split(own["child_weight"], 5), strict=True):
        w[f"U_{name}1"], w[f"U_{name}2"] = np.split(matrix, 2, axis=1)
    nodes = [node(w, x, []) for x in xs]
    for _ in range(levels):
        pairs = [nodes[first : first + 2] for first in range(0, len(nodes), 2)]
        nodes = [node(w, np.zeros(INPUTS), pair) for pair in pairs]
    roots = np.array([h for h, _ in nodes]).reshape(-1, UNITS)
    return roots @ own["projection.weight"].T + own["projection.bias"]


@every_factor
def test_it_computes_the_equations_of_the_paper_whatever_lies_past_an_end(factor: int) -> None:
    module = random_tree(factor)
    sequences = [noise(length, INPUTS, seed=length).double() for length in LENGTHS]
    features, lengths = pad_with_garbage(sequences)
    features[0] = torch.inf

    with torch.no_grad():
        found, found_lengths = module(features.double(), lengths)

    assert found_lengths.tolist() == [-(-length // factor) for length in LENGTHS]
    for row, frames, sequence in zip(found, found_lengths, sequences, strict=True):
        expected = paper(module, sequence.numpy(), len(TREE_STRIDES[factor]))
        np.testing.assert_allclose(row[:frames], expected, rtol=1e-12, atol=1e-12)


@every_factor
def test_gradients_equal_finite_differences(factor: int) -> None:
    module = random_tree(factor)
    features, lengths = pad_with_garbage([noise(n, INPUTS, seed=n) for n in (7, 4, 1)], 1.0)

    def outputs(features: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        rows, counts = module(features, lengths)
        return torch.cat([row[:count] for row, count in zip(rows, counts, strict=True)])

    inputs = (features.double().requires_grad_(), *module.parameters())
    assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)


@every_factor
def test_a_batch_equals_batches_of_one_and_lengths_are_stated(factor: int) -> None:
    module = random_tree(factor)
    utterances = [noise(length, INPUTS, seed=length).double() for length in LENGTHS[1:]]
    features, lengths = pad_with_garbage(utterances)

    batch, counts = module(features.double(), lengths)

    assert module.output_lengths(lengths).tolist() == counts.tolist()
    for row, count, utterance in zip(batch, counts, utterances, strict=True):
        alone, _ = module(utterance[None], torch.tensor([len(utterance)]))
        assert alone.shape == (1, count, OUTPUTS)
        torch.testing.assert_close(row[:count], alone[0], rtol=1e-12, atol=1e-12)


@every_factor
def test_garbage_in_the_padding_changes_no_gradient(factor: int) -> None:
    module = random_tree(factor)
    utterances = [noise(length, INPUTS, seed=length) for length in LENGTHS]

    gradients = []
    for garbage in (0.0, 1e3):
        module.zero_grad()
        features, lengths = pad_with_garbage(utterances, garbage)
        outputs, counts = module(features.double(), lengths)
        sum(row[:n].square().sum() for row, n in zip(outputs, counts, strict=True)).backward()
        gradients.append([parameter.grad for parameter in module.parameters()])

    torch.testing.assert_close(*gradients)


def test_parameters_are_as_many_as_the_docstring_states_and_forget_gates_open() -> None:
    module = TreeSubsampling(mel_bins=80, factor=4, channels=24, output_size=32)

    count = sum(parameter.numel() for parameter in module.parameters())

    assert count == 3 * 24 * 80 + 10 * 24 * 24 + 4 * 24 + 32 * 24 + 32
    assert module.bias.tolist() == [0.0] * 72 + [1.0] * 24


def test_an_unknown_factor_and_an_encoder_of_maps_are_refused() -> None:
    sizes = {"mel_bins": 16, "channels": 4, "output_size": 8}
    with pytest.raises(UserError, match="unknown factor 3 of tree_lstm; choose one of 2, 4, 8"):
        TreeSubsampling(factor=3, **sizes)
    with pytest.raises(UserError, match=r"subsampling\.name: tree_lstm keeps no frequency bins"):
        TreeSubsampling(factor=4, keep_bins=4, **sizes)


def test_a_saved_model_loads_and_transcribes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = ModelSettings(FEATURES, {"name": "tree_lstm", "factor": 4, "channels": 6}, ENCODER)
    model = CTCModel(settings, 9).eval()
    torch.nn.init.normal_(model.head.weight, std=2.0)
    torch.nn.init.constant_(model.head.bias[:2], -100.0)  # neither blank nor space
    path = tmp_path / "m.safetensors"
    save_model(path, model.state_dict(), settings, random_tokenizer(), {})
    soundfile.write(tmp_path / "a.wav", 0.1 * noise(16000).numpy(), 16000)

    with pytest.warns(UserWarning, match="need torch"):
        recognizer = asr.load(path)

    assert weight_shapes(settings, 9) is None
    for samples in (0, 255, 256, 4000, 16001):
        counted = model.output_frames(torch.tensor([samples])).item()
        assert output_frames(settings, samples) == counted
    arrays = noise(2, 4000).numpy(), np.array([4000, 2500])
    found, lengths = recognizer.engine.log_probs(*arrays)
    expected, _ = TorchEngine(model).log_probs(*arrays)
    assert found.shape[1] == lengths[0] == output_frames(settings, 4000)
    for row, other, length in zip(found, expected, lengths, strict=True):
        np.testing.assert_allclose(row[:length], other[:length], rtol=0, atol=1e-6)
    assert recognizer.transcribe(tmp_path / "a.wav").text


def test_the_recipe_of_all_trains_it(tones: Path, tmp_path: Path) -> None:
    tree = ("subsampling=tree_lstm", "subsampling.factor=4", "subsampling.channels=4")
    asked = (*tree, *tiny.STILL, "trainer.epochs=2")

    assert main(tiny.arguments(tones, tmp_path / "run", *asked)) == 0

    first, last = (epoch["loss"] for epoch in tiny.metrics(tmp_path / "run"))
    assert last < first
