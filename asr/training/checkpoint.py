"""The training state: what is needed to go on exactly where a run stopped.

State is (epoch, batches consumed, weights, their average, optimiser). No generator or sampler is
saved: every random draw is a function of seed, epoch and batch or utterance, so the place in the
epoch says it all.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from asr.config import LATER, RESUMABLE, flatten
from asr.errors import UserError
from asr.files import replacing

STATE_NAME = "state.pt"
FORMAT = 1


@dataclass
class Progress:
    """Where a run stands, and what it has counted."""

    epoch: int = 0  # finished epochs
    batch: int = 0  # global batches consumed of the present epoch
    step: int = 0  # optimiser updates
    skipped: int = 0  # updates skipped for a non-finite gradient
    skipped_in_row: int = 0
    loss_sum: float = 0.0  # nats over the present epoch's utterances
    utterances: int = 0
    updates: int = 0  # of the present epoch
    norm_sum: float = 0.0  # their gradient norms
    elapsed_s: float = 0.0  # spent on the present epoch
    best_epoch: int = 0
    best: list[float] = field(default_factory=lambda: [float("inf")] * 3)  # dev WER, CER, loss


def save_state(run_dir: Path, progress: Progress, parts: dict[str, Any], identity: dict) -> None:
    """Write the state atomically.

    Args:
        run_dir: the run's folder.
        progress: where the run stands.
        parts: state dicts of model, average and optimiser.
        identity: settings, tokens and data the run is bound to.
    """
    state = {
        "format": FORMAT,
        "progress": asdict(progress),
        "parts": parts,
        "identity": identity,
    }
    with replacing(run_dir / STATE_NAME) as file:
        torch.save(state, file)


def load_state(run_dir: Path, identity: dict[str, Any]) -> tuple[Progress, dict[str, Any]] | None:
    """Read the state of a run begun in this folder, or None.

    Raises:
        UserError: the folder's run has another identity (each difference named), or its state
            cannot be read.
    """
    path = run_dir / STATE_NAME
    if not path.exists():
        return None
    progress, parts, there = _read(path)
    differences = compare_identities(there, identity)
    if differences:
        raise UserError(
            f"{run_dir}: this folder holds a run with other settings: {'; '.join(differences)}. "
            "Choose another run_dir, or delete the folder"
        )
    return Progress(**progress), parts


def _read(path: Path) -> tuple[dict[str, Any], ...]:
    """Read progress, parts and identity; what may hold days is not lightly called damaged."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        written = state.get("format", FORMAT)
        known = ("progress", "parts", "identity") if written <= FORMAT else ()
        content = tuple(state[name] for name in known)
    except MemoryError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path}: cannot be read: {reason}; mend that, then try again") from error
    except Exception as error:  # a damaged pickle raises nearly anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UserError(
            f"{path}: not a readable training state ({reason}); "
            "delete it to start this run from the beginning"
        ) from error
    if written > FORMAT:
        raise UserError(
            f"{path}: a training state of format {written}, expected at most {FORMAT}; "
            "go on with the newer version of this toolkit that wrote it"
        )
    return content


def read_identity(run_dir: Path) -> dict[str, Any]:
    """Read what the run begun in this folder is bound to; empty where none has begun."""
    path = run_dir / STATE_NAME
    if not path.exists():
        return {}
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return dict(state["identity"])
    except Exception:  # a damaged one, which `load_state` refuses
        return {}


def compare_identities(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Word each difference between two runs that resuming may not bridge."""
    there = {key: value for key, value in flatten(LATER).items() if key in here} | there
    keys = sorted(key for key in there.keys() | here.keys() if key not in RESUMABLE)
    return [
        f"{key} is {there.get(key)!r} there, {here.get(key)!r} here"
        for key in keys
        if there.get(key) != here.get(key)
    ]
