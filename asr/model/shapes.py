"""What a model's settings alone tell: the shapes of its weights, and how many frames it makes.

Shapes: H hidden units of one direction, P outputs of its projection, V tokens.
"""

from asr.model.mel import LogMelSettings
from asr.model.settings import ModelSettings

#: Subsampling factor -> time strides of the two convolutions.
STRIDES: dict[int, tuple[int, ...]] = {2: (2, 1), 3: (3, 1), 4: (2, 2), 6: (3, 2)}
#: Subsampling factor -> time strides of the levels of a binary tree.
TREE_STRIDES: dict[int, tuple[int, ...]] = {2: (2,), 4: (2, 2), 8: (2, 2, 2)}
_STRIDES_BY_NAME = {"conv": STRIDES, "tree_lstm": TREE_STRIDES}
#: Encoders of PyTorch's own layers: the name of the layer's part, and its gates.
_LIBRARY = {"blstm": ("lstm", 4), "gru": ("gru", 3), "rnn": ("rnn", 1)}
#: Greff's variants whose gates read nothing but inputs, last outputs and the cell: their gates, and
#: how many of these have peepholes.
_GREFF = {
    "peephole": (4, 3),
    "nig": (3, 2),
    "nfg": (3, 2),
    "nog": (3, 2),
    "niaf": (4, 3),
    "noaf": (4, 3),
    "cifg": (3, 2),
    "lstm1997": (3, 0),
}
Shapes = dict[str, tuple[int, ...]]
#: The weight of the convolution over the right context.
LOOKAHEAD = "encoder.lookahead.weight"
#: Milliseconds that an encoder reads at a time in streams, and in training for them.
CHUNK_MS = 500.0


def weight_shapes(settings: ModelSettings, vocabulary_size: int) -> Shapes | None:
    """Tell the shape of each weight, or None for settings that torch must lay out or refuse.

    The names and shapes are those of `asr.model.ctc_model.CTCModel.state_dict`.
    """
    encoder, subsampling = settings.encoder, settings.subsampling
    hidden, projection = int(encoder["hidden_size"]), int(encoder["projection"])
    known = encoder["name"] in _LIBRARY | _GREFF and not encoder["zoneout"]
    convolved = subsampling["name"] == "conv" and subsampling["factor"] in STRIDES
    if (
        not known
        or not convolved
        or (projection and encoder["name"] != "blstm")
        or projection >= hidden
    ):
        return None
    width = (2 if encoder["bidirectional"] else 1) * (projection or hidden)
    shapes = _convolutions(settings, width)
    for number in range(int(encoder["layers"])):
        shapes |= _layer(f"encoder.layers.{number}", settings, width)
        shapes |= _affine(f"encoder.norms.{number}", width)
    context = right_context(settings)
    if context is not None and not encoder["bidirectional"]:
        shapes[LOOKAHEAD] = (width, 1, 1 + context)
    return shapes | _affine("encoder.last_norm", width) | _affine("head", vocabulary_size, width)


def output_frames(settings: ModelSettings, samples: int) -> int:
    """Count encoder frames for a waveform's length in samples; may be 0."""
    features = LogMelSettings(**settings.features)  # type: ignore[arg-type]
    frames = max((samples - features.fft_samples) // features.hop_samples + 1, 0)
    strides = _STRIDES_BY_NAME[str(settings.subsampling["name"])]
    for stride in strides[int(settings.subsampling["factor"])]:
        frames = -(-frames // stride)
    return frames


def frame_s(settings: ModelSettings) -> float:
    """Tell the seconds from one encoder frame to the next."""
    features = LogMelSettings(**settings.features)  # type: ignore[arg-type]
    return features.hop_samples / features.sample_rate * settings.subsampling["factor"]


def count_frames(settings: ModelSettings, milliseconds: float) -> int:
    """Count the encoder frames of a time, rounded."""
    return round(milliseconds / 1000 / frame_s(settings))


def right_context(settings: ModelSettings) -> int | None:
    """Count the encoder frames of ``encoder.right_context_ms``; None where that is null."""
    milliseconds = settings.encoder["right_context_ms"]
    return None if milliseconds is None else count_frames(settings, milliseconds)


def _affine(name: str, *weight: int) -> Shapes:
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}


def _convolutions(settings: ModelSettings, width: int) -> Shapes:
    channels, bins = int(settings.subsampling["channels"]), int(settings.features["mel_bins"])
    return (
        _affine("subsampling.convolutions.0", channels, 1, 3, 3)
        | _affine("subsampling.convolutions.1", channels, channels, 3, 3)
        | _affine("subsampling.projection", width, channels * -(-bins // 4))
    )


def _layer(name: str, settings: ModelSettings, width: int) -> Shapes:
    encoder = str(settings.encoder["name"])
    if encoder in _GREFF:
        return _greff_layer(name, settings, width, *_GREFF[encoder])
    part, gates = _LIBRARY[encoder]
    hidden, projection = int(settings.encoder["hidden_size"]), int(settings.encoder["projection"])
    rows = gates * hidden
    shapes: Shapes = {}
    for direction in ("", "_reverse") if settings.encoder["bidirectional"] else ("",):
        end = f"l0{direction}"
        shapes |= {
            f"{name}.{part}.weight_ih_{end}": (rows, width),
            f"{name}.{part}.weight_hh_{end}": (rows, projection or hidden),
            f"{name}.{part}.bias_ih_{end}": (rows,),
            f"{name}.{part}.bias_hh_{end}": (rows,),
        }
        if projection:
            shapes[f"{name}.{part}.weight_hr_{end}"] = (projection, hidden)
    return shapes


def _greff_layer(
    name: str, settings: ModelSettings, width: int, gates: int, peepholes: int
) -> Shapes:
    hidden = int(settings.encoder["hidden_size"])
    units = (2 if settings.encoder["bidirectional"] else 1) * hidden
    shapes: Shapes = {
        f"{name}.weight": (gates * units, width),
        f"{name}.recurrent": (gates * units, hidden),
        f"{name}.bias": (gates * units,),
    }
    return shapes | ({f"{name}.peepholes": (peepholes * units,)} if peepholes else {})
