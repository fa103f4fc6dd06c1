"""Scores of sentences that begin alike, by a network that reads one subword at a time.

The results of a search share most of their words, so each distinct beginning is computed once, and
all beginnings of one length at once. Only the recurrence has to go subword by subword: what the
network reads and what it predicts are products over all beginnings, whose matrices so are read from
memory once, and not once a subword.

N beginnings, K distinct subwords, P pairs of a beginning and what follows it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from asr.lm.neural.subwords import SENTENCE_END

#: The state of a network after each of N beginnings: arrays whose axis 0 is N.
States = tuple[NDArray[Any], ...]


class Network(Protocol):
    """A recurrent language model in the parts that `score_sentences` calls."""

    def start(self) -> States:
        """Give the state before a sentence, with N = 1."""
        ...

    def read(self, subwords: NDArray[np.int64]) -> NDArray[np.floating]:
        """Compute what the recurrence adds for each of K subwords, (K, any)."""
        ...

    def step(self, inputs: NDArray[np.floating], states: States) -> States:
        """Append a subword to each of N beginnings, given its row of `read`."""
        ...

    def predict(
        self, states: States, beginnings: NDArray[np.int64], following: NDArray[np.int64]
    ) -> NDArray[np.floating]:
        """Compute natural log-probabilities of subwords after beginnings, (P,).

        Args:
            states: of N beginnings.
            beginnings: (P,) rows of the states, in rising order.
            following: (P,) subword ids.
        """
        ...


def score_sentences(
    network: Network, sentences: Sequence[Sequence[int]]
) -> list[NDArray[np.float64]]:
    """Compute the log-probabilities of sentences.

    Args:
        network: the language model.
        sentences: subword ids, without the ends of sentences.

    Returns:
        For each sentence the natural log-probabilities of its subwords and of its end.
    """
    if not sentences:
        return []
    tree = _join(sentences)
    distinct, rows = np.unique(tree.subwords, return_inverse=True)
    inputs, states, after = network.read(distinct), network.start(), []
    for first, end in zip(tree.levels, tree.levels[1:], strict=False):
        parents = tree.parents[first:end]
        states = network.step(inputs[rows[first:end]], tuple(state[parents] for state in states))
        after.append(states)
    joined = tuple(np.concatenate(parts) for parts in zip(*after, strict=True))
    found = network.predict(joined, tree.beginnings, tree.following)
    return [found[places].astype(np.float64) for places in tree.places]


class _Tree(NamedTuple):
    """The distinct beginnings of sentences, shorter ones first, and what follows them.

    Attributes:
        levels: where the beginnings of 0, 1, 2... subwords begin among all, and their number.
        parents: (N,) of each beginning, its row among those that are one subword shorter.
        subwords: (N,) the last of each; the empty beginning's is the end of the sentence before.
        beginnings, following: (P,) distinct pairs, in rising order.
        places: for each sentence the pairs of its subwords and of its end.
    """

    levels: list[int]
    parents: NDArray[np.int64]
    subwords: NDArray[np.int64]
    beginnings: NDArray[np.int64]
    following: NDArray[np.int64]
    places: list[NDArray[np.int64]]


def _join(sentences: Sequence[Sequence[int]]) -> _Tree:
    levels, parents, subwords = [0, 1], [0], [SENTENCE_END]
    pairs: dict[tuple[int, int], int] = {}
    walks: list[list[int]] = [[] for _ in sentences]
    going, nodes = list(range(len(sentences))), [0] * len(sentences)
    while going:
        longer, children = [], dict[tuple[int, int], int]()
        for one in sorted(going, key=nodes.__getitem__):
            read, node = len(walks[one]), nodes[one]
            ended = read == len(sentences[one])
            pair = (node, SENTENCE_END if ended else sentences[one][read])
            walks[one].append(pairs.setdefault(pair, len(pairs)))
            if ended:
                continue
            if pair not in children:
                children[pair] = len(parents)
                parents.append(node - levels[-2])
                subwords.append(pair[1])
            nodes[one] = children[pair]
            longer.append(one)
        going = longer
        if going:
            levels.append(len(parents))
    beginnings, following = np.array([*pairs], np.int64).T
    places = [np.array(walk, np.int64) for walk in walks]
    return _Tree(levels, np.array(parents), np.array(subwords), beginnings, following, places)
