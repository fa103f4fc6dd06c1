"""The training state: all that a run needs to resume exactly where it stopped.

The state is (epoch, batches consumed, weights, their average, optimizer). No generator or sampler
is saved, since every random draw is a function of seed, epoch and batch or utterance.
"""

import hashlib
from dataclasses import asdict, dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asr.training.fingerprint import compare_fingerprints
from asr.util.errors import UserError
from asr.util.files import write_bytes

STATE_NAME = "state.pt"
FORMAT = 2  # states of format 1 have no digest
_FINGERPRINT = "identity"  # the key of the fingerprint in a state
_MOST = 2**53  # of every count in a state
# A digest, which torch ignores, as the comment of the zip archive that torch saves.
_MARK = b"sha256 "
_COMMENT_BYTES = len(_MARK) + hashlib.sha256().digest_size * 2
_LENGTH_BYTES = 2  # of the comment's length, which ends an archive without a comment


@dataclass
class Progress:
    """How far a run has come, and its sums over the present epoch."""

    epoch: int = 0  # finished epochs
    batch: int = 0  # global batches consumed of the present epoch
    step: int = 0  # optimizer updates
    skipped: int = 0  # updates skipped for a non-finite gradient
    skipped_in_row: int = 0
    loss_sum: float = 0.0  # nats over the present epoch's utterances
    utterances: int = 0
    updates: int = 0  # of the present epoch
    norm_sum: float = 0.0  # of the gradients of these updates
    elapsed_s: float = 0.0  # spent on the present epoch
    best_epoch: int = 0
    best: list[float] = field(default_factory=lambda: [float("inf")] * 3)  # dev WER, CER, loss


def save_state(run_dir: Path, progress: Progress, parts: dict[str, Any], fingerprint: dict) -> None:
    """Write the state atomically.

    The file is composed in memory, since torch's own writer hides that a disk is full.

    Args:
        run_dir: the run's folder.
        progress: how far the run has come.
        parts: state dicts of model, average and optimizer.
        fingerprint: settings, tokens and data that a resumed run must share.

    Raises:
        UserError: the state cannot be written; the last one is kept.
    """
    state = {
        "format": FORMAT,
        "progress": asdict(progress),
        "parts": parts,
        _FINGERPRINT: fingerprint,
    }
    content = BytesIO()
    torch.save(state, content)
    append_digest(content)
    write_bytes(run_dir / STATE_NAME, content.getbuffer())


def load_state(
    run_dir: Path, fingerprint: dict[str, Any]
) -> tuple[Progress, dict[str, Any]] | None:
    """Read the state of the run in this folder, or None.

    Raises:
        UserError: the folder's run has another fingerprint (each difference is named), or its
            state cannot be read.
    """
    path = run_dir / STATE_NAME
    if not path.exists():
        return None
    progress, parts, there = _validate(path, _read(path))
    differences = compare_fingerprints(there, fingerprint)
    if differences:
        raise UserError(
            f"{run_dir}: this folder holds a run with other settings: {'; '.join(differences)}. "
            "Choose another run_dir, or delete the folder"
        )
    return progress, parts


def _read(path: Path) -> dict[str, Any]:
    """Read a state, and refuse an unknown format or a wrong digest."""
    try:
        content = path.read_bytes()
        intact = digest_matches(content)
        if intact is not False:
            state = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
            written = state.get("format", 1)
    except MemoryError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path}: cannot be read: {reason}; mend that, then try again") from error
    except Exception as error:  # damaged pickles raise nearly anything, and advise worse
        raise unreadable(path, "damaged, or of another kind") from error
    if intact is False:
        raise unreadable(path, "damaged: its content has changed since it was written")
    if type(written) is int and written > FORMAT:
        raise UserError(
            f"{path}: a training state of format {written}, expected at most {FORMAT}; "
            "resume with the newer version of this toolkit that wrote it"
        )
    if type(written) is not int or written != (FORMAT if intact else 1):
        raise unreadable(path, "damaged, or of another kind")
    return state


def unreadable(path: Path, why: str) -> UserError:
    """Make the error for a state that is refused, with what can be done."""
    return UserError(
        f"{path}: not a readable training state ({why}); "
        "put a copy in its place, or delete it to start this run from the beginning"
    )


def _validate(path: Path, state: dict[str, Any]) -> tuple[Progress, dict[str, Any], dict[str, Any]]:
    """Refuse contents that no run writes; states without a digest have no other check."""
    progress, parts, fingerprint = (state.get(name) for name in ("progress", "parts", _FINGERPRINT))
    if not isinstance(progress, dict) or not _is_progress(progress):
        raise unreadable(path, "it does not say where the run stood")
    if not isinstance(fingerprint, dict) or not all(map(_is_setting, fingerprint.items())):
        raise unreadable(path, "it does not say with which settings the run began")
    if not isinstance(parts, dict):
        raise unreadable(path, "it holds no weights")
    return Progress(**progress), parts, fingerprint


def _is_progress(values: dict[Any, Any]) -> bool:
    """Tell whether values are some or all of `Progress`, each of its type."""
    types = {one.name: one.type for one in fields(Progress)}
    return all(name in types and _is_value(value, types[name]) for name, value in values.items())


def _is_value(value: Any, kind: Any) -> bool:
    if kind is int:
        return type(value) is int and 0 <= value <= _MOST
    if kind is float:
        return isinstance(value, float)
    return isinstance(value, list) and [type(one) for one in value] == [float] * 3


def _is_setting(setting: tuple[Any, Any]) -> bool:
    """Tell whether a key is a name, and its value a scalar or a list of scalars."""
    key, value = setting
    scalars = value if isinstance(value, list) else [value]
    return isinstance(key, str) and all(
        one is None or isinstance(one, str | int | float) for one in scalars
    )


def read_fingerprint(run_dir: Path) -> dict[str, Any]:
    """Read the fingerprint of the run in this folder; empty where no run has begun."""
    path = run_dir / STATE_NAME
    if not path.exists():
        return {}
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return dict(state[_FINGERPRINT])
    except Exception:  # a damaged state, which `load_state` refuses
        return {}


def restore_parts(
    run_dir: Path,
    parts: dict[str, Any],
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Load the parts of a run's state into a model, its average and an optimizer.

    Raises:
        UserError: names or shapes are not those of this run, or weights are not finite.
    """
    try:
        expected = _moment_shapes(optimizer)
        model.load_state_dict(parts["model"])
        average.load_state_dict(parts["average"])
        moments, groups = parts["optimizer"]["state"], parts["optimizer"]["param_groups"]
        if any(_shapes(named) != expected[number] for number, named in moments.items()):
            raise ValueError("moments of other shapes")
        here = optimizer.state_dict()["param_groups"]  # of the state, only the rate is taken
        groups = [
            {**own, "lr": float(saved["lr"])} for own, saved in zip(here, groups, strict=True)
        ]
        optimizer.load_state_dict({"state": moments, "param_groups": groups})
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        why = "its weights or moments are not those of this run"
        raise unreadable(run_dir / STATE_NAME, why) from error
    weights = [*model.state_dict().values(), *average.state_dict().values()]
    if not all(tensor.isfinite().all() for tensor in weights):
        raise unreadable(run_dir / STATE_NAME, "its weights are not finite")


def _moment_shapes(optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Any]]:
    """Find the shapes of an optimizer's moments of each parameter, by a step on zero gradients.

    The step may change the weights, which are loaded afterwards.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    moments = optimizer.state_dict()["state"]
    return {number: _shapes(named) for number, named in moments.items()}


def _shapes(named: dict[str, Tensor]) -> dict[str, Any]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in named.items()}


def append_digest(archive: BytesIO) -> None:
    """Append a comment with the digest of all bytes before it to an archive without a comment."""
    comment = _comment(archive.getbuffer()[:-_LENGTH_BYTES])
    archive.seek(-_LENGTH_BYTES, 2)
    archive.write(comment)


def digest_matches(content: bytes) -> bool | None:
    """Tell whether a file has the content of its digest; None where there is no digest."""
    end = _LENGTH_BYTES + _COMMENT_BYTES
    if not content[-_COMMENT_BYTES:].startswith(_MARK):
        return None
    return content[-end:] == _comment(memoryview(content)[:-end])


def _comment(archive: memoryview) -> bytes:
    """Make the comment, preceded by its length, that follows these bytes of an archive."""
    comment = _MARK + hashlib.sha256(archive).hexdigest().encode()
    return len(comment).to_bytes(_LENGTH_BYTES, "little") + comment
