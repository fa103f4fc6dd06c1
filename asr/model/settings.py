"""The settings that build a model: their groups, and the checks of values from a file."""

from dataclasses import dataclass, fields
from typing import Any, get_args

from asr import config
from asr.util.errors import UserError

#: Older names of settings.
_PRESENT_NAMES = {
    "dynamic_range_db": "top_db",
    "normalisation": "normalization",
    "variational": "variational_dropout",
}
GROUPS = {
    "features": config.FeaturesConfig,
    "subsampling": config.SubsamplingConfig,
    "encoder": config.EncoderConfig,
}


@dataclass(frozen=True)
class ModelSettings:
    """Settings that build a model: a recipe writes them, and a model file stores them.

    The three groups hold keywords of `asr.model.features.LogMel`, of a class in
    `asr.model.ctc_model.SUBSAMPLINGS` and of `asr.encoders.RecurrentStack`. `subsampling` and
    `encoder` also hold ``name``, a key of that table and of `asr.encoders.ENCODERS`.
    """

    features: dict[str, int | float | str]
    subsampling: dict[str, Any]
    encoder: dict[str, Any]


def with_present_names(group: object) -> object:
    """Return a group of settings with the present names of all keys."""
    if not isinstance(group, dict):
        return group
    return {_PRESENT_NAMES.get(name, name): value for name, value in group.items()}


def check_settings(metadata: dict[str, Any]) -> ModelSettings:
    """Complete the settings of a model file by those added since.

    Raises:
        UserError: keys, types or numbers outside the schemas.
    """
    groups = {name: _check_group(name, metadata.get(name), kind) for name, kind in GROUPS.items()}
    return ModelSettings(**groups)


def _check_group(name: str, values: object, kind: type) -> dict[str, Any]:
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
