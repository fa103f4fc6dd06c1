"""The search is compiled once, at its first use; later uses and processes load it without numba."""

import subprocess
import sys

import numpy as np
import pytest
from brute_force import ALPHABET, random_log_probs

from asr.decoding import prefix_search, prefix_steps, prefixes
from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.prefixes import Prefixes, make_room
from asr.decoding.tokens import Tokens
from asr.decoding.word_posteriors import read_best
from asr.lm.ngram import NGram

USE = """
import sys
import numpy as np
from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.decoding.word_posteriors import read_best
search, frames = BeamSearch(Lexicon(Tokens(("", "A", " "))), DecodingOptions()), np.zeros((2, 3))
read_best(search, frames, search.decode_one(frames))
assert not {"numba", "scipy"} & set(sys.modules)
"""


def test_one_compilation_serves_every_use(lm: NGram, letter_lm: NGram) -> None:
    tokens = Tokens(ALPHABET)
    lexicons = [
        Lexicon(tokens),
        Lexicon(tokens, lm),
        Lexicon(tokens, lm, words=["A"]),
        Lexicon(tokens, letter_lm, lm_unit="token"),
        Lexicon(Tokens(("", "你", "好", "吗"), None)),
        Lexicon(Tokens(("", "▁A", "B", "▁"), "▁"), lm),
    ]
    log_probs = random_log_probs(9, 4, 0)
    for lexicon in lexicons:
        for options in (DecodingOptions(), DecodingOptions(beam_size=3, lm_weight=0)):
            beam = BeamSearch(lexicon, options)
            beam.decode_one(log_probs)
            beam.decode_one(log_probs.astype(np.float64))
            beam.decode([log_probs[::2], np.asfortranarray(log_probs)])
    BeamSearch(lexicons[1], DecodingOptions(), hotwords=["A", "AB BA"]).decode_one(log_probs)
    assert len(prefix_steps.search._entries) == 1


def test_a_later_process_compiles_nothing(lm: NGram) -> None:
    search, frames = BeamSearch(Lexicon(Tokens(ALPHABET), lm), DecodingOptions()), np.zeros((2, 4))
    read_best(search, frames, search.decode_one(frames))
    subprocess.run([sys.executable, "-c", USE], check=True)


def test_room_is_made_for_prefixes_without_a_change_of_results(
    lm: NGram, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = BeamSearch(Lexicon(Tokens(ALPHABET), lm), DecodingOptions(beam_size=50))
    log_probs = random_log_probs(30, 4, 0)
    found = search.decode_one(log_probs)
    rooms = []

    def make_little_room(before: Prefixes | None, more: int) -> Prefixes:
        rooms.append(more)
        return make_room(before, more)

    monkeypatch.setattr(prefixes, "FIRST_ROOM", 1)
    monkeypatch.setattr(prefix_search, "make_room", make_little_room)
    again = search.decode_one(log_probs)
    assert len(rooms) > 4
    assert [one.score for one in again] == [one.score for one in found]
    assert [one.token_ids.tolist() for one in again] == [one.token_ids.tolist() for one in found]
