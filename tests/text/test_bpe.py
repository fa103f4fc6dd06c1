"""BPE subwords: learned alike each time, encoded by sentencepiece, decoded without it."""

import sys
from itertools import pairwise

import numpy as np
import pytest

from asr.decoding.decoder import Decoder
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.text.bpe import BPETokenizer
from asr.text.tokenizer import BLANK, BLANK_ID
from asr.util.errors import UserError

pytest.importorskip("sentencepiece", reason="BPE subwords need the extra asr[bpe]")

TEXTS = [
    "The cat sat on the mat.",
    "That cat is a fat cat!",
    "Don't they say so, when they do?",
    "Zürich, the largest city",
    "...",
]


@pytest.fixture(scope="module")
def tokenizer() -> BPETokenizer:
    return BPETokenizer.from_texts(TEXTS, "lower", 60)


def test_tokens_are_the_blank_frequent_subwords_and_every_character(tokenizer):
    assert len(tokenizer) == len(set(tokenizer.tokens)) == 60
    assert tokenizer.tokens[BLANK_ID] == BLANK
    assert "▁the" in tokenizer.tokens
    assert "▁cat" in tokenizer.tokens
    characters = set("".join(map(tokenizer.normalize, TEXTS)).replace(" ", "▁"))
    assert characters <= set(tokenizer.tokens)


def test_the_same_text_gives_the_same_subwords(tokenizer):
    again = BPETokenizer.from_texts(TEXTS, "lower", 60)
    assert again.tokens == tokenizer.tokens
    assert again.model == tokenizer.model
    fewer = BPETokenizer.from_texts(TEXTS, "lower", 40)
    assert fewer.tokens != tokenizer.tokens


def test_a_small_text_gives_fewer_subwords_than_the_setting():
    assert len(BPETokenizer.from_texts(["a b ab"], "lower", 500)) < 10


@pytest.mark.parametrize("text", [*TEXTS, "the fattest cat", "a", "dont'say'so"])
def test_decoding_gives_normalized_text_back_in_fewer_tokens(tokenizer, text):
    text = tokenizer.normalize(text)
    ids = tokenizer.encode(text)
    assert Tokens.of(tokenizer).text(ids) == text
    assert BLANK_ID not in ids
    assert len(ids) <= len(text) + 1


def test_a_frequent_word_is_one_token(tokenizer):
    assert [tokenizer.tokens[i] for i in tokenizer.encode("the cat")] == ["▁the", "▁cat"]


def test_characters_that_no_subword_writes_are_unknown(tokenizer):
    assert tokenizer.unknown("the ▁ q9 qq") == ["9", "q", "▁"]
    assert tokenizer.spellable("the qat 9") == "the at "
    assert tokenizer.unknown("zürich") == []


def test_a_line_longer_than_sentencepieces_own_limit_is_learned_from():
    line = " ".join(["some"] * 2000 + ["ñandú"])
    tokenizer = BPETokenizer.from_texts([line], "lower", 30)
    assert "▁some" in tokenizer.tokens
    assert tokenizer.unknown("ñandú") == []


@pytest.mark.parametrize(
    ("texts", "normalizer", "subwords", "message"),
    [
        (TEXTS, "lower", 10, r"tokens.subwords: expected 2\d or more"),
        (["...", ""], "lower", 10, "no text to learn from"),
        ([], "lower", 10, "no text to learn from"),
        (TEXTS, "title", 60, "unknown normalizer 'title'"),
    ],
)
def test_texts_that_subwords_cannot_be_learned_from_are_refused(
    texts, normalizer, subwords, message
):
    with pytest.raises(UserError, match=message):
        BPETokenizer.from_texts(texts, normalizer, subwords)


def test_the_fewest_subwords_are_the_characters_and_the_blank(tokenizer):
    characters = len(set("".join(map(tokenizer.normalize, TEXTS))))
    assert len(BPETokenizer.from_texts(TEXTS, "lower", characters + 1)) == characters + 1


def test_without_sentencepiece_subwords_are_still_decoded(tokenizer, monkeypatch):
    ids = tokenizer.encode("that city")
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    bare = BPETokenizer(tokenizer.tokens, "lower", tokenizer.model)
    assert Tokens.of(bare).text(ids) == "that city"
    assert bare.unknown("that city") == []
    for encode in (bare.encode, lambda text: BPETokenizer.from_texts([text], "lower", 60)):
        with pytest.raises(UserError, match=r"pip install sentencepiece"):
            encode("that city")


@pytest.mark.parametrize("model", [b"", b"rubbish", b"\x00" * 100])
def test_a_damaged_sentencepiece_model_is_refused(tokenizer, model):
    with pytest.raises(UserError, match="sentencepiece model"):
        BPETokenizer(tokenizer.tokens, "lower", model).encode("a")


def test_a_sentencepiece_model_of_other_subwords_is_refused(tokenizer):
    other = BPETokenizer.from_texts(TEXTS, "lower", 40)
    with pytest.raises(UserError, match="not those of the stored sentencepiece model"):
        BPETokenizer(tokenizer.tokens, "lower", other.model).encode("a")


@pytest.mark.parametrize("options", [DecodingOptions(), DecodingOptions(search="beam")])
def test_decoders_write_the_encoded_text(tokenizer, options):
    """Frames with each token twice, and a blank between equal tokens, decode to the text."""
    text = "that cat's fatter, they say".replace(",", "")
    ids = tokenizer.encode(text)
    path = [ids[0], ids[0]]
    for before, after in pairwise(ids):
        path += [BLANK_ID] * (before == after) + [after, after]
    log_probs = np.full((1, len(path), len(tokenizer)), np.log(0.01 / len(tokenizer)), np.float32)
    log_probs[0, np.arange(len(path)), path] = np.log(0.99)

    (decoded,) = Decoder(Tokens.of(tokenizer), options).decode(
        log_probs, np.array([len(path)]), frame_s=0.04
    )

    assert decoded.text == text
    assert [word.text for word in decoded.words] == text.split()
    assert decoded.words[0].start_s == 0
    starts = [word.start_s for word in decoded.words]
    assert starts == sorted(set(starts))
