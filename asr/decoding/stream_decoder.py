"""Words from log-probabilities while these come: one utterance, in any number of parts.

The words at the end are those of `asr.decoding.decoder.Decoder.decode` for the same frames, to the
last bit of their times and confidences.

U encoder frames, V tokens, L tokens of one path.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from asr.decoding.greedy import greedy_decode
from asr.decoding.tokens import Tokens
from asr.decoding.words import Decoded

if TYPE_CHECKING:
    from asr.decoding.beam import BeamSearch, Hypothesis

Rows = NDArray[np.floating]


@dataclass(frozen=True)
class PartialWords:
    """The words so far.

    Attributes:
        committed: the first words, which will not change.
        tentative: the likely words after these, the last of which may be unfinished.
    """

    committed: tuple[str, ...]
    tentative: tuple[str, ...]


class StreamDecoder(ABC):
    """The decoding of one utterance whose frames are still coming.

    Attributes:
        last_token_frame: one past the last frame in which a letter is likelier than the blank and
            the space; 0 where there is none.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.last_token_frame = 0
        self._tokens, self._parts = tokens, [np.zeros((0, len(tokens.tokens)), np.float32)]
        self._frames = 0
        self._spells = np.array([bool(spelling) for spelling in tokens.spellings])

    @property
    def frames(self) -> int:
        """How many frames came."""
        return self._frames

    def feed(self, log_probs: Rows) -> None:
        """Take the next frames, (U, V) natural log posteriors."""
        spelling = np.flatnonzero(self._spells[log_probs.argmax(-1)])
        if len(spelling):
            self.last_token_frame = self._frames + int(spelling[-1]) + 1
        self._parts.append(np.asarray(log_probs, np.float32))
        self._frames += len(log_probs)

    def _rows(self) -> NDArray[np.float32]:
        """All frames so far."""
        self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    @abstractmethod
    def partial(self) -> PartialWords:
        """The words so far."""

    @abstractmethod
    def relative_cost(self) -> float:
        """How much worse, in nats, the best text is that may end here than the best one under way.

        0 where nothing tells where texts may end.
        """

    @abstractmethod
    def finish(self) -> Decoded:
        """Decode the utterance as if it ended here."""


class GreedyStream(StreamDecoder):
    """Best-path decoding.

    Args:
        tokens: the acoustic model's tokens.
        read: decodes all frames (U, V) of an utterance.
    """

    def __init__(self, tokens: Tokens, read: Callable[[Rows], Decoded]) -> None:
        super().__init__(tokens)
        self._read = read

    def partial(self) -> PartialWords:
        """The words so far; of a model of phones, none is committed, as later ones change them."""
        if self._tokens.pronunciations is not None:
            return PartialWords((), tuple(word.text for word in self.finish().words))
        (path,) = greedy_decode(self._rows()[None], np.array([self._frames]))
        words = [word for word, _ in self._tokens.words(path.token_ids)]
        count = count_complete(self._tokens, path.token_ids)
        return PartialWords((*words[:count],), (*words[count:],))

    def relative_cost(self) -> float:
        """Greedy search knows nothing about ends, so the cost is 0."""
        return 0.0

    def finish(self) -> Decoded:
        """Decode the utterance as if it ended here."""
        return self._read(self._rows())


class BeamStream(StreamDecoder):
    """Beam search, whose prefixes go on from part to part.

    Args:
        beam: the search.
        read: decodes an utterance of all its frames (U, V) and the search's results.
    """

    def __init__(
        self, beam: "BeamSearch", read: "Callable[[Rows, Sequence[Hypothesis]], Decoded]"
    ) -> None:
        super().__init__(beam.tokens)
        self._beam, self._read, self._search = beam, read, beam.begin()

    def feed(self, log_probs: Rows) -> None:
        """Take the next frames, (U, V) natural log posteriors."""
        super().feed(log_probs)
        self._beam.feed(self._search, log_probs)

    def partial(self) -> PartialWords:
        """The best prefix; what the whole beam agrees on is committed."""
        common, best = self._search.common_prefix(), self._search.best_prefix()
        complete = count_complete(self._tokens, common)
        words, count = self._beam.words(best), self._beam.count_settled(common, complete)
        if not self._last_is_shown(best):
            words = words[:-1]
        return PartialWords((*words[:count],), (*words[count:],))

    def _last_is_shown(self, best: NDArray[np.int32]) -> bool:
        """Whether the last word is one, and not the first phones of one."""
        grouped = self._tokens.words(best)
        if self._tokens.pronunciations is None or not grouped:
            return True
        phones = " ".join(self._tokens.tokens[best[place]] for place in grouped[-1][1])
        return phones in self._tokens.by_pronunciation

    def relative_cost(self) -> float:
        """Compare the best result with the best prefix under way."""
        results = self._beam.hypotheses(self._search)
        return max(0.0, self._search.best_score() - results[0].score)

    def finish(self) -> Decoded:
        """Decode the utterance as if it ended here."""
        return self._read(self._rows(), self._beam.hypotheses(self._search))


def count_complete(tokens: Tokens, token_ids: NDArray[np.integer]) -> int:
    """Count the words of a path (L,) that no later token can make longer."""
    words = tokens.words(token_ids)
    if not words or tokens.boundary is None:
        return len(words)
    after = token_ids[words[-1][1][-1] + 1 :]
    return len(words) - (not any(tokens.starts_word[token] for token in after))
