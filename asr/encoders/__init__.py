"""Recurrent encoders: subsampled features in, encoder frames out, padding without effect.

In: features (B, T, H) and lengths (B,), integers that count valid frames. Out: encoded features
(B, T, H) and their lengths; what lies past a length changes no output within it. Public:
`ENCODERS`, the families by name, and `RecurrentStack`, which puts normalization, residuals and
dropout around the layers of one. `blstm` is the product's encoder; `variants` holds all others.
"""

from asr.encoders.blstm import BLSTM
from asr.encoders.layer import RecurrentLayer
from asr.encoders.stack import RecurrentStack
from asr.encoders.variants import VARIANTS

__all__ = ["BLSTM", "ENCODERS", "RecurrentLayer", "RecurrentStack"]

#: Short name in a recipe -> classes of the stack's layers, taken in turn from the first layer on.
ENCODERS: dict[str, tuple[type[RecurrentLayer], ...]] = {"blstm": (BLSTM,), **VARIANTS}
