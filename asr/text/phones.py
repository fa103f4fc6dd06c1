"""Phones as tokens: the sounds of words, by a pronunciation lexicon.

English spells one sound in many ways, and a few hours of speech are too few to learn them. A model
of phones learns sounds alone; how a word sounds stands in a lexicon, which is stored in the model
file and turns phones into words again.

A lexicon has a word a line and its phones behind it, as Kaldi's and CMU's dictionaries do. A word
may stand there several times; of words that sound alike, the first is the likeliest.
"""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from asr.text.tokenizer import BLANK, NORMALIZERS, SPACE, Tokenizer
from asr.util.errors import UserError
from asr.util.printable import quoted
from asr.util.text_files import TextError, read_text

#: Word to its pronunciations, each the names of phones with a space between.
Lexicon = dict[str, list[str]]

#: How the names of silence, noise and unknown words begin: !SIL, <UNK>, [LAUGHTER].
NO_WORD = ("!", "<", "[")
#: How lines begin that are comments.
COMMENTS = (";;;", "# ")
#: Phones that a pronunciation may have; the longest words of any language have a fifth of it. One
#: of a million made a table of that width for every word.
LONGEST = 255
#: Different phones that a lexicon may have: languages have some 10 to 150, thrice as many with
#: stress, tone or place in the word. A text taken for a lexicon has thousands.
MOST_PHONES = 1000
#: What no word has: line ends and other controls, and halves of surrogate pairs.
_NO_LETTER = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BEHIND = re.compile(r"\s#")
#: CMU's second pronunciations are TOMATO(2), its phones AH0, AH1 and AH2 by stress.
VARIANT = re.compile(r"\(\d+\)$")
_STRESS = re.compile(r"(?<=[A-Z])[012]$")


class PhoneTokenizer(Tokenizer):
    """Phones are tokens, and so is the space between words.

    Args:
        tokens: the blank, then the space and the phones.
        normalizer: a key of `asr.text.tokenizer.NORMALIZERS`.
        lexicon: pronunciations of normalised words.

    Raises:
        UserError: as `Tokenizer`; a pronunciation with a phone that is no token.
    """

    boundary = SPACE
    kind = "phone"
    unknown_are = "words that the lexicon lacks"
    unknown_remedy = "say how they are said in a --lexicon, which `asr lexicon` makes of the text"

    def __init__(self, tokens: Sequence[str], normalizer: str, lexicon: Lexicon) -> None:
        super().__init__(tokens, normalizer)
        self.pronunciations: Lexicon = lexicon
        self._ids = {token: index for index, token in enumerate(self.tokens)}
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
        """Know the words of a lexicon file as well, said as it says them.

        Raises:
            UserError: as `read_lexicon`; a pronunciation with a phone that is no token.
        """
        said = read_lexicon(path, self.normalize, known=self.pronunciations)
        in_lexicon = {word: ways for word, ways in said.items() if ways}
        return PhoneTokenizer(self.tokens, self.normalizer, {**self.pronunciations, **in_lexicon})

    def unknown(self, text: str) -> list[str]:
        """List the words of normalised `text` that the lexicon lacks, sorted."""
        return sorted({word for word in text.split() if word not in self.pronunciations})

    def spellable(self, text: str) -> str:
        """Drop the words of normalised `text` that the lexicon lacks."""
        return " ".join(word for word in text.split() if word in self.pronunciations)

    def encode(self, text: str) -> list[int]:
        """Turn normalised text into token ids, by each word's first pronunciation."""
        ids: list[int] = []
        for word in text.split():
            ids += [self._ids[SPACE]] * bool(ids)
            ids += [self._ids[phone] for phone in self.pronunciations[word][0].split()]
        return ids

    def summary(self) -> str:
        """List the phones, and the checksum of the lexicon."""
        phones = " ".join(self.tokens[1:]).strip()
        checksum = zlib.crc32(repr(self.pronunciations).encode())
        return f"phones {phones} of a lexicon with checksum {checksum:08x}"


def check_lexicon(value: object) -> Lexicon:
    """Refuse what is no lexicon.

    Raises:
        UserError: it does not map words to lists of pronunciations of up to `LONGEST` phones.
    """
    if not isinstance(value, dict) or not all(
        isinstance(said, list) and said and all(isinstance(one, str) and one for one in said)
        for said in value.values()
    ):
        raise UserError("lexicon: expected lists of pronunciations by word")
    for word, said in value.items():
        if _NO_LETTER.search(word + "".join(said)):
            raise UserError(f"lexicon: {quoted(word)} has characters that are no text")
        if problem := _too_long(max(one.count(" ") + 1 for one in said)):
            raise UserError(f"lexicon: {quoted(word)} {problem}")
    return value


def _too_long(phones: int) -> str:
    return f"has {phones:,} phones, expected {LONGEST} at most" if phones > LONGEST else ""


def phones_of(lexicon: Lexicon) -> set[str]:
    """Gather the phones of all pronunciations."""
    return {phone for said in lexicon.values() for one in said for phone in one.split()}


def read_lexicon(
    path: Path,
    normalize: Callable[[str], str],
    known: Mapping[str, Sequence[str]] | None = None,
) -> Lexicon:
    """Read a lexicon, plain or gzipped.

    What follows a # after white space is a comment. Probabilities of pronunciations, in a second
    column, and stress marks, digits behind a vowel's name, are dropped; so are silence and noise,
    such as ``!SIL`` and ``<UNK>``.

    Args:
        path: the file.
        normalize: brings words to the form the model writes.
        known: pronunciations of words that stand there without any, which have none where they
            are not known; None allows no such word.

    Raises:
        UserError: a file that cannot be read, a line without phones or with too many, no words at
            all, or more than `MOST_PHONES` different phones.
    """
    lexicon: Lexicon = {}
    for number, line in enumerate(_lines(path), start=1):
        columns = _BEHIND.split(line, maxsplit=1)[0].split()
        if not columns or line.startswith((*COMMENTS, *NO_WORD)):
            continue
        entry, *phones = columns
        if phones and re.fullmatch(r"[01]?\.\d+|1(\.0+)?", phones[0]):
            del phones[0]
        if not phones and known is None:
            problem = "has no phones; write `word phone phone`"
            raise UserError(f"{path}:{number}: {quoted(entry)} {problem}")
        if problem := _too_long(len(phones)):
            raise UserError(f"{path}:{number}: {quoted(entry)} {problem}; is it a word?")
        word = normalize(VARIANT.sub("", entry))
        said = " ".join(_STRESS.sub("", phone) for phone in phones)
        here = [said] if said else (known or {}).get(word, ())
        ways = lexicon.setdefault(word, [])
        ways += [one for one in here if one not in ways]
    lexicon = {word: said for word, said in lexicon.items() if word and SPACE not in word}
    if not lexicon:
        raise UserError(f"{path}: no words in it; write `word phone phone ...`, a word a line")
    if (found := len(phones_of(lexicon))) > MOST_PHONES:
        raise UserError(
            f"{path}: {found:,} different phones, expected {MOST_PHONES:,} at most; is it a "
            "lexicon, with a word and its phones on each line?"
        )
    return lexicon


def _lines(path: Path) -> list[str]:
    try:
        return read_text(path).splitlines()
    except TextError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        raise UserError(
            f"{path}: there is no such lexicon; `asr lexicon TEXT --output {path}` makes one, or "
            "name yours by tokens.lexicon"
        ) from None
