import numpy as np
import pytest
import torch
from brute_force import random_log_probs, sequence_log_probs

from asr.decoding.likelihood import log_likelihoods

TEXTS = [(), (1,), (1, 1), (1, 2, 1), (2, 2, 3), (3, 3, 3)]
LENGTHS = np.array([len(text) for text in TEXTS])
#: What stands behind a text is not read.
IDS = np.array([(*text, 3, 3, 3)[:3] for text in TEXTS])


def test_it_equals_enumeration() -> None:
    for frames in (1, 3, 6):
        log_probs = random_log_probs(frames, 4, frames)
        sums = sequence_log_probs(log_probs)
        expected = [sums.get(text, -np.inf) for text in TEXTS]
        assert log_likelihoods(log_probs, IDS, LENGTHS) == pytest.approx(expected, abs=1e-5)


def test_the_last_token_may_lack() -> None:
    log_probs = random_log_probs(5, 4, 1)
    sums = sequence_log_probs(log_probs)
    expected = [np.logaddexp(sums[text], sums[text[:-1]]) for text in TEXTS[1:]]
    found = log_likelihoods(log_probs, IDS[1:], LENGTHS[1:], last_may_lack=True)
    assert found == pytest.approx(expected, abs=1e-5)


def test_it_equals_torch_on_many_frames() -> None:
    log_probs = random_log_probs(400, 5, 0)
    rng = np.random.default_rng(0)
    ids, lengths = rng.integers(1, 5, (20, 12)), rng.integers(1, 13, 20)
    losses = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs)[:, None].expand(-1, 20, -1),
        torch.from_numpy(ids),
        torch.full((20,), 400),
        torch.from_numpy(lengths),
        reduction="none",
    )
    assert log_likelihoods(log_probs, ids, lengths) == pytest.approx(-losses.numpy(), rel=1e-4)


def test_without_frames_there_is_silence_alone() -> None:
    found = log_likelihoods(np.zeros((0, 4), np.float32), IDS, LENGTHS)
    assert found.tolist() == [0.0] + [-np.inf] * 5
