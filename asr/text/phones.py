"""Phones as tokens, and a pronunciation lexicon that turns words into phones and back.

English spells one phone in many ways, too many to learn from a few hours of speech. A model of
phones leaves spelling to its lexicon, which is stored in the model file.
"""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from asr.text.lexicon import phones_of, read_lexicon
from asr.text.normalizers import NORMALIZERS
from asr.text.tokenizer import BLANK, SPACE, Tokenizer
from asr.util.errors import UserError


class PhoneTokenizer(Tokenizer):
    """Tokens are phones, and the space between words.

    Args:
        tokens: the blank, then the space and the phones.
        normalizer: a key of `asr.text.normalizers.NORMALIZERS`.
        lexicon: pronunciations of normalized words; a packed one was checked when it was.

    Raises:
        UserError: as `Tokenizer`; a pronunciation with a phone that is no token.
    """

    boundary = SPACE
    kind = "phone"
    pronunciations: Mapping[str, list[str]]
    unknown_are = "words that the lexicon lacks"
    unknown_remedy = "pronounce_words"

    def __init__(
        self, tokens: Sequence[str], normalizer: str, lexicon: Mapping[str, list[str]]
    ) -> None:
        super().__init__(tokens, normalizer)
        self.pronunciations = lexicon
        self._ids = {token: index for index, token in enumerate(self.tokens)}
        if not isinstance(lexicon, dict):
            return  # it is packed
        if missing := phones_of(lexicon) - set(self.tokens):
            raise UserError(f"tokens: the lexicon has phones that are no token: {sorted(missing)}")

    @classmethod
    def from_lexicon(cls, path: Path, normalizer: str) -> "PhoneTokenizer":
        """Take the phones of a lexicon file.

        Raises:
            UserError: as `Tokenizer` and `read_lexicon`.
        """
        if normalizer not in NORMALIZERS:
            return cls([BLANK], normalizer, {})  # one place words the refusal
        lexicon = read_lexicon(path, NORMALIZERS[normalizer])
        return cls([BLANK, SPACE, *sorted(phones_of(lexicon))], normalizer, lexicon)

    def with_words(self, path: Path) -> "PhoneTokenizer":
        """Give a tokenizer whose lexicon has the words of a file too, pronounced as the file says.

        Raises:
            UserError: as `read_lexicon`; a pronunciation with a phone that is no token.
        """
        read = read_lexicon(path, self.normalize, known=self.pronunciations)
        added = {word: pronunciations for word, pronunciations in read.items() if pronunciations}
        larger = PhoneTokenizer(self.tokens, self.normalizer, {**self.pronunciations, **added})
        larger.tags = self.tags
        return larger

    def unknown(self, text: str) -> list[str]:
        """List the words of normalized `text` that the lexicon lacks, sorted."""
        return sorted({word for word in text.split() if word not in self.pronunciations})

    def spellable(self, text: str) -> str:
        """Drop the words of normalized `text` that the lexicon lacks."""
        return " ".join(word for word in text.split() if word in self.pronunciations)

    def encode(self, text: str) -> list[int]:
        """Turn normalized text into token ids, by each word's first pronunciation."""
        ids: list[int] = []
        for word in text.split():
            ids += [self._ids[SPACE]] * bool(ids)
            ids += [self._ids[phone] for phone in self.pronunciations[word][0].split()]
        return ids

    def summary(self) -> str:
        """List the phones, and give a checksum of the lexicon."""
        phones = " ".join(self.tokens[1:]).strip()
        checksum = zlib.crc32(repr(self.pronunciations).encode())
        return f"phones {phones} of a lexicon with checksum {checksum:08x}"
