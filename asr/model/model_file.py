"""A trained model as one `.safetensors` file: weights, and one metadata key of JSON.

Nothing in it is unpickled and nothing it names is imported: settings are numbers and short
names that are looked up in literal dictionaries.
"""

import base64
from collections.abc import Sequence
from dataclasses import asdict, fields
from math import inf
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from asr import config
from asr.decoding.tokens import Tokens
from asr.model.ctc_model import CTCModel, ModelSettings
from asr.model.quantize import quantize, restore
from asr.model.tensor_file import read_tensors, write_tensors
from asr.text.bpe import BPETokenizer
from asr.text.lexicon import check_lexicon
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import CharTokenizer, Tokenizer
from asr.util.errors import UserError
from asr.util.paths import find_model

_SUBWORDS = "sentencepiece"
_LEXICON = "lexicon"
_COUNTS = "counts"
_MOST = 2**53  # of one token in the training texts
# Older names of keys and settings, and tensors of older files that are not used.
_PRESENT_KEYS = {"normaliser": "normalizer"}
_PRESENT_SETTINGS = {
    "dynamic_range_db": "top_db",
    "normalisation": "normalization",
    "variational": "variational_dropout",
}
_UNUSED = ("log_mel.mean", "log_mel.std")
_GROUPS = {
    "features": config.FeaturesConfig,
    "subsampling": config.SubsamplingConfig,
    "encoder": config.EncoderConfig,
}


def save_model(
    path: Path,
    weights: dict[str, Tensor],
    settings: ModelSettings,
    tokenizer: Tokenizer,
    about: dict[str, Any],
) -> None:
    """Write a model file atomically.

    Args:
        path: ends in .safetensors.
        weights: `CTCModel.state_dict()`.
        settings: what the model is built from.
        tokenizer: its tokens and normalizer are stored, how often each token was trained on, and
            the sentencepiece model of subwords or the lexicon of phones.
        about: JSON-able facts about the training, such as the recipe and the dev WER.
    """
    metadata = {
        **asdict(settings),
        "tokens": tokenizer.tokens,
        "normalizer": tokenizer.normalizer,
        "about": about,
    }
    if tokenizer.counts is not None:
        metadata[_COUNTS] = tokenizer.counts
    if isinstance(tokenizer, BPETokenizer):
        metadata[_SUBWORDS] = base64.b64encode(tokenizer.model).decode()
    if isinstance(tokenizer, PhoneTokenizer):
        metadata[_LEXICON] = tokenizer.pronunciations
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    write_tensors(path, tensors, metadata)


def load_model(path: str | Path) -> tuple[CTCModel, Tokenizer]:
    """Read a model for inference.

    Args:
        path: as for `asr.util.paths.find_model`.

    Raises:
        UserError: no such file, another kind of file or a damaged one, unknown settings or values
            out of range, or weights that do not fit the settings or are not finite.
    """
    file = find_model(path)
    stored, metadata = read_tensors(file)
    metadata = _with_present_names(metadata)
    try:
        return _build(metadata, stored)
    except (UserError, TypeError, ValueError, ArithmeticError, RuntimeError, LookupError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{file}: its settings or weights are not a model: {reason}") from error


def export_model(
    paths: Sequence[str | Path], output: Path, bits: int, mean_weights: Sequence[float] = ()
) -> None:
    """Write a model, or the mean of several, atomically, with weights of fewer bits.

    The mean of models that were trained from equal weights is often better than each (Wortsman
    2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time"). All but the weights is taken from the first model.

    Args:
        paths: models, as `load_model` takes them.
        output: ends in .safetensors.
        bits: 8, 16 or 32, see `asr.model.quantize`.
        mean_weights: weight of each model in the mean, by default equal; divided by their sum.

    Raises:
        UserError: as `load_model`; other settings or tokens than the first model's; mean weights
            that are not positive or not one per model; a weight beyond half precision.
    """
    mean_weights = _mean_weights(mean_weights, len(paths))
    mean: dict[str, Tensor] = {}
    loaded = [load_model(path) for path in paths]  # which refuses a damaged one
    kind = _kind(*loaded[0])
    for path, (model, tokenizer), weight in zip(paths, loaded, mean_weights, strict=True):
        if _kind(model, tokenizer) != kind:
            raise UserError(
                f"{path}: another network than {paths[0]}, or other tokens or features; "
                "give models that were trained from the same one"
            )
        for name, tensor in model.state_dict().items():
            mean[name] = weight * tensor + mean.get(name, 0.0)
    stored = quantize(mean, bits)
    if large := _not_finite(stored):
        raise UserError(f"{paths[0]}: {large} has a weight too large for {bits} bits; give 8 or 32")
    _, metadata = read_tensors(find_model(paths[0]))
    write_tensors(output, stored, _with_present_names(metadata))


def _with_present_names(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a model file with the present names of all keys."""
    renamed: dict[str, Any] = {}
    for key, value in metadata.items():
        if isinstance(value, dict) and key in _GROUPS:
            value = {_PRESENT_SETTINGS.get(name, name): setting for name, setting in value.items()}
        renamed[_PRESENT_KEYS.get(key, key)] = value
    return renamed


def _kind(model: CTCModel, tokenizer: Tokenizer) -> tuple[object, ...]:
    """Return what models of a mean must share; they may differ in dropout."""
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    settings = model.settings
    encoder = [settings.encoder[name] for name in ("name", "bidirectional", "zoneout")]
    return tokenizer.tokens, settings.features, settings.subsampling, encoder, shapes


def _mean_weights(mean_weights: Sequence[float], models: int) -> list[float]:
    """Scale the weights of a mean to a sum of 1; make equal ones where none are given."""
    if mean_weights and (
        len(mean_weights) != models or not all(0 < weight < inf for weight in mean_weights)
    ):
        given = " ".join(f"{weight:g}" for weight in mean_weights)
        raise UserError(
            f"mean weights are {given}, for {models} models; give one per model, each more than 0"
        )
    mean_weights = mean_weights or [1.0] * models
    return [weight / sum(mean_weights) for weight in mean_weights]


def _build(metadata: dict[str, Any], stored: dict[str, Tensor]) -> tuple[CTCModel, Tokenizer]:
    groups = {name: _checked(name, metadata.get(name), kind) for name, kind in _GROUPS.items()}
    tokenizer = _tokenizer(metadata)
    tokenizer.counts = _counts(metadata.get(_COUNTS), len(tokenizer))
    with torch.device("meta"):  # no memory is taken before the weights are checked
        model = CTCModel(ModelSettings(**groups), len(tokenizer))
    weights = restore({name: stored[name] for name in stored if name not in _UNUSED})
    _check_shapes(weights, model)
    model.load_state_dict(weights, assign=True)
    if name := _not_finite(weights):  # such a model writes no text for any recording
        raise UserError(f"{name} has values that are not finite")
    Tokens.of(tokenizer)  # refuses here, where the file is named, what no decoder can write with
    return model.eval(), tokenizer


def _check_shapes(weights: dict[str, Tensor], model: CTCModel) -> None:
    """Refuse weights whose names or shapes do not fit a model's settings."""
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(expected.keys() | found.keys()):
        here, by_settings = _shown(found.get(name)), _shown(expected.get(name))
        if here != by_settings:
            raise UserError(
                f"{name!r:.80} is {here} in the file, and {by_settings} by its settings"
            )


def _shown(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else f"of shape {shape}"


def _not_finite(weights: dict[str, Tensor]) -> str | None:
    """Name the first tensor that holds a NaN or an infinity."""
    return next((name for name, tensor in weights.items() if not tensor.isfinite().all()), None)


def _tokenizer(metadata: dict[str, Any]) -> Tokenizer:
    tokens, normalizer = metadata["tokens"], metadata["normalizer"]
    if _LEXICON in metadata:
        return PhoneTokenizer(tokens, normalizer, check_lexicon(metadata[_LEXICON]))
    if _SUBWORDS in metadata:
        model = base64.b64decode(metadata[_SUBWORDS], validate=True)
        return BPETokenizer(tokens, normalizer, model)
    return CharTokenizer(tokens, normalizer)


def _counts(values: object, tokens: int) -> list[int] | None:
    """Check the counts of tokens in the training texts, which older models do not have."""
    if values is None:
        return None
    if (
        isinstance(values, list)
        and len(values) == tokens
        and all(type(value) is int and 0 <= value <= _MOST for value in values)
    ):
        return values
    raise UserError(
        f"{_COUNTS} should be {tokens} whole numbers from 0 to {_MOST}, one a token, "
        f"found {values!r}"
    )


def _checked(name: str, values: object, kind: type) -> dict[str, Any]:
    """Complete a group of settings, and refuse keys, types or numbers outside its schema."""
    if isinstance(values, dict):
        values = config.values_before(kind) | values
    expected = {field.name: field.type for field in fields(kind)}
    if not isinstance(values, dict) or set(values) != set(expected):
        found = sorted(values) if isinstance(values, dict) else values
        raise UserError(f"{name} should have the keys {', '.join(expected)}, found {found}")
    for key, type_ in expected.items():
        allowed = {*(get_args(type_) or (type_,))}  # the parts of a union
        if float in allowed:
            allowed.add(int)
        if type(values[key]) not in allowed:  # isinstance would take True for a number
            raise UserError(f"{name}.{key} should be {type_}, found {values[key]!r}")
    config.check_ranges(values, kind, f"{name}.")
    return values
