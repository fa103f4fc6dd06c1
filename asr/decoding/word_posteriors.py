"""How far the results of a beam search agree on the words of the best one.

W words of the best result.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from asr.decoding.align import align
from asr.decoding.beam import BeamSearch, Hypothesis
from asr.decoding.path import TokenPath
from asr.decoding.tokens import Tokens
from asr.decoding.words import FoundWord, log_spelled

#: What scores are multiplied by, since a beam's results, alike as they are, look surer than they
#: are. Chosen on AN4's dev set; with an LM, all from 0.35 to 1 were better than posteriors alone.
SCALE = 0.7
#: Results that are less probable than this, the best being 1, are not asked.
LEAST = 1e-4


def word_posteriors(hypotheses: Sequence[Hypothesis], tokens: Tokens) -> NDArray[np.float64]:
    """Estimate how probable each word of the best result is by the others that have it there too.

    The results share the probability by their scaled scores, LM and bonuses included; a word has
    that of all whose best alignment with the best result matches it.

    Args:
        hypotheses: results of one utterance, best first, at least one.
        tokens: what they spell.

    Returns:
        (W,) above 0, at most 1.

    Source: Wessel et al., "Confidence measures for large vocabulary continuous speech
    recognition", 2001, of word graphs.
    """
    readings: dict[tuple[str, ...], float] = defaultdict(float)  # many differ in spaces only
    for found in hypotheses:
        probability = np.exp(SCALE * (found.score - hypotheses[0].score))
        if probability >= LEAST:
            readings[tuple(word for word, _ in tokens.words(found.token_ids))] += probability
    best = next(iter(readings))
    agreed = np.zeros(len(best))
    for reading, probability in readings.items():
        agreed += probability * np.array(right_words(reading, best))
    return agreed / sum(readings.values())


def read_best(
    search: BeamSearch, log_probs: NDArray[np.floating], hypotheses: Sequence[Hypothesis]
) -> tuple[TokenPath, list[FoundWord], NDArray[np.float64]]:
    """Read the best result of a search: when its tokens were said, its words, how sure each is.

    Posteriors know nothing of the language model or of likely other readings; what the results
    agree on does. Each word has both.

    Args:
        search: that found them.
        log_probs: (U, V) of the utterance.
        hypotheses: results of the utterance, best first, at least one.

    Returns:
        The best result's alignment, its words, and (W,) natural logs of how sure they are.
    """
    best, tokens = hypotheses[0].token_ids, search.tokens
    path = align(log_probs, best)
    taken = [positions for _, positions in tokens.words(best)]
    found = list(zip(search.words(best), taken, strict=True))
    return path, found, log_spelled(path, found) + np.log(word_posteriors(hypotheses, tokens))


def right_words(reference: Sequence[str], hypothesis: Sequence[str]) -> list[bool]:
    """Say of each word of a hypothesis whether the best alignment matches it."""
    right = [True] * len(hypothesis)
    for operation in Levenshtein.opcodes(reference, hypothesis):
        if operation.tag != "equal":
            for place in range(operation.dest_start, operation.dest_end):
                right[place] = False
    return right
