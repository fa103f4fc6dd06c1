"""Normalizers: raw transcripts ("Hello, world!") to the text a recognizer writes ("hello world").

A model file stores its normalizer's name, so that references are normalized as the training text
was.
"""

import unicodedata
from collections.abc import Callable

from asr.text.english import speak

#: What people type for an apostrophe; NFKC would take the acute accent (U+00B4) apart.
_APOSTROPHES = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\uff07\u00b4`", "'") | {"\u0149": "'n"}
)
#: In Turkish and Azeri the dot of the i is kept: I is the capital of ı, and İ of i.
_TURKIC_SMALL = str.maketrans("Iİ", "ıi")
_TURKIC_LARGE = str.maketrans("ıi", "Iİ")
_ZERO_WIDTH_SPACE = "\u200b"
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
    return "" if category == "Cf" and character != _ZERO_WIDTH_SPACE else " "


def _lower(text: str) -> str:
    # the dot that lower() takes off a Turkish capital I with dot is the small i's own
    return _collapse(_words_only(text).lower().replace("i\u0307", "i"))


def _upper(text: str) -> str:
    return _collapse(_words_only(text).upper())


def _nfkc(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _lower_turkic(text: str) -> str:
    return _lower(unicodedata.normalize("NFC", text).translate(_TURKIC_SMALL))


def _upper_turkic(text: str) -> str:
    return _upper(unicodedata.normalize("NFC", text).translate(_TURKIC_LARGE))


def _english(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    return _lower(speak(plain.lower()))


#: Short name in a recipe -> function from raw text to the text that is trained on and scored.
NORMALIZERS: dict[str, Callable[[str], str]] = {
    "none": _collapse,  # the transcripts are already as they should be written
    "lower": _lower,
    "upper": _upper,
    "lower-tr": _lower_turkic,  # Turkish and Azeri
    "upper-tr": _upper_turkic,
    "english": _english,  # lower, with numbers, titles and contractions written out
    "nfkc": _nfkc,  # case and punctuation stay; full-width and other compatibility forms do not
}
