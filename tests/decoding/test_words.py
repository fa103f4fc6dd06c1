from pathlib import Path

import numpy as np
import pytest

from asr.decoding.greedy import TokenPath
from asr.decoding.tokens import Tokens
from asr.decoding.word_lists import read_hotwords, read_words
from asr.decoding.words import (
    AFTER_S,
    BEFORE_S,
    EARLIER_FRACTION,
    log_spelled,
    right_words,
    words_of,
)
from asr.util.errors import UserError

TOKENS = Tokens(("", "A", "B", " "))


def test_words_have_times_and_confidence() -> None:
    path = TokenPath(
        token_ids=np.array([1, 2, 3, 2]),
        start_frames=np.array([2, 5, 7, 10]),
        end_frames=np.array([3, 7, 8, 11]),
        log_scores=np.log(np.array([0.9, 0.5, 0.1, 0.8], np.float32)),
    )
    found = TOKENS.words(path.token_ids)
    log_confidence = log_spelled(path, found)
    first, second = words_of(path, found, 0.04, log_confidence)
    assert (first.text, second.text) == ("AB", "B")
    assert (first.start_s, first.end_s) == pytest.approx((0.0, 0.28 + EARLIER_FRACTION * 0.12))
    assert (second.start_s, second.end_s) == pytest.approx((first.end_s, 0.44 + AFTER_S))
    assert (first.confidence, second.confidence) == pytest.approx((0.45, 0.8))
    calmer, _ = words_of(path, found, 0.04, log_confidence, temperature=2.0)
    assert calmer.confidence == pytest.approx(0.45**0.5)


def test_words_reach_into_the_pauses_around_them_and_never_into_each_other() -> None:
    starts = np.array([20, 24, 90, 100])
    path = TokenPath(np.array([1, 3, 2, 1]), starts, starts + 2, np.zeros(4, np.float32))
    first, second = words_of(path, TOKENS.words(path.token_ids), 0.03, np.zeros(2))

    assert (first.start_s, first.end_s) == pytest.approx((0.6 - BEFORE_S, 0.66 + AFTER_S))
    assert (second.start_s, second.end_s) == pytest.approx((2.7 - BEFORE_S, 3.06 + AFTER_S))
    for frames in range(5):
        starts = np.array([20, 22, 24 + frames])
        path = TokenPath(np.array([1, 3, 2]), starts, starts + 2, np.zeros(3, np.float32))
        first, second = words_of(path, TOKENS.words(path.token_ids), 0.03, np.zeros(2))
        assert first.end_s == pytest.approx(second.start_s), "they meet"
        assert 0.66 <= first.end_s <= (24 + frames) * 0.03
    assert words_of(TokenPath(*[np.zeros(0, np.int64)] * 4), [], 0.03, np.zeros(0)) == []


def test_right_words_are_those_that_the_edit_alignment_matches() -> None:
    assert right_words(["a", "b", "c"], ["a", "x", "c"]) == [True, False, True]
    assert right_words(["a", "b"], ["a", "new", "b"]) == [True, False, True]
    assert right_words(["a", "b"], ["b"]) == [True]
    assert right_words([], ["b"]) == [False]


def test_word_lists(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("Ann Lee\n\n  Bo \nBo\n", encoding="utf-8")
    assert read_hotwords(path) == ["Ann Lee", "Bo"]
    assert read_hotwords(path, lambda line: line.strip().upper()) == ["ANN LEE", "BO"]
    assert read_words(path) == ["Ann", "Bo"]
    path.write_text(";;; CMU's\n# of\nTO AH\nTO(2) UW\n#1 W AH N\n", encoding="utf-8")
    assert read_words(path) == ["TO", "#1"]
    path.write_text("!SIL SIL\n<UNK> SPN\nE-mail IY M\nann AE N\nANN AE N\n", encoding="utf-8")
    assert read_words(path, lambda word: word.upper().replace("-", " ")) == ["E", "MAIL", "ANN"]


@pytest.mark.parametrize("read", [read_hotwords, read_words])
def test_too_long_a_word_is_refused_with_its_line(read, tmp_path):
    """A tree of words has a level for each letter."""
    (tmp_path / "words.txt").write_text("one\n" + "a" * 1001)
    with pytest.raises(UserError, match=r"words.txt:2: 1,001 characters, expected 1,000 at most"):
        read(tmp_path / "words.txt")


@pytest.mark.parametrize("read", [read_hotwords, read_words])
def test_empty_and_unreadable_lists_are_refused(tmp_path: Path, read) -> None:
    path = tmp_path / "list.txt"
    with pytest.raises(UserError, match="cannot be read"):
        read(path)
    path.write_text(" \n\n")
    with pytest.raises(UserError, match=r"list.txt: no .*words in it; write one word"):
        read(path)
    path.write_bytes(b"\xffa")  # no mark of UTF-16
    with pytest.raises(UserError, match=r"list.txt:1: byte 0xff is not UTF-8"):
        read(path)
