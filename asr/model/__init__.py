"""The model: waveforms (B, N) and lengths in, CTC log-probabilities (B, U, V) and lengths out.

Public: `ctc_model.CTCModel`, made of `features` (log-mel), `subsampling`, an encoder of
`asr.encoders` and a linear head; `model_file`, which saves, loads and exports a model as one
.safetensors file by means of `tensor_file` and `quantize`.
"""
