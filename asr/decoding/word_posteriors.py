"""N-best word posteriors: how far a beam search's results agree on the words of the best one.

W words of the best result.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from asr.decoding.align import align
from asr.decoding.beam import BeamSearch, Hypothesis
from asr.decoding.greedy import TokenPath
from asr.decoding.tokens import Tokens
from asr.decoding.words import FoundWord, log_spelled, right_words

#: What scores are multiplied by, since a beam's results resemble each other and so look too sure.
#: Chosen on AN4's dev set; with an LM, all from 0.35 to 1 were better than posteriors alone.
SCALE = 0.7
#: Results that are less probable than this, the best being 1, are left out.
LEAST = 1e-4


def word_posteriors(hypotheses: Sequence[Hypothesis], tokens: Tokens) -> NDArray[np.float64]:
    """Estimate how probable each word of the best result is.

    A result's probability is by its scaled score, LM and bonuses included. A word's posterior is
    the probability of all results whose edit alignment with the best result matches the word.

    Args:
        hypotheses: results of one utterance, best first, at least one.
        tokens: of the search.

    Returns:
        (W,) above 0, at most 1.

    Source: Wessel et al., "Confidence measures for large vocabulary continuous speech
    recognition", 2001, of word graphs.
    """
    texts: dict[tuple[str, ...], float] = defaultdict(float)  # many results differ in spaces only
    reader = _Reader(tokens)
    for found in hypotheses:
        probability = np.exp(SCALE * (found.score - hypotheses[0].score))
        if probability >= LEAST:
            texts[reader.words(found.token_ids)] += probability
    best = next(iter(texts))
    matched = np.zeros(len(best))
    for text, probability in texts.items():
        matched += probability * np.array(right_words(text, best))
    return matched / sum(texts.values())


class _Reader:
    """Reads the words of results, each of which has most of its words in common with others.

    Args:
        tokens: of the results.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._starts_word = np.array(tokens.starts_word)
        self._known: dict[bytes, list[str]] = {}

    def words(self, token_ids: NDArray[np.int32]) -> tuple[str, ...]:
        """Read the words that `Tokens.words` finds."""
        cuts = [0, *np.flatnonzero(self._starts_word[token_ids]).tolist(), len(token_ids)]
        content, size = token_ids.tobytes(), token_ids.itemsize
        words: list[str] = []
        for low, high in pairwise(cuts):
            part = content[size * low : size * high]
            if part not in self._known:
                found = self._tokens.words(token_ids[low:high].tolist())
                self._known[part] = [word for word, _ in found]
            words += self._known[part]
        return tuple(words)


def read_best(
    search: BeamSearch, log_probs: NDArray[np.floating], hypotheses: Sequence[Hypothesis]
) -> tuple[TokenPath, list[FoundWord], NDArray[np.float64]]:
    """Read the best result of a search: its alignment, its words and their confidence.

    A word's confidence is the product of its tokens' posteriors and its N-best word posterior,
    which takes the language model and likely other words into account.

    Args:
        search: the search that found the results.
        log_probs: (U, V) of the utterance.
        hypotheses: results of the utterance, best first, at least one.

    Returns:
        The best result's alignment, its words, and (W,) natural logs of their confidence.
    """
    best, tokens = hypotheses[0].token_ids, search.tokens
    path = align(log_probs, best)
    taken = [positions for _, positions in tokens.words(best)]
    found = list(zip(search.words(best), taken, strict=True))
    return path, found, log_spelled(path, found) + np.log(word_posteriors(hypotheses, tokens))
