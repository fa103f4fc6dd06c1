"""A trained model as one `.safetensors` file: weights, and one metadata key of JSON.

Nothing in it is unpickled and nothing it names is imported: settings are numbers and short
names that are looked up in literal dictionaries. Reading needs torch only for encoders that
`asr.model.shapes` does not know.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asr.decoding.tokens import Tokens
from asr.model.mel import LogMelSettings
from asr.model.quantize import SCALE, check_types, quantize, restore
from asr.model.settings import GROUPS, ModelSettings, check_settings, with_present_names
from asr.model.shapes import Shapes, weight_shapes
from asr.model.statistics import FeatureStatistics, read_statistics
from asr.model.tensor_file import TensorFile, Tensors, read_tensor_file, read_tensors, write_tensors
from asr.text.bpe import BPETokenizer
from asr.text.lexicon import Lexicon, check_lexicon
from asr.text.packed_lexicon import PackedLexicon, open_packed
from asr.text.phones import PhoneTokenizer
from asr.text.tags import TAGS
from asr.text.tokenizer import CharTokenizer, Tokenizer
from asr.util.errors import UserError
from asr.util.paths import find_model

if TYPE_CHECKING:
    from torch import Tensor

    from asr.model.ctc_model import CTCModel

_SUBWORDS = "sentencepiece"
_LEXICON = "lexicon"
_COUNTS = "counts"
_STATISTICS = "statistics"
_TAGS = "tags"
_MOST = 2**53  # of one token in the training texts
# Older names of keys, and tensors of older files that are not used.
_PRESENT_KEYS = {"normaliser": "normalizer"}
_UNUSED = ("log_mel.mean", "log_mel.std")


@dataclass(frozen=True)
class StoredModel:
    """A model as its file holds it, checked.

    Attributes:
        file: its path.
        settings: what the model is built from.
        tokenizer: its tokens and normalizer. The lexicon of phones is opened at its first use.
        stored: the weights, see `asr.model.quantize`.
        statistics: of the features of the training speech, which older models do not have.
        about: facts about the training, of any JSON type.
        digest: hexadecimal SHA-256 of the content.
    """

    file: Path
    settings: ModelSettings
    tokenizer: Tokenizer
    stored: Tensors
    statistics: FeatureStatistics | None
    about: Any
    digest: str

    @property
    def has_8_bits(self) -> bool:
        """Whether matrices are stored as integers with scales."""
        return any(name.endswith(SCALE) for name in self.stored)


def save_model(
    path: Path,
    weights: "Mapping[str, Tensor]",
    settings: ModelSettings,
    tokenizer: Tokenizer,
    about: dict[str, Any],
    statistics: FeatureStatistics | None = None,
) -> None:
    """Write a model file atomically.

    Args:
        path: ends in .safetensors.
        weights: `CTCModel.state_dict()`.
        settings: what the model is built from.
        tokenizer: its tokens, normalizer and rule for tags are stored, how often each token was
            trained on, and the sentencepiece model of subwords or the lexicon of phones.
        about: JSON-able facts about the training, such as the recipe and the dev WER.
        statistics: of the features of the training speech.
    """
    metadata = {
        **asdict(settings),
        "tokens": tokenizer.tokens,
        "normalizer": tokenizer.normalizer,
        _TAGS: tokenizer.tags,
        "about": about,
    }
    if tokenizer.counts is not None:
        metadata[_COUNTS] = tokenizer.counts
    if statistics is not None:
        metadata[_STATISTICS] = statistics.to_json()
    if isinstance(tokenizer, BPETokenizer):
        metadata[_SUBWORDS] = base64.b64encode(tokenizer.model).decode()
    if isinstance(tokenizer, PhoneTokenizer):
        metadata[_LEXICON] = tokenizer.pronunciations
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in weights.items()}
    write_tensors(path, tensors, metadata)


def read_model(path: str | Path) -> StoredModel:
    """Read and check a model.

    Args:
        path: as for `asr.util.paths.find_model`.

    Raises:
        UserError: no such file, another kind of file or a damaged one, unknown settings or values
            out of range, or weights that do not fit the settings or are not finite. A lexicon that
            a digest vouches for is checked when it is first used.
    """
    file = find_model(path)
    read = read_tensor_file(file, later=_LEXICON)
    metadata = _with_present_names(read.metadata)
    with _as_damage(file):
        settings = check_settings(metadata)
        tokenizer = _tokenizer(metadata, read, file)
        tokenizer.tags = _tags(metadata.get(_TAGS, Tokenizer.tags))
        tokenizer.counts = _counts(metadata.get(_COUNTS), len(tokenizer))
        stored = {name: read.tensors[name] for name in read.tensors if name not in _UNUSED}
        _check_weights(stored, settings, len(tokenizer))
        Tokens.of(tokenizer)  # refuses here, where the file is named, what no decoder can write
        mel_bins = int(settings.features["mel_bins"])
        statistics = read_statistics(metadata.get(_STATISTICS), mel_bins)
        about = metadata.get("about")
        return StoredModel(file, settings, tokenizer, stored, statistics, about, read.digest)


def load_model(path: str | Path) -> "tuple[CTCModel, Tokenizer]":
    """Read a model for torch, in evaluation mode.

    Args:
        path: as for `asr.util.paths.find_model`.

    Raises:
        UserError: as `read_model`; nothing is checked later.
    """
    stored = read_model(path)
    if isinstance(stored.tokenizer.pronunciations, PackedLexicon):
        assert isinstance(stored.tokenizer, PhoneTokenizer)
        stored.tokenizer.pronunciations = dict(stored.tokenizer.pronunciations)
    return build_model(stored), stored.tokenizer


def build_model(stored: StoredModel) -> "CTCModel":
    """Build a stored model for torch, in evaluation mode, with float32 weights."""
    import torch

    with _as_damage(stored.file):
        model = _lay_out(stored.settings, len(stored.tokenizer))
        weights = restore(stored.stored)
        tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
        model.load_state_dict(tensors, assign=True)
        model.statistics = stored.statistics
        return model.eval()


@contextmanager
def _as_damage(file: Path) -> Iterator[None]:
    """Turn what wrong settings and weights raise into the error that names the file."""
    try:
        yield
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
        paths: models, as `read_model` takes them.
        output: ends in .safetensors.
        bits: 8, 16 or 32, see `asr.model.quantize`.
        mean_weights: weight of each model in the mean, by default equal; divided by their sum.

    Raises:
        UserError: as `read_model`; other settings or tokens than the first model's; mean weights
            that are not positive or not one per model; a weight beyond half precision.
    """
    mean_weights = _mean_weights(mean_weights, len(paths))
    mean: Tensors = {}
    models = [read_model(path) for path in paths]  # which refuses a damaged one
    for path, model, weight in zip(paths, models, mean_weights, strict=True):
        if _kind(model) != _kind(models[0]):
            raise UserError(
                f"{path}: another network than {paths[0]}, or other tokens or features; "
                "give models that were trained from the same one"
            )
        for name, tensor in restore(model.stored).items():
            mean[name] = weight * tensor + mean.get(name, np.float32(0.0))
    stored = quantize(mean, bits)
    if large := _not_finite(stored):
        raise UserError(f"{paths[0]}: {large} has a weight too large for {bits} bits; give 8 or 32")
    _, metadata = read_tensors(find_model(paths[0]))
    write_tensors(output, stored, _with_present_names(metadata))


def _with_present_names(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a model file with the present names of all keys."""
    return {
        _PRESENT_KEYS.get(key, key): with_present_names(value) if key in GROUPS else value
        for key, value in metadata.items()
    }


def _kind(model: StoredModel) -> tuple[object, ...]:
    """Return what models of a mean must share; they may differ in dropout and bits."""
    shapes = {name: one.shape for name, one in model.stored.items() if not name.endswith(SCALE)}
    settings = model.settings
    encoder = [settings.encoder[name] for name in ("name", "bidirectional", "zoneout")]
    return model.tokenizer.tokens, settings.features, settings.subsampling, encoder, shapes


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


def _check_weights(stored: Tensors, settings: ModelSettings, vocabulary_size: int) -> None:
    """Refuse weights of other names, shapes or types than by the settings, or not finite."""
    LogMelSettings(**settings.features)  # type: ignore[arg-type]
    expected = weight_shapes(settings, vocabulary_size)
    if expected is None:
        model = _lay_out(settings, vocabulary_size)
        expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    check_types(stored)
    _check_shapes(stored, expected)
    if name := _not_finite(restore(stored)):  # such a model writes no text for any recording
        raise UserError(f"{name} has values that are not finite")


def _lay_out(settings: ModelSettings, vocabulary_size: int) -> "CTCModel":
    """Build a model without memory for weights, since these are not checked yet."""
    import torch

    from asr.model.ctc_model import CTCModel

    with torch.device("meta"):
        return CTCModel(settings, vocabulary_size)


def _tags(value: object) -> str:
    if not isinstance(value, str) or value not in TAGS:
        raise UserError(f"tags is {value!r:.50}, expected {' or '.join(TAGS)}")
    return value


def _check_shapes(stored: Tensors, expected: Shapes) -> None:
    """Refuse weights whose names or shapes do not fit a model's settings."""
    found = {name: one.shape for name, one in stored.items() if not name.endswith(SCALE)}
    for name in sorted(expected.keys() | found.keys()):
        here, by_settings = _shown(found.get(name)), _shown(expected.get(name))
        if here != by_settings:
            raise UserError(
                f"{name!r:.80} is {here} in the file, and {by_settings} by its settings"
            )


def _shown(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else f"of shape {shape}"


def _not_finite(weights: Tensors) -> str | None:
    """Name the first tensor that holds a NaN or an infinity."""
    return next((name for name, one in weights.items() if not np.isfinite(one).all()), None)


def _tokenizer(metadata: dict[str, Any], read: TensorFile, file: Path) -> Tokenizer:
    tokens, normalizer = metadata["tokens"], metadata["normalizer"]
    if (text := read.later) is not None:
        packed = open_packed(read.digest, lambda: _lexicon(text, tokens, normalizer, file))
        return PhoneTokenizer(tokens, normalizer, packed)
    if _LEXICON in metadata:
        return PhoneTokenizer(tokens, normalizer, check_lexicon(metadata[_LEXICON]))
    if _SUBWORDS in metadata:
        model = base64.b64decode(metadata[_SUBWORDS], validate=True)
        return BPETokenizer(tokens, normalizer, model)
    return CharTokenizer(tokens, normalizer)


def _lexicon(text: str, tokens: list[str], normalizer: str, file: Path) -> Lexicon:
    """Parse and check a lexicon."""
    with _as_damage(file):
        checked = check_lexicon(json.loads(text))
        PhoneTokenizer(tokens, normalizer, checked)
        return checked


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
