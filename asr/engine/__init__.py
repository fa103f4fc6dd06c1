"""Engines: waveforms to log-probabilities of tokens, by onnxruntime or by torch.

In: a model as `asr.model.model_file.read_model` reads it. Out: arrays of NumPy. Public:
`choice.open_engine`, which takes onnxruntime wherever the encoder exports and the CPU computes;
`engine.Engine`, what every engine has; `onnx_engine.OnnxEngine` and `torch_engine.TorchEngine`.
"""
