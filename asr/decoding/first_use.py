"""The compiled functions, called on a toy, so that they are ready when needed."""

import numpy as np

from asr.decoding.align import align
from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.prefix_scorer import no_lm
from asr.decoding.tokens import Tokens
from asr.decoding.word_posteriors import read_best
from asr.lm.ngram import score_words

_LOG_PROBS = np.log(np.array([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]], np.float32))


def search_toy(hotwords: tuple[str, ...] = ()) -> None:
    """Search two frames, and read the best result, by functions compiled for any search."""
    tokens = Tokens(("", "a", " "), pronunciations={"a": ["a"]})
    options = DecodingOptions(search="beam", beam_size=2)
    beam = BeamSearch(Lexicon(tokens), options, hotwords)
    read_best(beam, _LOG_PROBS, beam.decode_one(_LOG_PROBS))


def call_all() -> None:
    """Call every native function of the package, with arguments of the types of any use."""
    search_toy(hotwords=("a",))
    align(_LOG_PROBS, np.array([1]))
    score_words(no_lm(), 0, np.zeros(0, np.int32))
