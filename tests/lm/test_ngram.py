"""The model in memory against KenLM's scores, and its states."""

import math
from pathlib import Path

import numpy as np
import pytest
from sentence_scores import total_log10

from asr.lm import NGram, score_next_word
from asr.lm.arpa import parse_arpa
from asr.lm.ngram import LN_10, _score_words
from asr.lm.store import open_ngram

ARPA = b"""\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.7\t</s>
-0.6\ta\t-0.25
-0.8\tb\t-0.125

\\2-grams:
-0.3\t<s> a\t-0.0625
-0.4\ta b
-0.2\tb a\t-0.03125
-0.1\tb </s>

\\3-grams:
-0.05\t<s> a b
-0.15\ta b a

\\end\\
"""


@pytest.fixture(scope="module")
def small() -> NGram:
    return parse_arpa(ARPA, Path("small.arpa"))


def test_every_sentence_scores_as_in_kenlm(shared: Path) -> None:
    folder = shared / "oracles" / "lm"
    lm = open_ngram(folder / "an4_train.3gram.arpa")
    sentences = (folder / "an4_dev.txt").read_text().splitlines()
    scores = (folder / "an4_dev.scores").read_text().splitlines()
    assert len(sentences) == len(scores) == 100
    for sentence, score in zip(sentences, scores, strict=True):
        assert total_log10(lm, sentence.split()) == pytest.approx(float(score.split()[1]), abs=1e-4)


def test_backing_off_adds_back_off_weights(small: NGram) -> None:
    log10 = [score / LN_10 for score in small.score(["a", "b", "b", "nobody"])]
    assert log10 == pytest.approx(
        [
            -0.3,  # <s> a
            -0.05,  # <s> a b
            -0.8 - 0.125,  # neither "a b b" nor "b b" is listed; "a b" has back-off 0, "b" has not
            -1.0 - 0.125,  # <unk> after b
            -0.7,  # </s> after <unk>, which has no history
        ]
    )


def test_a_score_may_begin_without_history(small: NGram) -> None:
    assert total_log10(small, ["a"], begin=False, end=False) == pytest.approx(-0.6)
    assert total_log10(small, ["a"], begin=True, end=False) == pytest.approx(-0.3)
    assert len(small.score(["a"], end=False)) == 1
    assert small.score([], begin=False, end=False) == []


def test_a_state_keeps_only_history_that_matters(small: NGram) -> None:
    """After <unk> or </s> the state is empty; `b a` and `a b a` have one state."""
    a, b = small.id("a"), small.id("b")
    for word in (small.unk_id, small.end_id):
        assert score_next_word(small.arrays, small.begin, word)[1] == small.empty
    _, after_a = score_next_word(small.arrays, small.empty, a)
    _, after_ab = score_next_word(small.arrays, after_a, b)
    _, after_aba = score_next_word(small.arrays, after_ab, a)
    _, after_b = score_next_word(small.arrays, small.empty, b)
    assert after_aba == score_next_word(small.arrays, after_b, a)[1]
    assert after_aba not in (after_a, after_b)


def test_words_and_ids_are_inverse(small: NGram) -> None:
    assert [small.id(word) for word in small.words] == list(range(5))
    assert small.words[small.unk_id] == "<unk>"
    assert small.words[small.end_id] == "</s>"
    assert "a" in small and "nobody" not in small
    assert small.id("nobody") == small.unk_id
    np.testing.assert_array_equal(small.ids(["b", "nobody"]), [small.id("b"), 0])


def test_scores_are_finite_python_floats(small: NGram) -> None:
    assert all(type(s) is float and math.isfinite(s) for s in small.score(["a", "x"]))


def test_functions_are_compiled_once_for_all_models(small: NGram, shared: Path) -> None:
    """Parsed or mapped from the cache, of any order: arrays have one type."""
    oracle = shared / "oracles" / "lm" / "an4_train.3gram.arpa"
    for lm in (small, open_ngram(oracle), open_ngram(oracle)):
        lm.score(["a"])
    assert len(_score_words._entries) == 1
