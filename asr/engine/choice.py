"""Which engine runs a model."""

import warnings

from asr.engine.engine import Engine
from asr.model.model_file import StoredModel, build_model
from asr.onnx import exports
from asr.util.errors import UserError

#: auto: with 8 bits where the model file has them; float32: whatever the file has.
PRECISIONS = ("auto", "float32")


def open_engine(stored: StoredModel, device: str = "cpu", precision: str = "auto") -> Engine:
    """Make a model ready to compute.

    onnxruntime runs the encoders that export on the CPU, and torch runs all others.

    Args:
        stored: the model.
        device: one of `asr.model.device.DEVICES`.
        precision: one of `PRECISIONS`; torch computes with float32.

    Raises:
        UserError: an unknown precision; as `asr.model.device.choose_device`.
    """
    if precision not in PRECISIONS:
        raise UserError(f"precision: expected one of {', '.join(PRECISIONS)}, found {precision!r}")
    if device == "cpu" and exports(stored.settings):
        return _onnx_engine(stored, precision)
    from asr.engine.torch_engine import TorchEngine
    from asr.model.device import choose_device

    chosen = choose_device(device)
    if chosen.type == "cpu" and exports(stored.settings):
        return _onnx_engine(stored, precision)
    if chosen.type == "cpu":
        warnings.warn(
            f"{stored.settings.encoder['name']} encoders with these settings need torch, which "
            "takes seconds to start, and is slower",
            stacklevel=2,
        )
    return TorchEngine(build_model(stored).to(chosen))


def _onnx_engine(stored: StoredModel, precision: str) -> Engine:
    from asr.engine.onnx_engine import OnnxEngine

    return OnnxEngine(stored, float32=precision == "float32")
