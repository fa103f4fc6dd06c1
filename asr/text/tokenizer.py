"""Text as the model reads and writes it: normalizers, and the tokenizer of characters.

A normalizer brings the transcripts people have ("Hello, world!") to the alphabet a recogniser
writes ("hello world"); the tokenizer turns that text into token ids. Both are stored in the model
file, so that a model is scored against text treated as its training text was.
`asr.text.bpe` has the tokenizer of longer pieces, `asr.text.phones` that of sounds.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from asr.util.errors import UserError

BLANK_ID = 0
BLANK = "<blank>"
SPACE = " "
#: What people type for an apostrophe; NFKC would take the acute accent (U+00B4) apart.
_APOSTROPHES = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\uff07\u00b4`", "'") | {"\u0149": "'n"}
)
_ZERO_WIDTH_SPACE = "\u200b"
#: Control characters, ends of lines, and halves of characters: what no line of text holds.
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: Marks that choose a glyph, as of emoji, or join: no part of a word's spelling.
_GLYPH_MARKS = {0x034F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


def _collapse(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _words_only(text: str) -> str:
    """Keep letters, marks, digits and the apostrophes inside words; the rest separates words.

    Invisible joiners, soft hyphens and direction marks are dropped: they stand inside words.
    """
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    words = "".join(map(_word_character, text)).split()
    return " ".join(word.strip("'") for word in words if any(map(str.isalnum, word)))


def _word_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Me" or ord(character) in _GLYPH_MARKS:  # Me encloses, as keycaps do
        return ""
    if character == "'" or category[0] in "LMN":
        return character
    return "" if category == "Cf" and character != _ZERO_WIDTH_SPACE else SPACE


def _lower(text: str) -> str:
    # the dot that lower() takes off a Turkish capital I with dot is the small i's own
    return _collapse(_words_only(text).lower().replace("i\u0307", "i"))


def _upper(text: str) -> str:
    return _collapse(_words_only(text).upper())


#: Short name in a recipe -> function from raw text to the text that is trained on and scored.
NORMALIZERS: dict[str, Callable[[str], str]] = {
    "none": _collapse,  # the transcripts are already as they should be written
    "lower": _lower,
    "upper": _upper,
}


class Tokenizer(ABC):
    """Text to token ids, with the normalizer its text went through.

    Args:
        tokens: strings in the order of their ids; the first is `BLANK`.
        normalizer: a key of `NORMALIZERS`.

    Attributes:
        boundary: the mark that begins a new word in the tokens, as `asr.decoding.tokens` reads it.
        pronunciations: the phones of words where tokens are phones, see `asr.text.phones`, or None.
        counts: how often each token stands in the texts that the model was trained on, see
            `count`; None where that is not known.
        kind: what a token is: a ``character``, a ``piece`` or a ``phone``.
        unknown_are: what `unknown` lists.
        unknown_remedy: what can be done where a text to align has some.

    Raises:
        UserError: an unknown normalizer, a first token that is not the blank, a repeated token, or
            one that is no text.
    """

    boundary: str
    pronunciations: dict[str, list[str]] | None = None
    counts: list[int] | None = None
    kind = "character"
    unknown_are = "characters that are no token"
    unknown_remedy = "spell them out as the training text did"

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
        """Describe the tokens in a line that no others have; a run's identity holds it."""
        return "".join(self.tokens[1:])

    def normalize(self, text: str) -> str:
        """Bring raw text to the form the model writes."""
        return NORMALIZERS[self.normalizer](text)

    def unknown(self, text: str) -> list[str]:
        """List what of normalised `text` no token writes, sorted."""
        return sorted(set(text) - self._writable)

    def spellable(self, text: str) -> str:
        """Drop from normalised `text` what no token writes."""
        return "".join(c for c in text if c in self._writable)

    def count(self, texts: Iterable[str]) -> None:
        """Remember how often each token stands in normalised texts; all of them must be known."""
        found = Counter(token for text in texts for token in self.encode(text))
        self.counts = [found[token] for token in range(len(self))]

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Turn normalised text into token ids; all of it must be known (see `unknown`)."""


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
        """Derive the tokens from training text: every character left after normalising."""
        if normalizer not in NORMALIZERS:
            return cls([BLANK], normalizer)  # one place words the refusal
        characters = {c for text in texts for c in NORMALIZERS[normalizer](text)} | {SPACE}
        return cls([BLANK, *sorted(characters)], normalizer)

    def encode(self, text: str) -> list[int]:
        """Turn normalised text into token ids; every character must be known (see `unknown`)."""
        return [self._ids[c] for c in text]
