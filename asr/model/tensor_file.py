"""Tensors and a JSON object as one `.safetensors` file, with a digest of both.

The format itself detects little damage: most flipped bits change only a weight, and a model with
slightly wrong weights still writes text.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize

from asr.util.errors import UserError
from asr.util.files import write_bytes

#: Files of format 1 had no digest.
FORMAT = 2
#: The one key of the file's own metadata: several are written in random order.
_KEY = "asr"
_DIGEST = "sha256"

#: Tensors by their names; NumPy's arrays stand for them.
Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class TensorFile:
    """What a file holds.

    Attributes:
        tensors: by their names.
        metadata: the JSON object, but for the key that was to be parsed later.
        later: the JSON text of that key's value, or None.
        digest: hexadecimal SHA-256 of tensors and metadata.
    """

    tensors: Tensors
    metadata: dict[str, Any]
    later: str | None
    digest: str


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]], metadata: object) -> None:
    """Write a file atomically.

    Args:
        path: ends in .safetensors.
        tensors: by their names.
        metadata: a JSON-able dictionary.

    Raises:
        UserError: the file cannot be written.
    """
    assert isinstance(metadata, dict)
    whole = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, _DIGEST: "", **metadata}, ensure_ascii=False)
    text = text.encode(errors="backslashreplace").decode()  # halves of characters, as JSON does
    signed = text.replace('""', f'"{_digest(whole, text)}"', 1)
    write_bytes(path, serialize(whole, {_KEY: signed}))


def read_tensors(file: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read the tensors and metadata that `write_tensors` wrote.

    Raises:
        UserError: as `read_tensor_file`.
    """
    read = read_tensor_file(file)
    return read.tensors, read.metadata


def read_tensor_file(file: Path, later: str | None = None) -> TensorFile:
    """Read what `write_tensors` wrote.

    Args:
        file: its path.
        later: a key whose value is large and may not be needed. Where a digest vouches for the
            value, and the value is the last one and has no braces within, it is not parsed.

    Raises:
        UserError: no such file, another kind of file, or a content that has changed.
    """
    try:
        with safe_open(file, framework="np") as opened:
            text = (opened.metadata() or {}).get(_KEY, "null")
            metadata, unparsed = _parse(text, later)
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        if not isinstance(metadata, dict):
            raise UserError(f"{file}: a .safetensors file, but not a model written by this toolkit")
        written, digest = metadata.pop("format", None), metadata.pop(_DIGEST, None)
        if unparsed is not None and digest is None:
            metadata[later], unparsed = json.loads(unparsed), None
    except (OSError, SafetensorError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{file}: not a readable .safetensors model ({error})") from error
    if written not in (1, FORMAT):
        raise UserError(
            f"{file}: model format {written!r:.50}, expected {FORMAT} at most; "
            "use the version of this toolkit that wrote it"
        )
    content = _digest(tensors, text.replace(str(digest), "", 1))
    if (written == FORMAT or digest is not None) and digest != content:
        raise UserError(
            f"{file}: damaged: its content is not what was written; take another copy of it"
        )
    return TensorFile(tensors, metadata, unparsed, content)


def _parse(text: str, later: str | None) -> tuple[Any, str | None]:
    """Parse a JSON object, but for the value of one key where that is the last and has no braces.

    A quotation mark within a string has a backslash before it, so that what is found is a key. The
    text ends with the brace that closes the value and the brace that closes the whole.
    """
    before, key, value = text.partition(f'"{later}": {{')
    if later is None or not key or not value.endswith("}}") or value.count("}") != 2:
        return json.loads(text), None
    return json.loads(before.rstrip(", ") + "}"), "{" + value[:-1]


def _digest(tensors: Tensors, text: str) -> str:
    """Return the hexadecimal SHA-256 of tensors and text; types have the names PyTorch has."""
    hashed = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        hashed.update(f"\n{name} torch.{tensor.dtype.name} {tensor.shape}\n".encode())
        hashed.update(tensor.reshape(-1).view(np.uint8).data)
    return hashed.hexdigest()
