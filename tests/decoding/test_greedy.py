import numpy as np

from asr.decoding.greedy import greedy_decode


def posteriors(*rows: list[int], vocabulary: int = 4) -> np.ndarray:
    """Log-probs whose best path is each row of token ids, the best at 0.7."""
    batch = np.full((len(rows), max(map(len, rows)), vocabulary), 0.1)
    for row, ids in enumerate(rows):
        batch[row, np.arange(len(ids)), ids] = 0.7
    return np.log(batch).astype(np.float32)


def test_repeats_merge_unless_a_blank_separates_them() -> None:
    (path,) = greedy_decode(posteriors([1, 1, 0, 1, 2, 2, 0, 0, 3]), np.array([9]))
    assert path.token_ids.tolist() == [1, 1, 2, 3]
    assert path.start_frames.tolist() == [0, 3, 4, 8]
    assert path.end_frames.tolist() == [2, 4, 6, 9]
    np.testing.assert_allclose(path.log_scores, np.log(0.7), rtol=1e-6)


def test_a_token_is_scored_at_its_peak() -> None:
    log_probs = np.log([[[0.3, 0.7], [0.1, 0.9], [0.2, 0.8]]])
    (path,) = greedy_decode(log_probs, np.array([3]))
    np.testing.assert_allclose(path.log_scores, [np.log(0.9)], rtol=1e-6)


def test_frames_past_the_length_are_not_read() -> None:
    log_probs = posteriors([1, 2, 3, 3], [2, 2, 2, 2])
    log_probs[0, 2:] = np.nan
    first, second = greedy_decode(log_probs, np.array([2, 4]))
    assert first.token_ids.tolist() == [1, 2]
    assert first.end_frames.tolist() == [1, 2]
    assert second.token_ids.tolist() == [2]  # a row's last run does not flow into the next row


def test_a_batch_equals_its_utterances_one_by_one() -> None:
    rng = np.random.default_rng(0)
    log_probs = rng.normal(size=(7, 20, 4)).astype(np.float32)
    lengths = np.array([20, 0, 1, 13, 20, 7, 19])
    for row, path in enumerate(greedy_decode(log_probs, lengths)):
        (single,) = greedy_decode(log_probs[row : row + 1, : lengths[row]], lengths[row : row + 1])
        for ours, alone in zip(path, single, strict=True):
            np.testing.assert_array_equal(ours, alone)


def test_no_utterances_and_no_frames_give_no_tokens() -> None:
    assert greedy_decode(np.zeros((0, 5, 3)), np.zeros(0, dtype=int)) == []
    (path,) = greedy_decode(np.zeros((1, 0, 3)), np.array([0]))
    assert path.token_ids.size == 0
