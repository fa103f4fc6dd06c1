"""N-best word posteriors: how far a beam search's results agree on the words of the best one.

W words of the best result.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

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
    probabilities = np.exp(
        SCALE * (np.array([one.score for one in hypotheses]) - hypotheses[0].score)
    )
    likely = probabilities >= LEAST
    found = [one.token_ids for one, is_likely in zip(hypotheses, likely, strict=True) if is_likely]
    texts: dict[tuple[str, ...], float] = defaultdict(float)  # some results share one
    for words, probability in zip(_read_texts(found, tokens), probabilities[likely], strict=True):
        texts[words] += float(probability)
    best = next(iter(texts))
    matched = np.zeros(len(best))
    for text, probability in texts.items():
        matched += probability * np.array(right_words(text, best))
    return matched / sum(texts.values())


def _read_texts(results: Sequence[NDArray[np.int32]], tokens: Tokens) -> Iterator[tuple[str, ...]]:
    """Read the words that `Tokens.words` finds in results, which have most words in common."""
    token_ids, ends = np.concatenate(results), np.cumsum([len(one) for one in results])
    begins = np.array(tokens.starts_word)[token_ids]
    begins[[0, *ends[ends < len(token_ids)]][: len(token_ids)]] = True
    cuts = np.flatnonzero(begins)
    content, bounds = token_ids.tobytes(), token_ids.itemsize * np.append(cuts, len(token_ids))
    parts = [content[low:high] for low, high in pairwise(bounds.tolist())]
    words = {
        part: [word for word, _ in tokens.words(np.frombuffer(part, token_ids.dtype).tolist())]
        for part in {*parts}
    }
    last = np.searchsorted(cuts, ends).tolist()
    for low, high in pairwise([0, *last]):
        yield tuple(chain.from_iterable(map(words.__getitem__, parts[low:high])))


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
