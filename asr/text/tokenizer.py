"""Tokenizers turn normalized text into token ids; the tokens here are characters.

A model file stores its tokens and the name of their normalizer. `asr.text.bpe` has the tokenizer
of subwords, `asr.text.phones` the tokenizer of phones; all of them derive from `Tokenizer`.
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from asr.text.normalizers import NORMALIZERS
from asr.text.tags import TAGS
from asr.util.errors import UserError

BLANK_ID = 0
BLANK = "<blank>"
SPACE = " "
#: Control characters, ends of lines, and halves of surrogate pairs: no line of text holds them.
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Tokenizer(ABC):
    """Turns text into token ids, after its normalizer.

    Args:
        tokens: strings in the order of their ids; the first is `BLANK`.
        normalizer: a key of `NORMALIZERS`.

    Attributes:
        boundary: the mark that begins a new word in the tokens, as `asr.decoding.tokens` reads it.
        pronunciations: the lexicon where tokens are phones, see `asr.text.phones`, or None.
        tags: what becomes of tags such as [noise], a key of `TAGS`; by default they are left out.
        counts: how often each token occurs in the training texts, see `count`; None where the
            counts are not known.
        kind: a token is a ``character``, a ``subword`` or a ``phone``.
        unknown_are: what `unknown` lists, in words.
        unknown_remedy: the remedy of a `UserError` for a text to align that has some.

    Raises:
        UserError: an unknown normalizer, a first token that is not the blank, a repeated token, or
            a token with a control character, a line end or half of a surrogate pair.
    """

    boundary: str
    pronunciations: Mapping[str, list[str]] | None = None
    tags = "drop"
    counts: list[int] | None = None
    kind = "character"
    unknown_are = "characters that are no token"
    unknown_remedy = "spell_out"

    def __init__(self, tokens: Sequence[str], normalizer: str) -> None:
        if normalizer not in NORMALIZERS:
            raise UserError(
                f"text.normalizer: unknown normalizer {normalizer!r}; "
                f"choose one of {', '.join(NORMALIZERS)}"
            )
        if not tokens or tokens[0] != BLANK:
            raise UserError(f"tokens: the first token must be {BLANK!r}, found {tokens[:1]!r}")
        if len(set(tokens)) != len(tokens):
            raise UserError(f"tokens: expected distinct tokens, found {tokens!r}")
        if found := _NO_TEXT.search("".join(tokens)):
            raise UserError(f"tokens: expected characters of text, found {found[0]!r}")
        self.tokens = list(tokens)
        self.normalizer = normalizer
        characters = {token for token in self.tokens[1:] if len(token) == 1}
        self._writable = {SPACE if c == self.boundary else c for c in characters}

    def __len__(self) -> int:
        """Count the tokens, blank included: V."""
        return len(self.tokens)

    def summary(self) -> str:
        """Describe the tokens in a line unlike that of any others, for the run's fingerprint."""
        return "".join(self.tokens[1:])

    def normalize(self, text: str) -> str:
        """Normalize raw text, after its tags are left out unless `tags` keeps them."""
        return NORMALIZERS[self.normalizer](TAGS[self.tags](text))

    def unknown(self, text: str) -> list[str]:
        """List the characters of normalized `text` that no token writes, sorted."""
        return sorted(set(text) - self._writable)

    def spellable(self, text: str) -> str:
        """Drop the characters of normalized `text` that no token writes."""
        return "".join(c for c in text if c in self._writable)

    def count(self, texts: Iterable[str]) -> None:
        """Count each token in normalized texts without unknown characters or words."""
        found = Counter(token for text in texts for token in self.encode(text))
        self.counts = [found[token] for token in range(len(self))]

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Turn normalized text into token ids; nothing in it may be `unknown`."""


class CharTokenizer(Tokenizer):
    """Every character is a token, the space among them.

    Raises:
        UserError: as `Tokenizer`; a token that is not one character.
    """

    boundary = SPACE

    def __init__(self, tokens: Sequence[str], normalizer: str = "none") -> None:
        super().__init__(tokens, normalizer)
        odd = [token for token in tokens[1:] if len(token) != 1]
        if odd:
            raise UserError(f"tokens: expected single characters, found {odd!r}")
        self._ids = {token: index for index, token in enumerate(self.tokens)}

    @classmethod
    def from_texts(cls, texts: Iterable[str], normalizer: str) -> "CharTokenizer":
        """Take every character of the normalized training texts for a token."""
        if normalizer not in NORMALIZERS:
            return cls([BLANK], normalizer)  # one place words the refusal
        characters = {c for text in texts for c in NORMALIZERS[normalizer](text)} | {SPACE}
        return cls([BLANK, *sorted(characters)], normalizer)

    def encode(self, text: str) -> list[int]:
        """Turn normalized text into token ids; no character may be `unknown`."""
        return [self._ids[c] for c in text]
