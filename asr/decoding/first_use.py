"""The compiled functions of a beam search, called on a toy, so that they are ready when needed."""

import numpy as np

from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.decoding.word_posteriors import read_best


def search_toy() -> None:
    """Search two frames, and read the best result, by functions compiled for any search."""
    tokens = Tokens(("", "a", " "), pronunciations={"a": ["a"]})
    beam = BeamSearch(Lexicon(tokens), DecodingOptions(search="beam", beam_size=2))
    log_probs = np.log(np.array([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]], np.float32))
    read_best(beam, log_probs, beam.decode_one(log_probs))
