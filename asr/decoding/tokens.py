"""What a model's outputs spell, and where its words begin.

Every kind of model is decoded by this one description. The `boundary` mark says which tokens begin
a word:

| model | tokens | boundary |
| --- | --- | --- |
| characters | `a`, `b`, ` ` | `" "` |
| characters, own word mark | `a`, `b`, `|` | `"|"` |
| subwords | `▁the`, `n`, `▁` | `"▁"` |
| no words (Chinese) | `你`, `好` | `None`: every token is a word |
| phones | `k`, `tʃ`, ` ` | `" "`, and a lexicon turns phones into words |

Below, a letter is a character, or a phone where the tokens are phones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from asr.text.packed_lexicon import PackedLexicon
from asr.text.tokenizer import Tokenizer
from asr.util.errors import UserError
from asr.util.printable import quoted


@dataclass(frozen=True)
class Tokens:
    """The V tokens of a model in the order of its outputs; the first is the CTC blank.

    Attributes:
        tokens: the strings, the blank's own spelling ignored.
        boundary: the mark that begins a new word. A token equal to it separates words; a token
            that starts with it begins a word with the letters after the mark. None: every token is
            a word of its own, and words are written without spaces.
        pronunciations: where the tokens are phones, each word's pronunciations, with spaces
            between the phones; None for other tokens. Of homophones, the first is the likeliest.
        counts: how often each token is in the texts that the model was trained on, or None.

    Raises:
        UserError: fewer than two tokens, or a boundary that no token starts with.
    """

    tokens: tuple[str, ...]
    boundary: str | None = " "
    pronunciations: Mapping[str, Sequence[str]] | None = None
    counts: Sequence[int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        if len(self.tokens) < 2:
            raise UserError(f"tokens: expected the blank and one more, found {self.tokens!r}")
        if self.boundary is not None and not any(self.starts_word):
            raise UserError(
                f"tokens: no token starts with the word boundary {self.boundary!r}; give the mark "
                "that the model puts between words, or None where every token is a word"
            )

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "Tokens":
        """Describe the outputs of a model that was trained on a tokenizer's ids."""
        return cls(
            tuple(tokenizer.tokens), tokenizer.boundary, tokenizer.pronunciations, tokenizer.counts
        )

    @cached_property
    def in_lexicon(self) -> frozenset[str] | None:
        """Words that have a pronunciation, where the tokens are phones; None for other tokens."""
        if self.pronunciations is None:
            return None
        return frozenset(word for word, found in self.pronunciations.items() if found)

    @cached_property
    def starts_word(self) -> tuple[bool, ...]:
        """For each token, whether it begins a new word. The blank never does."""
        mark = self.boundary
        return (False, *(mark is None or token.startswith(mark) for token in self.tokens[1:]))

    @cached_property
    def space(self) -> int | None:
        """The token that is the boundary mark alone, None if there is none."""
        tokens = self.tokens[1:]  # the blank's own spelling means nothing
        return 1 + tokens.index(self.boundary) if self.boundary in tokens else None

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """For each token, the letters it writes; empty for the blank and a bare boundary."""
        return ("", *(token.removeprefix(self.boundary or "") for token in self.tokens[1:]))

    @cached_property
    def letter_ids(self) -> dict[str, int]:
        """Every letter the tokens can write, numbered from 1; 0 is the boundary."""
        letters = sorted(
            {letter for spelling in self.spellings for letter in self._parts(spelling)}
        )
        return {letter: number for number, letter in enumerate(letters, start=1)}

    @cached_property
    def letters(self) -> tuple[list[int], ...]:
        """For each token, the numbers of the letters it writes."""
        return tuple(
            [self.letter_ids[letter] for letter in self._parts(spelling)]
            for spelling in self.spellings
        )

    def _parts(self, spelling: str) -> Sequence[str]:
        """Split a token's spelling into letters; a phone's name of any length is one letter."""
        return spelling if self.pronunciations is None else [spelling] * bool(spelling)

    def spell(self, word: str) -> list[list[int]]:
        """Turn a word into letter numbers, for each pronunciation that the tokens can spell."""
        spellings: Sequence[Sequence[str]] = [word]
        if self.pronunciations is not None:
            spellings = [phones.split() for phones in self.pronunciations.get(word, ())]
        numbers = [[self.letter_ids.get(letter, 0) for letter in one] for one in spellings]
        return [one for one in numbers if one and all(one)]

    def missing_characters(self, word: str) -> str:
        """Name what the model lacks to spell a word: a pronunciation, or these characters."""
        if self.pronunciations is not None:
            return "a pronunciation"
        return quoted("".join(sorted(set(word) - set(self.letter_ids))))

    def split(self, phrase: str) -> list[str]:
        """Split a phrase into this model's words: at spaces, or into characters without a mark."""
        return phrase.split() if self.boundary is not None else list("".join(phrase.split()))

    def words(self, token_ids: Iterable[int]) -> list[tuple[str, list[int]]]:
        """Group tokens into words: each word's text, and the positions of its tokens."""
        words: list[tuple[list[str], list[int]]] = [([], [])]
        for position, token in enumerate(token_ids):
            if self.starts_word[token] and words[-1][0]:
                words.append(([], []))
            if self.spellings[token]:
                words[-1][0].append(self.spellings[token])
                words[-1][1].append(position)
        return [(self._written(parts), positions) for parts, positions in words if parts]

    def _written(self, parts: Sequence[str]) -> str:
        """Write a word's tokens; phones as the likeliest word with that pronunciation, if any."""
        return self.by_pronunciation.get(" ".join(parts), "".join(parts))

    @cached_property
    def by_pronunciation(self) -> Mapping[str, str]:
        """The likeliest word of each pronunciation, where tokens are phones."""
        if isinstance(self.pronunciations, PackedLexicon):
            return self.pronunciations.by_pronunciation
        words: dict[str, str] = {}
        for word, pronunciations in (self.pronunciations or {}).items():
            for phones in pronunciations:
                words.setdefault(phones, word)
        return words

    def text(self, token_ids: Iterable[int]) -> str:
        """Write tokens out, one space between words (none where every token is a word)."""
        return self.join([word for word, _ in self.words(token_ids)])

    def join(self, words: Sequence[str]) -> str:
        """Write words out as this model's text."""
        return ("" if self.boundary is None else " ").join(words)


def frames_needed(token_ids: Sequence[int]) -> int:
    """Count the fewest frames that CTC can align tokens to: a blank parts equal neighbors."""
    return len(token_ids) + sum(a == b for a, b in pairwise(token_ids))
