import itertools

import numpy as np
from brute_force import random_log_probs

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
