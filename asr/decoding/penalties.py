"""From posteriors towards likelihoods: what a search takes off a network's outputs.

CTC's posteriors hold how often each token was in the training texts, and a blank in most frames.
A language model knows better how likely a token is, so the first is divided out, as hybrid systems
divide posteriors by priors (Bourlard & Morgan 1994; for CTC, Miao 2015). Blanks, which fill every
gap the network is unsure of, are made dearer by a constant.

V tokens.
"""

import numpy as np
from numpy.typing import NDArray

from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.text.tokenizer import BLANK_ID
from asr.util.errors import UserError


def token_penalties(tokens: Tokens, options: DecodingOptions) -> NDArray[np.float32]:
    """Give what is subtracted from each frame's log posteriors, (V,), in nats.

    Raises:
        UserError: a prior is to be divided out that the model does not hold.
    """
    penalties = np.zeros(len(tokens.tokens))
    if options.prior_weight > 0:
        if tokens.counts is None:
            raise UserError(
                "decoding.prior_weight: this model does not hold how often its tokens were trained "
                "on; set it to 0, or train the model again"
            )
        log_counts = np.log(np.maximum(tokens.counts, 1))
        # The average stays, so that a greater weight makes no token dearer as against the blank.
        average = np.delete(log_counts, BLANK_ID).mean()
        penalties = options.prior_weight * (log_counts - average)
    penalties[BLANK_ID] = options.blank_penalty
    return penalties.astype(np.float32)
