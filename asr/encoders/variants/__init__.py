"""Families that no product recipe uses, one file each; see recipes/encoder_comparison.

In and out: as for every `asr.encoders.layer.RecurrentLayer`. Public: `VARIANTS`, through
`asr.encoders.ENCODERS`. `gru` and `rnn` run on PyTorch's kernels. The other LSTMs are cells of
`recurrence`, which back-propagates through any step; `cell_layer` puts directions, weights and
heads around a cell. `s4d` is a recurrence that is linear, and a convolution therefore.
`transformer` and `conformer` have no recurrence: the parts of a block are layers, each with the
stack's normalization and residual, and a block is two or four layers. A new family is one file,
imported here, and one line of the table.
"""

from asr.encoders.layer import RecurrentLayer
from asr.encoders.variants.attention import SelfAttention
from asr.encoders.variants.conformer import ConvolutionModule
from asr.encoders.variants.convlstm import ConvLSTM
from asr.encoders.variants.feed_forward import FeedForward, MacaronFeedForward
from asr.encoders.variants.greff import CIFG, FGR, LSTM1997, NFG, NIAF, NIG, NOAF, NOG, Peephole
from asr.encoders.variants.gru import GRU
from asr.encoders.variants.lnlstm import LNLSTM
from asr.encoders.variants.mlstm import MLSTM
from asr.encoders.variants.rnn import RNN
from asr.encoders.variants.s4d import S4D
from asr.encoders.variants.slstm import SLSTM
from asr.encoders.variants.xlstm import MLSTMBlock, SLSTMBlock

#: Short name in a recipe -> classes of the stack's layers, taken in turn from the first layer on.
VARIANTS: dict[str, tuple[type[RecurrentLayer], ...]] = {
    "rnn": (RNN,),
    "lstm1997": (LSTM1997,),
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
    "s4d": (S4D,),
    # The stack's last norm is that of the last block's end; blocks before it end without one.
    "conformer": (MacaronFeedForward, SelfAttention, ConvolutionModule, MacaronFeedForward),
    "transformer": (SelfAttention, FeedForward),
}
