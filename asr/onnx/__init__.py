"""The acoustic model's network as an ONNX graph, and onnxruntime running it; without torch.

In: settings and weights of a model, as its file stores them. Out: log-probabilities of tokens from
log-mel features. Public: `OnnxEncoder`, which runs a network, `build_network`, which writes the
bytes of an ``.onnx`` file, `exports`, which tells what ONNX operators can express,
`chunk_encoder.OnnxChunkEncoder`, which encodes streams, and `export.export_onnx`, which writes
networks that read waveforms, for other programs.
"""

from asr.onnx.encoder import OnnxEncoder
from asr.onnx.network import build_network, exports

__all__ = ["OnnxEncoder", "build_network", "exports"]
