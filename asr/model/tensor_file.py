"""Tensors and a JSON object as one `.safetensors` file, with a digest of both.

The format itself detects little damage: most flipped bits change only a weight, and a model with
slightly wrong weights still writes text.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from asr.util.errors import UserError
from asr.util.files import write_bytes

#: Files of format 1 had no digest.
FORMAT = 2
#: The one key of the file's own metadata: several are written in random order.
_KEY = "asr"
_DIGEST = "sha256"


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write a file atomically.

    Args:
        path: ends in .safetensors.
        tensors: by their names.
        metadata: JSON-able.

    Raises:
        UserError: the file cannot be written.
    """
    text = json.dumps({"format": FORMAT, _DIGEST: "", **metadata}, ensure_ascii=False)
    text = text.encode(errors="backslashreplace").decode()  # halves of characters, as JSON does
    signed = text.replace('""', f'"{_digest(tensors, text)}"', 1)
    write_bytes(path, serialize(tensors, {_KEY: signed}))


def read_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and metadata that `write_tensors` wrote.

    Raises:
        UserError: no such file, another kind of file, or a content that has changed.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            text = (opened.metadata() or {}).get(_KEY, "null")
            metadata = json.loads(text)
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise UserError(f"{file}: not a readable .safetensors model ({error})") from error
    if not isinstance(metadata, dict):
        raise UserError(f"{file}: a .safetensors file, but not a model written by this toolkit")
    written, digest = metadata.pop("format", None), metadata.pop(_DIGEST, None)
    if written not in (1, FORMAT):
        raise UserError(
            f"{file}: model format {written!r:.50}, expected {FORMAT} at most; "
            "use the version of this toolkit that wrote it"
        )
    if (written == FORMAT or digest is not None) and digest != _digest(
        tensors, text.replace(str(digest), "", 1)
    ):
        raise UserError(
            f"{file}: damaged: its content is not what was written; take another copy of it"
        )
    return tensors, metadata


def _digest(tensors: dict[str, Tensor], text: str) -> str:
    """Return the hexadecimal SHA-256 of tensors and text."""
    hashed = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        hashed.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        hashed.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()
