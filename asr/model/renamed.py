"""Keys of model files written before they had their present names."""

from typing import Any

_KEYS = {"normaliser": "normalizer"}
_GROUP_KEYS = {
    "dynamic_range_db": "top_db",
    "normalisation": "normalization",
    "variational": "variational_dropout",
}


def with_present_names(metadata: dict[str, Any]) -> dict[str, Any]:
    """Give a model file's metadata with every key by its present name."""
    renamed: dict[str, Any] = {}
    for key, value in metadata.items():
        if isinstance(value, dict) and key in ("features", "encoder"):
            value = {_GROUP_KEYS.get(name, name): setting for name, setting in value.items()}
        renamed[_KEYS.get(key, key)] = value
    return renamed
