import pytest
import torch
from random_models import noise, pad_with_garbage

from asr.encoders import ENCODERS, RecurrentStack
from asr.encoders.variants import convlstm

HIDDEN = 8


@pytest.fixture(autouse=True)
def two_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convlstm, "CHANNELS", 2)


def stack(name: str, dropout: float = 0.5, layers: int = 0, **options: float) -> RecurrentStack:
    """Make two layers, or one of each kind where these are more."""
    torch.manual_seed(0)
    kinds = ENCODERS[name]
    return RecurrentStack(
        kinds, layers=layers or max(2, len(kinds)), hidden_size=HIDDEN, dropout=dropout, **options
    )


every_encoder = pytest.mark.parametrize("name", ENCODERS)


@every_encoder
@pytest.mark.parametrize("lengths", [(9, 4, 1, 0), (5, 5), (1, 1), (70, 40)])
def test_a_batch_equals_batches_of_one(name: str, lengths: tuple[int, ...]) -> None:
    encoder = stack(name).eval()
    utterances = [noise(n, encoder.output_size, seed=i) for i, n in enumerate(lengths)]

    batch, sizes = encoder(*pad_with_garbage(utterances))

    assert tuple(sizes.tolist()) == lengths
    for row, utterance in zip(batch, utterances, strict=True):
        if len(utterance):
            alone, _ = encoder(utterance[None], torch.tensor([len(utterance)]))
            torch.testing.assert_close(row[: len(utterance)], alone[0], rtol=1e-4, atol=1e-5)


@every_encoder
def test_garbage_in_the_padding_changes_no_gradient(name: str) -> None:
    encoder = stack(name).eval()
    utterances = [noise(n, encoder.output_size, seed=n) for n in (9, 4, 1, 0)]

    gradients = []
    for garbage in (0.0, 1e3):
        encoder.zero_grad()
        outputs, lengths = encoder(*pad_with_garbage(utterances, garbage))
        sum((row[:n] ** 3).sum() for row, n in zip(outputs, lengths, strict=True)).backward()
        gradients.append([parameter.grad for parameter in encoder.parameters()])

    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


@every_encoder
def test_input_and_output_are_as_wide_as_one_layers_output(name: str) -> None:
    encoder = stack(name)

    outputs, _ = encoder(noise(2, 5, encoder.output_size), torch.tensor([5, 3]))

    assert encoder.output_size == 2 * HIDDEN
    assert outputs.shape == (2, 5, encoder.output_size)


@every_encoder
def test_layers_are_residual_so_that_a_layer_of_zeros_changes_nothing(name: str) -> None:
    encoder = stack(name).eval()
    features, lengths = noise(2, 5, encoder.output_size), torch.tensor([5, 3])
    for parameter in encoder.layers.parameters():
        torch.nn.init.zeros_(parameter)

    outputs, _ = encoder(features, lengths)

    torch.testing.assert_close(outputs, encoder.last_norm(features))


@every_encoder
def test_dropout_acts_only_in_training(name: str) -> None:
    encoder = stack(name)
    features, lengths = noise(2, 5, encoder.output_size), torch.tensor([5, 3])

    assert not torch.equal(encoder(features, lengths)[0], encoder(features, lengths)[0])
    encoder.eval()
    assert torch.equal(encoder(features, lengths)[0], encoder(features, lengths)[0])


@every_encoder
def test_no_buffer_keeps_statistics_of_batches(name: str) -> None:
    assert not list(stack(name).buffers())


def test_kinds_of_layers_take_turns() -> None:
    kinds = [type(layer).__name__ for layer in stack("xlstm", layers=3).layers]

    assert kinds == ["MLSTMBlock", "SLSTMBlock", "MLSTMBlock"]


@pytest.mark.parametrize("variational_dropout", [False, True])
def test_variational_dropout_keeps_its_mask_in_all_frames(variational_dropout: bool) -> None:
    encoder = stack("blstm", variational_dropout=variational_dropout)

    dropped = encoder.dropout(torch.ones(3, 50, 16))

    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert (dropped == dropped[:, :1]).all() == variational_dropout
    assert not torch.equal(dropped[0], dropped[1])
    encoder.eval()
    assert torch.equal(encoder.dropout(torch.ones(3, 50, 16)), torch.ones(3, 50, 16))
