"""Decoding frame by frame equals decoding at once, and what is committed stays."""

from collections.abc import Sequence

import numpy as np
import pytest
from brute_force import ALPHABET, random_log_probs

from asr.decoding import prefixes
from asr.decoding.beam import BeamSearch
from asr.decoding.decoder import Decoder
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.stream_decoder import StreamDecoder, count_complete
from asr.decoding.tokens import Tokens
from asr.lm.ngram import NGram

TOKENS = Tokens(ALPHABET)
PHONES = Tokens(ALPHABET, " ", {"BAAB": ["B A A B"], "BEE": ["B"]})
OPTIONS = DecodingOptions(search="beam", beam_size=20, hotword_boost=2.0)
STEPS = (1, 3, 40)


def parts(log_probs: np.ndarray, step: int) -> Sequence[np.ndarray]:
    return [log_probs[first : first + step] for first in range(0, len(log_probs), step)]


def results(search: BeamSearch, log_probs: np.ndarray, step: int, ask: bool = False) -> list:
    one = search.begin()
    for part in parts(log_probs, step):
        search.feed(one, part)
        if ask:
            search.hypotheses(one)
            one.common_prefix(), one.best_prefix(), one.best_score()
    return [(h.token_ids.tolist(), h.score, h.lm_score) for h in search.hypotheses(one)]


def test_a_search_of_parts_equals_that_of_the_whole_bit_for_bit(
    lm: NGram, letter_lm: NGram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefixes, "FIRST_ROOM", 4)  # so that room is made in the middle too
    log_probs = random_log_probs(40, 4, 0)
    for lexicon in (
        Lexicon(TOKENS, lm),
        Lexicon(TOKENS, lm, words=["A", "AB"]),
        Lexicon(TOKENS, letter_lm, lm_unit="token"),
        Lexicon(PHONES, lm),
    ):
        search = BeamSearch(lexicon, OPTIONS, hotwords=["A"] if lexicon.tokens is TOKENS else [])
        whole = [(h.token_ids.tolist(), h.score, h.lm_score) for h in search.decode_one(log_probs)]
        for step in STEPS:
            assert results(search, log_probs, step) == whole
            assert results(search, log_probs, step, ask=True) == whole


def follow(stream: StreamDecoder, log_probs: np.ndarray, step: int = 1) -> list[str]:
    """Feed frames; what was committed must stay. Gives the words committed before the end."""
    committed: tuple[str, ...] = ()
    for part in parts(log_probs, step):
        stream.feed(part)
        words = stream.partial()
        assert words.committed[: len(committed)] == committed
        committed = words.committed
    final = [word.text for word in stream.finish().words]
    assert final[: len(committed)] == list(committed)
    return [*committed]


@pytest.mark.parametrize("tokens", [TOKENS, PHONES])
@pytest.mark.parametrize("closed", [False, True])
def test_committed_words_of_a_beam_never_change(tmp_path, arpa, tokens: Tokens, closed) -> None:
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("BAAB\nBEE\nA\nAB\n" if tokens is TOKENS else "BEE B\nBAAB B A A B\n")
    options = DecodingOptions(
        search="beam", beam_size=4, lm=arpa, vocabulary=vocabulary if closed else None
    )
    decoder = Decoder(tokens, options)
    counts = [len(follow(decoder.open_stream(0.04), random_log_probs(40, 4, s))) for s in range(9)]
    assert any(counts)


def test_committed_words_of_the_best_path_never_change() -> None:
    decoder = Decoder(TOKENS, DecodingOptions())
    counts = [len(follow(decoder.open_stream(0.04), random_log_probs(40, 4, s))) for s in range(9)]
    assert max(counts) > 5


@pytest.mark.parametrize("search", ["greedy", "beam"])
def test_the_end_of_a_stream_equals_decoding_at_once(search: str) -> None:
    decoder = Decoder(TOKENS, DecodingOptions(search=search))
    log_probs = random_log_probs(40, 4, 3)
    for step in STEPS:
        stream = decoder.open_stream(0.04)
        follow(stream, log_probs, step)
        assert [stream.finish()] == decoder.decode(log_probs[None], np.array([40]), 0.04)


def test_the_first_phones_of_a_word_are_not_shown(lm: NGram) -> None:
    frames = np.full((4, 4), np.log(0.02), np.float32)
    frames[range(4), [2, 1, 0, 1]] = np.log(0.94)
    stream = Decoder(PHONES, DecodingOptions(search="beam")).open_stream(0.04)
    shown = []
    for part in [*parts(frames, 1), frames[:1]]:
        stream.feed(part)
        shown.append(stream.partial().tentative)
    assert shown == [("BEE",), (), (), (), ("BAAB",)]


def test_the_last_frame_of_a_letter_is_told() -> None:
    frames = np.full((6, 4), -3.0, np.float32)
    frames[range(6), [0, 1, 1, 0, 3, 0]] = -0.1
    stream = Decoder(TOKENS, DecodingOptions()).open_stream(0.04)
    assert stream.last_token_frame == 0
    stream.feed(frames[:2])
    stream.feed(frames[2:])
    assert (stream.last_token_frame, stream.frames) == (3, 6)


def test_an_unlikely_end_costs_more(arpa) -> None:
    decoder = Decoder(TOKENS, DecodingOptions(search="beam", lm=arpa, vocabulary=None))
    costs = {}
    for text in ("AB", "AB "):
        stream = decoder.open_stream(0.04)
        frames = np.full((len(text), 4), -5.0, np.float32)
        frames[range(len(text)), [ALPHABET.index(letter) for letter in text]] = -0.1
        stream.feed(frames)
        costs[text] = stream.relative_cost()
    assert all(cost >= 0 for cost in costs.values())
    assert Decoder(TOKENS, DecodingOptions()).open_stream(0.04).relative_cost() == 0


def test_words_are_complete_once_another_begins() -> None:
    assert count_complete(TOKENS, np.array([1, 2])) == 0
    assert count_complete(TOKENS, np.array([1, 2, 3])) == 1
    assert count_complete(Tokens(("", "▁A", "B"), "▁"), np.array([1, 2, 1])) == 1
    assert count_complete(Tokens(("", "你", "好"), None), np.array([1, 2])) == 2
