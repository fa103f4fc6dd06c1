"""Searching a toy compiles all that any search calls."""

import pytest
from brute_force import ALPHABET, random_log_probs

from asr.decoding.beam import BeamSearch
from asr.decoding.first_use import search_toy
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.decoding.word_posteriors import read_best
from asr.lm.ngram import NGram
from asr.util import native


@pytest.mark.parametrize("pronunciations", [None, {"A": ["A"], "AB": ["A B"]}])
@pytest.mark.parametrize("hotwords", [(), ("A",)])
def test_a_search_needs_nothing_more(
    lm: NGram,
    pronunciations: dict[str, list[str]] | None,
    hotwords: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search_toy()

    def refuse(function: object, _kinds: tuple) -> None:
        pytest.fail(f"{function} was not called by the toy with such arguments")

    tokens = Tokens(ALPHABET, " ", pronunciations)
    search = BeamSearch(Lexicon(tokens, lm), DecodingOptions(search="beam"), hotwords)
    monkeypatch.setattr(native, "_load", refuse)
    log_probs = random_log_probs(9, len(ALPHABET), seed=0)
    read_best(search, log_probs, search.decode_one(log_probs))
