"""Recurrent layers, one file a family, behind one signature.

    layer(input_size, hidden_size)
    forward(features (B, T, F), lengths (B,)) -> (B, T, layer.directions * hidden_size)

Lengths count valid frames. What lies past a length changes no output within it.
"""

from asr.encoders.blstm import BLSTM
from asr.encoders.layer import RecurrentLayer
from asr.encoders.stack import RecurrentStack

__all__ = ["BLSTM", "ENCODERS", "RecurrentLayer", "RecurrentStack"]

#: Short name in a recipe -> layer class.
ENCODERS: dict[str, type[RecurrentLayer]] = {
    "blstm": BLSTM,
}
