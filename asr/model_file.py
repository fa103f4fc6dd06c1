"""A trained model as one `.safetensors` file: weights, and one metadata key of JSON.

Nothing in it is unpickled and nothing it names is imported: settings are numbers and short
names that are looked up in literal dictionaries.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from math import inf
from pathlib import Path
from typing import Any, get_args

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor

from asr import config
from asr.errors import UserError
from asr.files import replacing
from asr.model import CTCModel, ModelSettings
from asr.paths import find_model
from asr.phones import PhoneTokenizer, check_lexicon
from asr.quantise import quantise, restore
from asr.subwords import BPETokenizer
from asr.text import CharTokenizer, Tokenizer

FORMAT = 1
_KEY = "asr"
_SUBWORDS = "sentencepiece"
_LEXICON = "lexicon"
_COUNTS = "counts"
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
        tokenizer: its tokens and normaliser are stored, how often each token was trained on, and
            the sentencepiece model of BPE pieces or the lexicon of phones.
        about: JSON-able facts for people, such as the recipe and the dev WER.
    """
    metadata = {
        "format": FORMAT,
        **asdict(settings),
        "tokens": tokenizer.tokens,
        "normaliser": tokenizer.normaliser,
        "about": about,
    }
    if tokenizer.counts is not None:
        metadata[_COUNTS] = tokenizer.counts
    if isinstance(tokenizer, BPETokenizer):
        metadata[_SUBWORDS] = base64.b64encode(tokenizer.model).decode()
    if isinstance(tokenizer, PhoneTokenizer):
        metadata[_LEXICON] = tokenizer.pronunciations
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    _write(path, tensors, metadata)


def load_model(path: str | Path) -> tuple[CTCModel, Tokenizer]:
    """Read a model for inference.

    Args:
        path: as for `asr.paths.find_model`.

    Raises:
        UserError: no such file, not a model file of this toolkit, settings it does not know, or
            weights that are not finite.
    """
    file = find_model(path)
    metadata, weights = _open(file)
    if metadata.get("format") != FORMAT:
        raise UserError(
            f"{file}: model format {metadata.get('format')!r}, expected {FORMAT}; "
            "use the version of this toolkit that wrote it"
        )
    try:
        return _build(metadata, restore(weights))
    except (UserError, TypeError, ValueError, ArithmeticError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{file}: its settings or weights are not a model: {reason}") from error


def export_model(
    paths: Sequence[str | Path], output: Path, bits: int, shares: Sequence[float] = ()
) -> None:
    """Write a model again, or the mean of several, atomically, with weights of fewer bits.

    The mean of models that began from the same weights is often better than each (Wortsman 2022,
    "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time"). What is not a weight is the first one's.

    Args:
        paths: models, as `load_model` takes them.
        output: ends in .safetensors.
        bits: 8, 16 or 32, see `asr.quantise`.
        shares: how much of each, all equal where none are given; divided by their sum.

    Raises:
        UserError: as `load_model`; models of other settings or tokens than the first; shares that
            are not one a model and positive; a weight is beyond half precision.
    """
    shares = _shares(shares, len(paths))
    mean: dict[str, Tensor] = {}
    loaded = [load_model(path) for path in paths]  # what cannot be used is not passed on
    kind = _kind(*loaded[0])
    for path, (model, tokenizer), share in zip(paths, loaded, shares, strict=True):
        if _kind(model, tokenizer) != kind:
            raise UserError(
                f"{path}: another network than {paths[0]}, or other tokens or features; "
                "give models that were trained from the same one"
            )
        for name, tensor in model.state_dict().items():
            mean[name] = share * tensor + mean.get(name, 0.0)
    stored = quantise(mean, bits)
    if large := _not_finite(stored):
        raise UserError(f"{paths[0]}: {large} has a weight too large for {bits} bits; give 8 or 32")
    metadata, _ = _open(find_model(paths[0]))
    _write(output, stored, metadata)


def _kind(model: CTCModel, tokenizer: Tokenizer) -> tuple[object, ...]:
    """What models share that compute the same with the same weights; dropout may differ."""
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    settings = model.settings
    encoder = [settings.encoder[name] for name in ("name", "bidirectional", "zoneout")]
    return tokenizer.tokens, settings.features, settings.subsampling, encoder, shapes


def _shares(shares: Sequence[float], models: int) -> list[float]:
    """Bring shares to a sum of 1; equal ones where none are given."""
    if shares and (len(shares) != models or not all(0 < share < inf for share in shares)):
        given = " ".join(f"{share:g}" for share in shares)
        raise UserError(
            f"shares are {given}, for {models} models; give one a model, each more than 0"
        )
    shares = shares or [1.0] * models
    return [share / sum(shares) for share in shares]


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    text = json.dumps(metadata, ensure_ascii=False)
    with replacing(path) as file:
        file.write(serialise(tensors, {_KEY: text}))


def _open(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a model file's one metadata key, a JSON object, and its tensors."""
    try:
        with safe_open(file, framework="pt") as opened:
            metadata = json.loads((opened.metadata() or {}).get(_KEY, "null"))
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise UserError(f"{file}: not a readable .safetensors model ({error})") from error
    if not isinstance(metadata, dict):
        raise UserError(f"{file}: a .safetensors file, but not a model written by this toolkit")
    return metadata, weights


def _build(metadata: dict[str, Any], weights: dict[str, Tensor]) -> tuple[CTCModel, Tokenizer]:
    given = {
        name: config.LATER.get(name, {}) | values if isinstance(values, dict) else values
        for name, values in metadata.items()
    }
    groups = {name: _checked(name, given.get(name), kind) for name, kind in _GROUPS.items()}
    tokenizer = _tokenizer(metadata)
    tokenizer.counts = _counts(metadata.get(_COUNTS), len(tokenizer))
    model = CTCModel(ModelSettings(**groups), len(tokenizer))
    model.load_state_dict(weights)
    if name := _not_finite(weights):  # such a model hears nothing, in any recording
        raise UserError(f"{name} has values that are not finite")
    return model.eval(), tokenizer


def _not_finite(weights: dict[str, Tensor]) -> str | None:
    """Name the first tensor that holds a NaN or an infinity."""
    return next((name for name, tensor in weights.items() if not tensor.isfinite().all()), None)


def _tokenizer(metadata: dict[str, Any]) -> Tokenizer:
    tokens, normaliser = metadata["tokens"], metadata["normaliser"]
    if _LEXICON in metadata:
        return PhoneTokenizer(tokens, normaliser, check_lexicon(metadata[_LEXICON]))
    if _SUBWORDS in metadata:
        model = base64.b64decode(metadata[_SUBWORDS], validate=True)
        return BPETokenizer(tokens, normaliser, model)
    return CharTokenizer(tokens, normaliser)


def _counts(values: object, tokens: int) -> list[int] | None:
    """Refuse what are no counts of as many tokens; models of before have none."""
    if values is None:
        return None
    if (
        isinstance(values, list)
        and len(values) == tokens
        and all(type(value) is int and value >= 0 for value in values)
    ):
        return values
    raise UserError(f"{_COUNTS} should be {tokens} numbers, one a token, found {values!r}")


def _checked(name: str, values: object, kind: type) -> dict[str, Any]:
    """Refuse a group of settings whose keys or types are not the schema's."""
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
    return values
