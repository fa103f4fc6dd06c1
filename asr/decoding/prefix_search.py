"""CTC prefix beam search over one utterance, at once or as its frames come.

U encoder frames, V tokens, L tokens of one prefix.
"""

from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from asr.decoding.prefix_results import Results, make_results
from asr.decoding.prefix_scorer import PrefixScorer
from asr.decoding.prefix_steps import ENTRY, PROGRESS, Work, search
from asr.decoding.prefixes import ABSENT, make_candidates, make_room


class PrefixSearch:
    """The search of one utterance, whose frames are given in any number of parts.

    Results are the same to the last bit in whatever parts the frames come.

    Args:
        scorer: what scores prefixes beyond the acoustics.
        beam_size: prefixes kept from frame to frame, K.
        beam_threshold: nats that a prefix may lie below the best one.
        token_threshold: nats that a token may lie below its frame's best one to be tried.
    """

    def __init__(
        self, scorer: PrefixScorer, beam_size: int, beam_threshold: float, token_threshold: float
    ) -> None:
        self._scorer, self._token_threshold = scorer, token_threshold
        tokens = len(scorer.starts_word)
        self._work = Work(
            np.zeros(beam_size, ENTRY),
            make_candidates(beam_size, beam_threshold),
            np.empty(tokens),
            np.empty((2, tokens), np.int64),
            np.zeros(1, PROGRESS),
        )
        self._prefixes = make_room(None, 0)
        self._no_frames = np.zeros((0, tokens), np.float32)
        self.feed(self._no_frames)  # makes the empty prefix

    def feed(self, log_probs: NDArray[np.float32]) -> None:
        """Take the next frames: (U, V) natural log posteriors, in C order."""
        self._work.progress["first"] = self._work.progress["frame"]
        self._run(log_probs, make_results(0, 0))

    def results(self) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
        """End the sentence after the frames so far; more may be fed all the same.

        Returns:
            The tokens of the results, which are all that the beam holds and the lexicon allows,
            one after the other and best first; (results + 1,) offsets into them; and (results, 3)
            the total score, the acoustic and the language model's natural log-probabilities.
        """
        frames = int(self._work.progress["frame"][0])
        results = make_results(len(self._work.beam), frames)
        found = self._run(self._no_frames, results)
        offsets = results.offsets[: found + 1]
        return results.tokens[: offsets[-1]].copy(), offsets, results.scores[:found]

    def best_score(self) -> float:
        """The score of the best prefix in the beam, look-ahead scores included, in nats."""
        beam = self._beam()
        return float((beam["total"] + beam["language_score"]).max())

    def best_prefix(self) -> NDArray[np.int32]:
        """The tokens (L,) of the best prefix in the beam."""
        beam = self._beam()
        return self._spell(int(beam["node"][np.argmax(beam["total"] + beam["language_score"])]))

    def common_prefix(self) -> NDArray[np.int32]:
        """The tokens (L,) that all prefixes of the beam begin with; so will all later ones."""
        parents = self._prefixes.nodes["parent"]
        nodes = {int(node) for node in self._beam()["node"]}
        falling = [-node for node in nodes]
        heapify(falling)
        while len(falling) > 1:  # a prefix is newer than its parent, so the newest has no child
            parent = int(parents[-heappop(falling)])
            if parent not in nodes:
                nodes.add(parent)
                heappush(falling, -parent)
        return self._spell(-falling[0])

    def _beam(self) -> NDArray[np.void]:
        return self._work.beam[: self._work.progress["size"][0]]

    def _spell(self, node: int) -> NDArray[np.int32]:
        nodes, tokens = self._prefixes.nodes, []
        while (parent := int(nodes["parent"][node])) != ABSENT:
            tokens.append(nodes["token"][node])
            node = parent
        return np.array(tokens[::-1], np.int32)

    def _run(self, log_probs: NDArray[np.float32], results: Results) -> int:
        work, threshold = self._work, self._token_threshold
        while (
            found := search(log_probs, self._scorer, threshold, self._prefixes, work, results)
        ) < 0:
            self._prefixes = make_room(self._prefixes, int(work.progress["wanted"][0]))
            work.progress["entered"] = 0
        return found
