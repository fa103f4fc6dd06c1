"""The exact results that a beam search approximates, by enumeration.

Nothing here shares code with the search: paths are enumerated, words are split as strings, and
the language model is asked for whole sentences.
"""

import itertools
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from asr.lm.ngram import NGram

ALPHABET = ("", "A", "B", " ")


def random_log_probs(frames: int, tokens: int, seed: int) -> np.ndarray:
    logits = 2 * np.random.default_rng(seed).normal(size=(frames, tokens))
    return (logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)).astype(np.float32)


def sequence_log_probs(log_probs: np.ndarray, space: int = -1) -> dict[tuple[int, ...], float]:
    """Natural log-probability of every token sequence, over all its alignments.

    A space, if its number is given, counts only after another token.
    """
    paths, sequences, merged = all_paths(*log_probs.shape, space)
    scores = log_probs[np.arange(len(log_probs)), paths].sum(axis=1, dtype=np.float64)
    sums = np.log(np.bincount(merged, np.exp(scores)))
    return dict(zip(sequences, sums.tolist(), strict=True))


@cache
def all_paths(
    frames: int, tokens: int, space: int
) -> tuple[np.ndarray, list[tuple[int, ...]], np.ndarray]:
    """Every path (paths, frames), every sequence, and the one that each path merges to (paths)."""
    paths = list(itertools.product(range(tokens), repeat=frames))
    merged = [merge(path, space) for path in paths]
    number = {sequence: n for n, sequence in enumerate(dict.fromkeys(merged))}
    return np.array(paths), list(number), np.array([number[sequence] for sequence in merged])


def merge(path: Sequence[int], space: int) -> tuple[int, ...]:
    tokens = [token for token, _ in itertools.groupby(path) if token]
    pairs = zip([space, *tokens], tokens, strict=False)
    return tuple(token for before, token in pairs if not before == token == space)


def words_of(sequence: Sequence[int], alphabet: Sequence[str] = ALPHABET) -> list[str]:
    return "".join(alphabet[token] for token in sequence).replace("▁", " ").split()


def occurrences(phrase: str, words: list[str]) -> int:
    wanted = phrase.split()
    return sum(words[i : i + len(wanted)] == wanted for i in range(len(words)))


def ranking(
    log_probs: np.ndarray,
    alphabet: Sequence[str] = ALPHABET,
    lm: NGram | None = None,
    lm_names: Sequence[str] = (),
    lm_weight: float = 0.0,
    word_score: float = 0.0,
    unk_score: float = 0.0,
    hotwords: Sequence[str] = (),
    boost: float = 0.0,
    lexicon: Sequence[str] | None = None,
) -> Iterator[tuple[float, float, float, tuple[int, ...]]]:
    """Yield (score, acoustic, LM, tokens) of every sequence, best first.

    The model scores words, or tokens by their `lm_names` if these are given.
    """
    found = []
    space = next((n for n, token in enumerate(alphabet) if token in (" ", "▁")), -1)
    for sequence, acoustic in sequence_log_probs(log_probs, space).items():
        words = words_of(sequence, alphabet)
        if lexicon is not None and not set(words) <= set(lexicon):
            continue
        units = [lm_names[token] for token in sequence] if lm_names else words
        lm_score = sum(lm.score(units)) if lm else 0.0
        score = acoustic + lm_weight * lm_score + word_score * len(words)
        if lm and not lm_names:
            score += unk_score * sum(word not in lm for word in words)
        for phrase in hotwords:
            letters = len(phrase.replace(" ", ""))
            score += boost * letters * occurrences(phrase, words)
        found.append((score, acoustic, lm_score, sequence))
    yield from sorted(found, reverse=True)


def plain_beam_search(
    log_probs: np.ndarray,
    beam_size: int,
    beam_threshold: float,
    token_threshold: float,
    space: int,
) -> list[tuple[float, tuple[int, ...]]]:
    """The textbook's algorithm, with dictionaries: (log-probability, tokens), best first."""
    beam = {(): (0.0, -np.inf)}  # prefix -> log-probability ending in blank, and in its last token
    for scores in log_probs.astype(np.float64):
        after: dict[tuple[int, ...], list[float]] = {}
        for prefix, (blank, label) in beam.items():
            total = np.logaddexp(blank, label)
            after.setdefault(prefix, [-np.inf, -np.inf])[0] = total + scores[0]
            last = prefix[-1] if prefix else space
            repeating = total if last == space else label
            after[prefix][1] = np.logaddexp(after[prefix][1], repeating + scores[last])
            for token in range(1, len(scores)):
                longer = (*prefix, token)
                if token == last == space:
                    continue
                # A prefix that is in the beam is scored in full, whatever the token's threshold.
                if scores[token] < scores.max() - token_threshold and longer not in beam:
                    continue
                came = blank if prefix[-1:] == (token,) else total
                entry = after.setdefault(longer, [-np.inf, -np.inf])
                entry[1] = np.logaddexp(entry[1], came + scores[token])
        totals = {prefix: np.logaddexp(*pair) for prefix, pair in after.items()}
        least = max(totals.values()) - beam_threshold
        kept = sorted((p for p in totals if totals[p] >= least), key=totals.get, reverse=True)
        beam = {prefix: tuple(after[prefix]) for prefix in kept[:beam_size]}
    ranked = ((float(np.logaddexp(*pair)), prefix) for prefix, pair in beam.items())
    return sorted(ranked, reverse=True)
