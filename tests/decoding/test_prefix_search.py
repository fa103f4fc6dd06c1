"""The search is compiled once, at its first use; every later use and process loads it."""

import subprocess
import sys

import numpy as np
from brute_force import ALPHABET, random_log_probs

from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.prefix_search import search
from asr.decoding.tokens import Tokens
from asr.lm.ngram import NGram

USE = """
import numpy as np
from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.prefix_search import search
from asr.decoding.tokens import Tokens
BeamSearch(Lexicon(Tokens(("", "A", " "))), DecodingOptions()).decode_one(np.zeros((2, 3)))
assert sum(search.stats.cache_hits.values()) == 1, search.stats
assert not search.stats.cache_misses, search.stats
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
    assert len(search.signatures) == 1


def test_a_later_process_compiles_nothing(lm: NGram) -> None:
    BeamSearch(Lexicon(Tokens(ALPHABET), lm), DecodingOptions()).decode_one(np.zeros((2, 4)))
    subprocess.run([sys.executable, "-c", USE], check=True)
