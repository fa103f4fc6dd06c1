import itertools
import math

import pytest
import torch
from random_models import ENCODER, FEATURES, SUBSAMPLING, noise, pad_with_garbage, random_model
from torch import Tensor

from asr.decoding.tokens import frames_needed
from asr.model.ctc_model import CTCModel, ctc_loss
from asr.model.mel import NORMALIZATIONS
from asr.model.settings import ModelSettings
from asr.model.shapes import STRIDES
from asr.util.errors import UserError

SAMPLES = (9000, 4000, 4000, 1000, 256, 200, 0)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("factor", STRIDES)
def test_a_batch_equals_batches_of_one_from_waveform_to_log_probs(
    factor: int, normalization: str
) -> None:
    model = random_model(normalization, factor)
    waveforms = [0.1 * noise(count, seed=i) for i, count in enumerate(SAMPLES)]

    batch, batch_lengths = model.log_probs(*pad_with_garbage(waveforms))

    for i, waveform in enumerate(waveforms):
        alone, length = model.log_probs(waveform[None], torch.tensor([len(waveform)]))
        assert batch_lengths[i] == length
        torch.testing.assert_close(batch[i, :length], alone[0, :length], rtol=1e-4, atol=1e-4)


def test_garbage_in_the_features_padding_changes_no_log_prob() -> None:
    model = random_model()
    utterances = [noise(frames, 16, seed=frames) for frames in (20, 9, 1, 0)]

    found, lengths = model(*pad_with_garbage(utterances, 1e3))
    expected, _ = model(*pad_with_garbage(utterances, 0.0))

    for row, clean, length in zip(found, expected, lengths, strict=True):
        torch.testing.assert_close(row[:length], clean[:length], rtol=1e-5, atol=1e-5)


def test_loss_and_gradients_of_a_batch_are_the_sums_over_batches_of_one() -> None:
    model = random_model()
    waveforms = [0.1 * noise(count, seed=i) for i, count in enumerate((9000, 4000, 2500))]
    targets = [[1, 2, 2, 5], [7], [3, 1]]
    padded = torch.tensor([t + [8] * (4 - len(t)) for t in targets])

    log_probs, lengths = model.log_probs(*pad_with_garbage(waveforms))
    losses = ctc_loss(log_probs, lengths, padded, torch.tensor([4, 1, 2]))
    losses.sum().backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]

    model.zero_grad()
    for waveform, target, loss in zip(waveforms, targets, losses, strict=True):
        log_probs, length = model.log_probs(waveform[None], torch.tensor([len(waveform)]))
        alone = ctc_loss(log_probs, length, torch.tensor([target]), torch.tensor([len(target)]))
        alone.sum().backward()
        torch.testing.assert_close(alone[0], loss, rtol=1e-5, atol=1e-4)
    alone_gradients = [parameter.grad for parameter in model.parameters()]
    torch.testing.assert_close(gradients, alone_gradients, rtol=1e-3, atol=1e-3)


def test_outputs_are_log_probabilities() -> None:
    log_probs, lengths = random_model().log_probs(noise(2, 4000), torch.tensor([4000, 3000]))

    assert log_probs.dtype == torch.float32
    assert log_probs.shape == (2, int(lengths[0]), 9)
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(log_probs.shape[:2]))


@pytest.mark.parametrize("factor", STRIDES)
def test_output_frames_equal_the_lengths_of_log_probs(factor: int) -> None:
    model = random_model(factor=factor)

    for samples in (0, 1, 255, 256, 415, 416, 1000, 4321):
        _, lengths = model.log_probs(noise(1, samples), torch.tensor([samples]))
        assert model.output_frames(torch.tensor([samples])).tolist() == lengths.tolist()


@pytest.mark.parametrize("factor", STRIDES)
def test_frame_s_is_the_time_from_one_encoder_frame_to_the_next(factor: int) -> None:
    assert random_model(factor=factor).frame_s == pytest.approx(0.01 * factor)


def test_parameters_are_tabulated_by_layer_and_add_up() -> None:
    model = random_model()
    rows = [line.rsplit(maxsplit=1) for line in model.parameter_table().splitlines()]
    counts = {name.strip(): int(count.replace(",", "")) for name, count in rows}
    inputs, hidden = 16, 8

    layer = 2 * 4 * (hidden * (inputs + hidden) + 2 * hidden)
    assert counts["encoder.0"] == counts["encoder.1"] == layer
    assert counts["head"] == 9 * (2 * hidden) + 9
    assert counts.pop("total") == sum(counts.values()) == sum(p.numel() for p in model.parameters())


def test_no_buffer_keeps_running_statistics_of_batches() -> None:
    persistent = {name for name in random_model().state_dict() if "running" in name}

    assert not persistent


def test_an_unknown_encoder_is_refused_with_the_choices() -> None:
    settings = ModelSettings(FEATURES, SUBSAMPLING, {**ENCODER, "name": "os.system"})

    with pytest.raises(
        UserError, match=r"unknown encoder 'os\.system'; choose one of blstm, rnn, ls"
    ):
        CTCModel(settings, 9)


# CTC


def brute_force_loss(log_probs: Tensor, target: tuple[int, ...]) -> float:
    """Give -log of the summed probability of all alignments that collapse to `target`."""
    frames, tokens = log_probs.shape
    total = 0.0
    for alignment in itertools.product(range(tokens), repeat=frames):
        if tuple(token for token, _ in itertools.groupby(alignment) if token) == target:
            total += math.exp(sum(float(log_probs[u, v]) for u, v in enumerate(alignment)))
    return -math.log(total) if total else math.inf


def test_ctc_loss_equals_a_sum_over_all_alignments() -> None:
    targets = [(), (1,), (2, 1), (1, 1), (1, 2, 1), (2, 2, 2), (1, 1, 2, 2)]
    lengths = torch.tensor([1, 2, 3, 4, 5])
    log_probs = (2 * noise(5, 5, 3)).log_softmax(-1)

    for target in targets:
        padded = torch.tensor([[*target, *([2] * (5 - len(target)))]] * 5)  # padding is not read
        losses = ctc_loss(log_probs, lengths, padded, torch.tensor([len(target)] * 5))
        expected = [
            brute_force_loss(rows[:n], target) for rows, n in zip(log_probs, lengths, strict=True)
        ]
        torch.testing.assert_close(losses, torch.tensor(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("target", "needed"),
    [([1], 1), ([1, 2], 2), ([1, 1], 3), ([1, 2, 2, 1], 5), ([3, 3, 3], 5), ([1, 2, 1, 2], 4)],
)
def test_frames_needed_is_where_the_loss_becomes_finite(target: list[int], needed: int) -> None:
    log_probs = noise(2, needed, 5).log_softmax(-1)

    enough, too_few = ctc_loss(
        log_probs, torch.tensor([needed, needed - 1]), torch.tensor([target] * 2),
        torch.tensor([len(target)] * 2),
    )  # fmt: skip

    assert frames_needed(target) == needed
    assert enough.isfinite()
    assert too_few.isinf()


def test_no_text_needs_no_frame() -> None:
    assert frames_needed([]) == 0
    nothing = torch.zeros(1, 0, dtype=torch.long)
    loss = ctc_loss(noise(1, 2, 3).log_softmax(-1), torch.tensor([0]), nothing, torch.tensor([0]))
    assert loss.item() == 0.0
