"""Recurrent layers, one file a family, behind one signature.

    layer(input_size, hidden_size)
    forward(features (B, T, F), lengths (B,)) -> (B, T, layer.output_size)

Lengths count valid frames. What lies past a length changes no output within it.
"""

from asr.encoders.blstm import BLSTM
from asr.encoders.gru import GRU
from asr.encoders.layer import RecurrentLayer
from asr.encoders.rnn import RNN
from asr.encoders.stack import RecurrentStack
from asr.encoders.variants.convlstm import ConvLSTM
from asr.encoders.variants.greff import CIFG, FGR, LSTM1997, NFG, NIAF, NIG, NOAF, NOG, Peephole
from asr.encoders.variants.lnlstm import LNLSTM
from asr.encoders.variants.mlstm import MLSTM
from asr.encoders.variants.slstm import SLSTM
from asr.encoders.variants.xlstm import MLSTMBlock, SLSTMBlock

__all__ = ["BLSTM", "ENCODERS", "RecurrentLayer", "RecurrentStack"]

#: Short name in a recipe -> classes of its layers, taken in turn from the first layer on.
ENCODERS: dict[str, tuple[type[RecurrentLayer], ...]] = {
    "rnn": (RNN,),
    "lstm1997": (LSTM1997,),
    "blstm": (BLSTM,),
    "peephole": (Peephole,),
    "nig": (NIG,),
    "nfg": (NFG,),
    "nog": (NOG,),
    "niaf": (NIAF,),
    "noaf": (NOAF,),
    "cifg": (CIFG,),
    "fgr": (FGR,),
    "lnlstm": (LNLSTM,),
    "gru": (GRU,),
    "convlstm": (ConvLSTM,),
    "slstm": (SLSTM,),
    "mlstm": (MLSTM,),
    "xlstm": (MLSTMBlock, SLSTMBlock),
}
