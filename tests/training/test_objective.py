"""The loss: CTC alone, and the agreement of two masked views."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr

from asr.data.augment import SpecAugment
from asr.data.dataset import Batch
from asr.model.ctc_model import ctc_loss
from asr.training.denominator import Denominator, token_trigram
from asr.training.objective import Objective, consistency_loss

NO_MASKS = SpecAugment(0, 0, 0, 0, 0, 0)
MASKS = SpecAugment(
    vtlp=0.1, frequency_masks=1, frequency_bins=3, time_masks=2, time_frames=5,
    time_fraction=0.5,
)  # fmt: skip
LENGTHS = torch.tensor([12, 9])
BATCH = Batch(
    utterance_ids=["a", "b"],
    waveforms=torch.zeros(2, 1),
    waveform_lengths=torch.tensor([1, 1]),
    targets=torch.tensor([[1, 2, 1], [3, 0, 0]]),
    target_lengths=torch.tensor([3, 1]),
    weights=torch.ones(2),
)


TRIGRAM = token_trigram([[1, 2, 1], [3]], 5)


def random_log_probs(utterances: int, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(utterances, 12, 5, generator=torch.Generator().manual_seed(seed))
    return noise.double().log_softmax(-1).requires_grad_()


def model(features, lengths):
    return features[:, :, :5].log_softmax(-1), lengths


def make_objective(
    masks: SpecAugment = MASKS, consistency: float = 0, denominator: float = 0
) -> Objective:
    return Objective(
        masks, consistency=consistency, denominator=denominator,
        trigram=TRIGRAM if denominator else None, seed=1,
    )  # fmt: skip


def test_divergence_is_scipys():
    log_probs = random_log_probs(4)
    found = consistency_loss(log_probs, LENGTHS.repeat(2)).detach()
    probs = log_probs.detach().exp().numpy()
    for i, length in enumerate([12, 9, 12, 9]):
        expected = rel_entr(probs[(i + 2) % 4, :length], probs[i, :length]).sum()
        assert float(found[i]) == pytest.approx(expected)


def test_each_view_learns_from_the_other_held_fixed():
    """Of KL(q || softmax(z)) the gradient by z is softmax(z) - q; the padding has none."""
    logits = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    log_probs = logits.log_softmax(-1)
    consistency_loss(log_probs, torch.tensor([3, 3])).sum().backward()
    probs = log_probs.detach().exp()
    torch.testing.assert_close(logits.grad[:, :3], (probs - probs.flip(0))[:, :3])
    assert not logits.grad[:, 3:].any()


def test_one_view_is_plain_ctc():
    features = torch.randn(2, 12, 8)
    objective = make_objective(NO_MASKS)
    loss = objective(model, objective.mask(features, LENGTHS, ["a", "b"], 1), LENGTHS, BATCH)
    expected = ctc_loss(*model(features, LENGTHS), BATCH.targets, BATCH.target_lengths).sum()
    torch.testing.assert_close(loss.total, expected)
    torch.testing.assert_close(loss.ctc, expected)


def test_equal_views_disagree_in_nothing():
    features = torch.randn(2, 12, 8)
    plain = make_objective(NO_MASKS)
    double = make_objective(NO_MASKS, consistency=0.5)
    views = double.mask(features, LENGTHS, ["a", "b"], 1)
    found = double(model, views, LENGTHS, BATCH)
    torch.testing.assert_close(found.total, plain(model, features, LENGTHS, BATCH).total)


def test_views_are_masked_apart_and_every_epoch_anew():
    objective = make_objective(consistency=0.2)
    features = torch.ones(2, 12, 8)
    first, second = objective.mask(features, LENGTHS, ["a", "b"], 1).chunk(2)
    assert not torch.equal(first, second)
    again = objective.mask(features, LENGTHS, ["a", "b"], 1).chunk(2)[0]
    assert torch.equal(first, again)
    later = objective.mask(features, LENGTHS, ["a", "b"], 2).chunk(2)[0]
    assert not torch.equal(first, later)


def test_total_is_ctc_of_both_views_and_their_divergence():
    objective = make_objective(consistency=0.3)
    views = objective.mask(torch.randn(2, 12, 8), LENGTHS, ["a", "b"], 1)
    loss = objective(model, views, LENGTHS, BATCH)
    log_probs, _ = model(views, LENGTHS)
    each = [
        ctc_loss(part, LENGTHS, BATCH.targets, BATCH.target_lengths).sum()
        for part in log_probs.chunk(2)
    ]
    ctc = np.mean([float(part) for part in each])
    divergence = consistency_loss(log_probs, LENGTHS.repeat(2)).sum() / 2
    assert float(loss.ctc) == pytest.approx(ctc, rel=1e-5)
    assert float(loss.total) == pytest.approx(ctc + 0.3 * float(divergence), rel=1e-5)
    assert float(divergence) > 0


def test_ctc_crf_adds_the_share_of_all_texts():
    objective = make_objective(consistency=0.3, denominator=0.9)
    plain = make_objective(consistency=0.3)
    views = objective.mask(torch.randn(2, 12, 8), LENGTHS, ["a", "b"], 1)
    log_z = Denominator(TRIGRAM)(*model(views, LENGTHS.repeat(2)))

    found, without = objective(model, views, LENGTHS, BATCH), plain(model, views, LENGTHS, BATCH)

    assert float(found.ctc) == pytest.approx(float(without.ctc))
    more = 0.9 * float(log_z.sum()) / 2
    assert float(found.total) == pytest.approx(float(without.total) + more, rel=1e-5)


def test_an_utterance_of_weight_0_counts_for_nothing():
    objective = make_objective(consistency=0.3, denominator=0.9)
    views = objective.mask(torch.randn(2, 12, 8), LENGTHS, ["a", "b"], 1)
    idle = BATCH._replace(weights=torch.zeros(2))
    assert float(objective(model, views, LENGTHS, idle).total) == 0
