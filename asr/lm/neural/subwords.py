"""The subwords of a neural language model, and words cut into them without sentencepiece.

Subwords are merges of byte-pair encoding (Sennrich et al. 2016) in the order of learning. A word is
cut by the merges alone: of all neighbors that make a subword, the pair learned first is merged, for
as long as there is one. sentencepiece cuts words so too.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from asr.lm.tokenized_text import END_ID, TokenizedText
from asr.text.bpe import WORD_START, BPETokenizer
from asr.util.errors import UserError

#: The id of the end of a sentence, which also stands before its first subword.
SENTENCE_END = 0
#: Sentences that the subwords are learned from, at most; more change none of the frequent ones.
_MOST_SENTENCES = 200_000


class Subwords:
    """The tokens of a neural language model.

    Ids: 0 is the end of a sentence, then come the subwords, and the last one is a character that no
    subword has.

    Args:
        subwords: in the order of learning; each that begins a word starts with `WORD_START`.

    Raises:
        UserError: none, or one twice.
    """

    def __init__(self, subwords: Sequence[str]) -> None:
        self.subwords = tuple(subwords)
        self._ids = {subword: number for number, subword in enumerate(subwords, 1)}
        if not self.subwords or len(self._ids) < len(self.subwords):
            raise UserError("language model: expected distinct subwords, and one at least")
        self._unknown = len(self.subwords) + 1
        self._known: dict[str, list[int]] = {}

    def __len__(self) -> int:
        """Count the ids: V."""
        return len(self.subwords) + 2

    def encode_word(self, word: str) -> list[int]:
        """Cut a word into the ids of its subwords."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self._cut(word)
        return found

    def encode(self, words: Iterable[str]) -> list[int]:
        """Cut a sentence into ids, without its end."""
        return [number for word in words for number in self.encode_word(word)]

    def encode_text(self, text: TokenizedText) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Cut a text into ids.

        Returns:
            The ids of all sentences, each with its end, one after the other, and the places of the
            words: entry w of (tokens + 1,) is where token w of the text begins.
        """
        words = text.vocabulary.decode().split("\n")
        ids = [self._cut(word) for word in words]
        ids[END_ID] = [SENTENCE_END]
        counts = np.array([len(word) for word in ids])
        starts = np.cumsum(counts) - counts
        flat = np.array([number for word in ids for number in word], np.int32)
        places = np.concatenate([[0], np.cumsum(counts[text.tokens])])
        within = np.arange(places[-1]) - np.repeat(places[:-1], counts[text.tokens])
        return flat[np.repeat(starts[text.tokens], counts[text.tokens]) + within], places

    def _cut(self, word: str) -> list[int]:
        parts = [WORD_START, *word]
        while len(parts) > 1:
            merged = [self._ids.get(left + right, self._unknown) for left, right in pairwise(parts)]
            if (first := min(merged)) == self._unknown:
                break
            place = merged.index(first)
            parts[place : place + 2] = ["".join(parts[place : place + 2])]
        return [self._ids.get(part, self._unknown) for part in parts]


def learn_subwords(text: TokenizedText, most: int) -> Subwords:
    """Learn subwords from a text, or from sentences spread evenly over a long one.

    Args:
        text: of words.
        most: ids that the subwords take, at most; a small text gives fewer.

    Raises:
        UserError: sentencepiece is not installed, the text has no words, or more characters than
            `most` allows.
    """
    words = text.vocabulary.decode().split("\n")
    ends = np.flatnonzero(text.tokens == END_ID)
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    chosen = np.unique(np.linspace(0, len(ends) - 1, min(len(ends), _MOST_SENTENCES)).astype(int))
    lines = [
        " ".join(words[token] for token in text.tokens[starts[one] : ends[one]]) for one in chosen
    ]
    if not any(lines):
        raise UserError(f"{text.name}: the text has no words; give one with a sentence a line")
    least = len(set("".join(lines)) | {" "}) + 2
    if most < least:
        raise UserError(
            f"subwords: expected {least} or more, one for each character of {text.name} and "
            f"three, found {most}"
        )
    return Subwords(BPETokenizer.from_texts(lines, "none", most - 1).tokens[1:])
