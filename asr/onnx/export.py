"""A model as an ``.onnx`` file that needs no part of this toolkit, and what a program must know.

Public: `export_onnx`, and `FORMATS`: ``onnx`` for any program, and ``sherpa-onnx`` for the
omnilingual slot of that package, which runs on phones and in browsers too.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asr import __version__
from asr.model.mel import LogMelSettings
from asr.model.model_file import StoredModel
from asr.model.quantize import quantize, restore
from asr.onnx.network import exports, has_8_bit_form
from asr.onnx.waveform_network import (
    SHERPA_FRAME_SAMPLES,
    SHERPA_RATE,
    build_sherpa_network,
    build_waveform_network,
)
from asr.util.errors import UserError
from asr.util.files import write_bytes, write_text

_BLANK, _SPACE = "<blk>", "▁"  # as tokens.txt spells them
_BUILDERS = {"onnx": build_waveform_network, "sherpa-onnx": build_sherpa_network}
FORMATS = tuple(_BUILDERS)


def export_onnx(model: StoredModel, folder: Path, format_: str, bits: int) -> Path:
    """Write a model to a folder: ``model.onnx``, ``tokens.txt``, ``settings.json``, ``README.md``.

    Args:
        model: to export.
        folder: made where it is missing; files of these names are replaced.
        format_: one of `FORMATS`.
        bits: 8 computes large products in 8 bits, which onnxruntime alone can; 32 keeps float32.

    Returns:
        The path of ``model.onnx``.

    Raises:
        UserError: a network, a number of bits or tokens that the format cannot have, or a folder
            that cannot be written to.
    """
    _check_network(model, bits)
    if format_ == "sherpa-onnx":
        _check_sherpa(model)
    weights: dict[str, Any] = dict(model.stored)
    if bits == 32 or not model.has_8_bits:
        weights = quantize(restore(model.stored), bits)
    network = _BUILDERS[format_](model.settings, weights, in_8_bits=bits == 8)
    settings = {
        "asr": __version__,
        "tokens": model.tokenizer.tokens,
        "boundary": model.tokenizer.boundary,
        "normalizer": model.tokenizer.normalizer,
        "frame_s": _frame_samples(model) / _log_mel(model).sample_rate,
        **asdict(model.settings),
        "about": model.about,
    }
    write_text(folder / "tokens.txt", _tokens(model))
    write_text(folder / "settings.json", json.dumps(settings, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "README.md", _card(model, format_, bits))
    write_bytes(folder / "model.onnx", network)
    return folder / "model.onnx"


def _check_network(model: StoredModel, bits: int) -> None:
    if not exports(model.settings):
        raise UserError(
            f"{model.file}: ONNX has no {model.settings.encoder['name']} layers with these "
            "settings; it has blstm, gru, rnn and most of Greff's variants, without projection "
            "and zoneout"
        )
    if bits == 8 and not has_8_bit_form(model.settings):
        raise UserError(
            f"{model.file}: onnxruntime computes {model.settings.encoder['name']} layers with "
            "32 bits alone, not 8"
        )


def _check_sherpa(model: StoredModel) -> None:
    """Refuse what the slot of sherpa-onnx cannot have."""
    if model.tokenizer.pronunciations is not None:
        raise UserError(
            f"{model.file}: its tokens are phones, and sherpa-onnx would write them as they are; "
            "export a model of characters or subwords"
        )
    rate = _log_mel(model).sample_rate
    if rate != SHERPA_RATE:
        raise UserError(
            f"{model.file}: sherpa-onnx gives {SHERPA_RATE} Hz, and this model takes {rate} Hz"
        )
    if _frame_samples(model) < SHERPA_FRAME_SAMPLES:
        raise UserError(
            f"{model.file}: sherpa-onnx has a frame each 20 ms, and this model one each "
            f"{1000 * _frame_samples(model) / rate:g} ms; give one of 20 ms or more"
        )


def _log_mel(model: StoredModel) -> LogMelSettings:
    return LogMelSettings(**model.settings.features)  # type: ignore[arg-type]


def _frame_samples(model: StoredModel) -> int:
    return _log_mel(model).hop_samples * model.settings.subsampling["factor"]


def _tokens(model: StoredModel) -> str:
    """List the tokens, one a line with its number, as sherpa-onnx and icefall do.

    Raises:
        UserError: a token with a space inside.
    """
    boundary, lines = model.tokenizer.boundary, []
    for number, token in enumerate(model.tokenizer.tokens):
        shown = _BLANK if number == 0 else token
        if number and boundary is not None and token.startswith(boundary):
            shown = _SPACE + token.removeprefix(boundary)
        if len(shown.split()) != 1:
            raise UserError(f"{model.file}: tokens.txt cannot hold the token {token!r}")
        lines.append(f"{shown} {number}\n")
    return "".join(lines)


def _card(model: StoredModel, format_: str, bits: int) -> str:
    """Describe the folder's files and the network's inputs and outputs."""
    rate = _log_mel(model).sample_rate
    frame_ms = f"{1000 * _frame_samples(model) / rate:g}"
    what = f"{model.settings.encoder['name']} with CTC, {len(model.tokenizer)} tokens, {bits} bits"
    return f"# {model.file.stem}\n\n{_CARDS[format_]}".format(
        what=what, rate=rate, frame_ms=frame_ms, vocabulary=len(model.tokenizer)
    )


_CARDS = {
    "onnx": """\
A speech recognition network ({what}), exported by `asr export` in the format onnx.

| name | type | shape | meaning |
| --- | --- | --- | --- |
| waveforms | float32 | (B, N) | input: samples in -1..1 at {rate} Hz, padded with zeros |
| lengths | int64 | (B,) | input: samples of each waveform |
| log_probs | float32 | (B, U, {vocabulary}) | output: log-probabilities each {frame_ms} ms |
| log_prob_lengths | int64 | (B,) | output: valid frames of each |

`tokens.txt` lists the tokens: `<blk>` is the CTC blank, and `▁` stands for a space. `settings.json`
has the exact tokens and all settings of the model. The greedy text of a recording:

```python
import numpy, onnxruntime, soundfile

tokens = [line.split()[0] for line in open("tokens.txt", encoding="utf-8")]
session = onnxruntime.InferenceSession("model.onnx")
samples, rate = soundfile.read("a.wav", dtype="float32")  # mono, {rate} Hz
inputs = {{"waveforms": samples[None], "lengths": numpy.array([len(samples)])}}
log_probs, frames = session.run(None, inputs)
best = log_probs[0, : frames[0]].argmax(-1)
changed = best[numpy.diff(best, prepend=0) != 0]
print(*"".join(tokens[i] for i in changed if i).replace("▁", " ").split())
```
""",
    "sherpa-onnx": """\
A speech recognition network ({what}), exported by `asr export` in the format
sherpa-onnx for the omnilingual slot of sherpa-onnx, which runs on servers, phones and in browsers:

```python
import sherpa_onnx, soundfile

recognizer = sherpa_onnx.OfflineRecognizer.from_omnilingual_asr_ctc("model.onnx", "tokens.txt")
stream = recognizer.create_stream()
samples, rate = soundfile.read("a.wav", dtype="float32")  # mono
stream.accept_waveform(rate, samples)
recognizer.decode_stream(stream)
print(*stream.result.text.split())  # two spaces in a row become one
```

The text is the best path's, without a language model. Frames of {frame_ms} ms are repeated to the
20 ms that this slot has.
""",
}
