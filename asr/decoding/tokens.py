"""What a model's outputs spell, and where its words begin.

Every kind of model decodes through this one description. Its words are read off the tokens by a
single rule, the `boundary` mark:

| model | tokens | boundary |
| --- | --- | --- |
| characters | `a`, `b`, ` ` | `" "` |
| characters, own word mark | `a`, `b`, `|` | `"|"` |
| BPE pieces | `▁the`, `n`, `▁` | `"▁"` |
| no words (Chinese, phones) | `你`, `好` | `None`: every token is a word |
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from asr.errors import UserError


@dataclass(frozen=True)
class Tokens:
    """The V tokens of a model in the order of its outputs; the first is the CTC blank.

    Attributes:
        tokens: the strings, the blank's own spelling ignored.
        boundary: the mark that begins a new word. A token equal to it only parts words; a token
            that starts with it begins a word with what follows the mark. None: every token is a
            word of its own, and words are written without spaces.

    Raises:
        UserError: fewer than two tokens, or a boundary that no token starts with.
    """

    tokens: tuple[str, ...]
    boundary: str | None = " "

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        if len(self.tokens) < 2:
            raise UserError(f"tokens: expected the blank and one more, found {self.tokens!r}")
        if self.boundary is not None and not any(self.starts_word):
            raise UserError(
                f"tokens: no token starts with the word boundary {self.boundary!r}; give the mark "
                "that the model puts between words, or None where every token is a word"
            )

    @cached_property
    def starts_word(self) -> tuple[bool, ...]:
        """For each token, whether it begins a new word. The blank never does."""
        mark = self.boundary
        return (False, *(mark is None or token.startswith(mark) for token in self.tokens[1:]))

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """For each token, the letters it writes; empty for the blank and a bare boundary."""
        return ("", *(token.removeprefix(self.boundary or "") for token in self.tokens[1:]))

    @cached_property
    def letter_ids(self) -> dict[str, int]:
        """Every character the tokens can write, numbered from 1; 0 is the boundary."""
        letters = sorted(set("".join(self.spellings)))
        return {letter: number for number, letter in enumerate(letters, start=1)}

    def spell(self, word: str) -> list[int] | None:
        """Turn a word into letter numbers, or None where it has a character no token writes."""
        try:
            return [self.letter_ids[letter] for letter in word]
        except KeyError:
            return None

    def split(self, phrase: str) -> list[str]:
        """Part a phrase into this model's words: at spaces, or into characters without a mark."""
        return phrase.split() if self.boundary is not None else list("".join(phrase.split()))

    def words(self, token_ids: Iterable[int]) -> list[tuple[str, list[int]]]:
        """Group tokens into words: each word's text, and the positions of the tokens it took."""
        words: list[tuple[str, list[int]]] = []
        text = ""
        positions: list[int] = []
        for position, token in enumerate(token_ids):
            if self.starts_word[token] and text:
                words.append((text, positions))
                text, positions = "", []
            if self.spellings[token]:
                text += self.spellings[token]
                positions = [*positions, position]
        return [*words, (text, positions)] if text else words

    def text(self, token_ids: Iterable[int]) -> str:
        """Write tokens out, one space between words (none where every token is a word)."""
        return self.join([word for word, _ in self.words(token_ids)])

    def join(self, words: Sequence[str]) -> str:
        """Write words out as this model's text."""
        return ("" if self.boundary is None else " ").join(words)
