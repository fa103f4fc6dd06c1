"""Text as ids of words, in memory; importing it imports no compiler."""

from typing import NamedTuple

import numpy as np

UNKNOWN_ID, BEGIN_ID, END_ID = 0, 1, 2


class TokenizedText(NamedTuple):
    """A text as word ids: 0, 1 and 2 are <unk>, <s> and </s>, the others in order of occurrence."""

    vocabulary: bytes  # words in order of id, one a line
    tokens: np.ndarray  # (N,) int32, each sentence ended by 2
    name: str  # of the text, for messages
