"""The subwords of a neural language model."""

import numpy as np
import pytest

from asr.lm.neural.subwords import SENTENCE_END, Subwords, learn_subwords
from asr.lm.sentences import tokenize_lines
from asr.text.bpe import BPETokenizer
from asr.util.errors import UserError

LINES = ["the cat sat", "the hat that the cat had", "", "a mat", "that's it"] * 3


def test_words_are_cut_as_sentencepiece_cuts_them() -> None:
    reference = BPETokenizer.from_texts(filter(None, LINES), "none", 30)
    subwords = Subwords(reference.tokens[1:])
    for text in [*LINES, "hatched mathematics", "t a"]:
        if not reference.unknown(text):
            assert subwords.encode(text.split()) == reference.encode(text)
    assert max(map(len, subwords.subwords)) > 3


def test_a_text_is_the_ids_of_its_sentences() -> None:
    text = tokenize_lines(LINES, "text")
    subwords = learn_subwords(text, 30)
    ids, places = subwords.encode_text(text)
    expected = [number for line in LINES for number in [*subwords.encode(line.split()), 0]]
    assert ids.tolist() == expected
    words = [word for line in LINES for word in [*line.split(), None]]
    for word, low, high in zip(words, places[:-1], places[1:], strict=True):
        found = subwords.encode_word(word) if word else [SENTENCE_END]
        assert ids[low:high].tolist() == found


def test_an_unknown_character_has_the_last_id() -> None:
    subwords = Subwords(["▁a", "▁", "a", "b"])
    assert len(subwords) == 6
    assert subwords.encode(["ab", "ça"]) == [1, 4, 2, 5, 3]


@pytest.mark.parametrize("given", [[], ["a", "a"]])
def test_subwords_must_be_distinct_and_some(given: list[str]) -> None:
    with pytest.raises(UserError, match="distinct"):
        Subwords(given)


def test_a_text_without_words_is_refused() -> None:
    with pytest.raises(UserError, match="has no words"):
        learn_subwords(tokenize_lines(["", ""], "text"), 30)


def test_long_texts_are_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asr.lm.neural.subwords._MOST_SENTENCES", 3)
    text = tokenize_lines(["aa aa", "bb", "bb", "bb", "cc cc"], "text")
    assert set("".join(learn_subwords(text, 10).subwords)) == set("▁abc")
    assert np.count_nonzero(text.tokens == 2) == 5
