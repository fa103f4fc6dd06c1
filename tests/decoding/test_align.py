import itertools

import numpy as np
import pytest
import torch
from brute_force import random_log_probs
from torchaudio.functional import forced_align, merge_tokens

from asr.decoding import align as aligning
from asr.decoding.align import align
from asr.decoding.greedy import greedy_decode


def best_path(log_probs: np.ndarray, tokens: tuple[int, ...]) -> tuple[int, ...]:
    """The likeliest of all paths that spell the tokens, by enumeration."""
    frames, vocabulary = log_probs.shape
    paths = (
        path
        for path in itertools.product(range(vocabulary), repeat=frames)
        if tuple(token for token, _ in itertools.groupby(path) if token) == tokens
    )
    return max(paths, key=lambda path: log_probs[np.arange(frames), path].sum())


def test_alignment_equals_enumeration() -> None:
    for seed, tokens in itertools.product(
        range(4), [(1,), (1, 1), (1, 2, 1), (2, 2, 3), (1, 1, 1)]
    ):
        log_probs = random_log_probs(6, 4, seed)
        path = np.array(best_path(log_probs, tokens))
        aligned = align(log_probs, np.array(tokens))
        assert aligned.token_ids.tolist() == list(tokens)
        spans = zip(aligned.start_frames, aligned.end_frames, strict=True)
        rebuilt = np.zeros(6, int)
        for (start, end), token, peak in zip(spans, tokens, aligned.log_scores, strict=True):
            rebuilt[start:end] = token
            assert peak == log_probs[start:end, token].max()
        np.testing.assert_array_equal(rebuilt, path)


def test_the_best_path_aligns_to_itself() -> None:
    log_probs = random_log_probs(60, 8, 0)
    (greedy,) = greedy_decode(log_probs[None], np.array([60]))
    for ours, theirs in zip(align(log_probs, greedy.token_ids), greedy, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_no_tokens_take_no_frames() -> None:
    assert align(random_log_probs(3, 4, 0), np.zeros(0, int)).start_frames.size == 0


@pytest.mark.parametrize("stretch", [1, 3, 16, 2048])
def test_the_path_is_torchaudios_in_stretches_of_any_length(
    stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aligning, "STRETCH", stretch)
    rng = np.random.default_rng(0)
    for seed in range(40):
        frames = int(rng.integers(8, 50))
        log_probs = random_log_probs(frames, 5, seed)
        tokens = rng.integers(1, 5, int(rng.integers(1, frames // 2)))
        path, scores = forced_align(
            torch.from_numpy(log_probs).float()[None], torch.from_numpy(tokens)[None], blank=0
        )
        spans = merge_tokens(path[0], scores[0], blank=0)
        found = align(log_probs, tokens)
        assert found.token_ids.tolist() == [span.token for span in spans]
        assert found.start_frames.tolist() == [span.start for span in spans]
        assert found.end_frames.tolist() == [span.end for span in spans]
        peaks = [float(scores[0, span.start : span.end].max()) for span in spans]
        np.testing.assert_array_equal(found.log_scores, np.float32(peaks))
