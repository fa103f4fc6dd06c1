"""Pruning by relative entropy against its definition, over the whole vocabulary."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
import pytest
from random_text import Gram, estimated, random_text

from asr.lm import NGram, score_next_word

ORDER = 3


def reference_losses(lm: NGram, grams: Iterable[Gram], text: str) -> dict[Gram, float]:
    """Relative entropy in nats a word, by n-gram of two words and more, where it is removed."""
    listed: dict[Gram, list[str]] = {}
    for gram in grams:
        if len(gram) > 1:
            listed.setdefault(gram[:-1], []).append(gram[-1])
    seen: Counter[Gram] = Counter()
    for line in text.splitlines():
        words = ("<s>", *line.split(), "</s>")
        for k in range(1, ORDER):
            seen.update(words[i : i + k] for i in range(len(words) - k))
    tokens = sum(len(line.split()) + 1 for line in text.splitlines())
    predicted = [word for word in lm.words if word != "<s>"]

    def probabilities(context: Gram) -> dict[str, float]:
        state = lm.empty
        for word in context:
            _, state = score_next_word(lm.arrays, state, lm.id(word))
        return {
            word: float(np.exp(score_next_word(lm.arrays, state, lm.id(word))[0]))
            for word in predicted
        }

    losses: dict[Gram, float] = {}
    for context, words in listed.items():
        before, lower = probabilities(context), probabilities(context[1:])
        for removed in words:
            stays = set(words) - {removed}
            weight = (1 - sum(before[word] for word in stays)) / (
                1 - sum(lower[word] for word in stays)
            )
            after = {w: before[w] if w in stays else weight * lower[w] for w in predicted}
            distance = sum(before[w] * np.log(before[w] / after[w]) for w in predicted)
            losses[*context, removed] = seen[context] / tokens * distance
    return losses


def kept_by(losses: dict[Gram, float], threshold: float) -> set[Gram]:
    """N-grams at or above the threshold, and the shorter ones that these begin with."""
    kept = {gram for gram, loss in losses.items() if loss >= threshold}
    return kept | {gram[:k] for gram in kept for k in range(2, len(gram))}


@pytest.mark.parametrize("prune", [(), (0, 0, 1)])
def test_n_grams_below_the_threshold_are_removed(prune: tuple[int, ...], entries: Callable) -> None:
    for seed in range(3):
        text = random_text(seed, sentences=100)
        lm = estimated(text, ORDER, prune)
        losses = reference_losses(lm, entries(lm), text)
        gaps = [(a + b) / 2 for a, b in pairwise(sorted(losses.values())) if b > 1.001 * a > 0]
        for threshold in random.Random(seed).sample(gaps, 5):
            found = entries(estimated(text, ORDER, prune, threshold))
            assert {gram for gram in found if len(gram) > 1} == kept_by(losses, threshold)


def test_a_higher_threshold_removes_more(entries: Callable) -> None:
    text = random_text(5, sentences=200)
    kept = [set(entries(estimated(text, ORDER, (), 10.0**-power))) for power in (6, 4, 3, 2)]
    assert all(more > fewer for more, fewer in pairwise(kept))
    assert {gram for gram in kept[-1] if len(gram) == 1} == {
        gram for gram in kept[0] if len(gram) == 1
    }
