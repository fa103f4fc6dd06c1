"""Words with their times and a confidence, from any path of tokens."""

from dataclasses import dataclass

import numpy as np

from asr.decoding.path import TokenPath
from asr.decoding.tokens import Tokens


@dataclass(frozen=True)
class Word:
    """A word as it was heard.

    Attributes:
        text: its spelling.
        start_s: seconds from the start of the audio to the first frame of its first token.
        end_s: seconds to the end of the last frame of its last token.
        confidence: 0 to 1, the estimated probability that it is right.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


def words_of(
    path: TokenPath, tokens: Tokens, frame_s: float, temperature: float = 1.0
) -> list[Word]:
    """Group a path's tokens into words.

    A word's confidence is the product of its tokens' posteriors, each at its peak, to the power
    of 1 / temperature. At temperature 1 that is the probability that all of them are right, were
    the network's posteriors honest and independent; the temperature is fitted to make up for both
    (`asr.decoding.calibration`).

    Args:
        path: tokens and frames, from greedy search or from the alignment of a beam's best.
        tokens: what the tokens spell.
        frame_s: seconds from one encoder frame to the next.
        temperature: above 0; more than 1 makes confidences higher.
    """
    return [
        Word(
            text=text,
            start_s=float(path.start_frames[positions[0]] * frame_s),
            end_s=float(path.end_frames[positions[-1]] * frame_s),
            confidence=float(np.exp(min(0.0, path.log_scores[positions].sum() / temperature))),
        )
        for text, positions in tokens.words(path.token_ids)
    ]
