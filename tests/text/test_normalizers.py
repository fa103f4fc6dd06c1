"""Normalizers: which characters they keep, and that normalized text no longer changes."""

import unicodedata

import pytest

from asr.decoding.tokens import Tokens
from asr.text.normalizers import NORMALIZERS
from asr.text.tokenizer import BLANK_ID, CharTokenizer

LOWER = {
    "Hello, world!": "hello world",
    "  two\tspaces \n": "two spaces",
    "don’t, can‘t, won't, geht´s, isn`t": "don't can't won't geht's isn't",
    "'quoted' words, “double” and „German“": "quoted words double and german",
    "rock 'n' roll": "rock n roll",
    "café, cafe\u0301": "café café",
    "ﬁne ｆｕｌｌ": "fine full",
    "Room 101, 3.5 m²": "room 101 3 5 m2",
    "snake_case and semi-final": "snake case and semi final",
    "Grüße aus Köln – Straße": "grüße aus köln straße",
    "Wörter\u00adbuch": "wörterbuch",
    "\ufeffbyte order mark": "byte order mark",
    "नमस्ते, दुनिया!": "नमस्ते दुनिया",
    "क्\u200dया": "क्या",
    "你好,世界。": "你好 世界",
    "zero\u200bwidth space": "zero width space",
    "I \u2764\ufe0f you 1\ufe0f\u20e3": "i you 1",
    "İSTANBUL": "istanbul",
    "a \u0301 b": "a b",
    "...!?": "",
    "": "",
}


@pytest.mark.parametrize(("raw", "expected"), LOWER.items())
def test_lower_keeps_letters_marks_digits_and_inner_apostrophes(raw: str, expected: str) -> None:
    assert NORMALIZERS["lower"](raw) == unicodedata.normalize("NFC", expected)


@pytest.mark.parametrize(
    ("raw", "expected"), {"Hello, world!": "HELLO WORLD", "Grüße, don’t": "GRÜSSE DON'T"}.items()
)
def test_upper_does_the_same_in_capitals(raw: str, expected: str) -> None:
    assert NORMALIZERS["upper"](raw) == expected


def test_none_only_composes_characters_and_collapses_white_space() -> None:
    assert NORMALIZERS["none"](" Hello,\u00a0 wo\u0308rld! \n") == "Hello, wörld!"


@pytest.mark.parametrize("name", NORMALIZERS)
def test_text_stays_as_it_is_once_normalized_whatever_the_character(name: str) -> None:
    normalize = NORMALIZERS[name]
    alphabets_and_compatibility_forms = [*range(0x3400), *range(0xF900, 0x10000)]
    characters = map(chr, alphabets_and_compatibility_forms)

    changed = [
        c
        for c, once in ((c, normalize(f"a{c}b")) for c in characters)
        if normalize(once) != once or unicodedata.normalize("NFC", once) != once
    ]

    assert not changed


@pytest.mark.parametrize("name", NORMALIZERS)
@pytest.mark.parametrize("raw", LOWER)
def test_encoding_and_decoding_give_normalized_text_back(raw: str, name: str) -> None:
    tokenizer = CharTokenizer.from_texts(LOWER, name)
    text = tokenizer.normalize(raw)

    ids = tokenizer.encode(text)

    assert Tokens.of(tokenizer).text(ids) == text
    assert BLANK_ID not in ids
