"""The training state: what is needed to go on exactly where a run stopped.

State is (epoch, batches consumed, weights, their average, optimizer). No generator or sampler is
saved: every random draw is a function of seed, epoch and batch or utterance, so the place in the
epoch says it all.
"""

from dataclasses import asdict, dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from asr.config import SETTINGS, TrainConfig, values_before
from asr.training.seal import is_sealed, seal
from asr.util.errors import UserError
from asr.util.files import write_bytes

STATE_NAME = "state.pt"
FORMAT = 2  # 1 had no seal
_MOST = 2**53  # of what a run counts


@dataclass
class Progress:
    """Where a run stands, and what it has counted."""

    epoch: int = 0  # finished epochs
    batch: int = 0  # global batches consumed of the present epoch
    step: int = 0  # optimizer updates
    skipped: int = 0  # updates skipped for a non-finite gradient
    skipped_in_row: int = 0
    loss_sum: float = 0.0  # nats over the present epoch's utterances
    utterances: int = 0
    updates: int = 0  # of the present epoch
    norm_sum: float = 0.0  # their gradient norms
    elapsed_s: float = 0.0  # spent on the present epoch
    best_epoch: int = 0
    best: list[float] = field(default_factory=lambda: [float("inf")] * 3)  # dev WER, CER, loss


def save_state(run_dir: Path, progress: Progress, parts: dict[str, Any], fingerprint: dict) -> None:
    """Write the state atomically.

    It is put together in memory: on a full disk torch's own writer raises what nobody understands.

    Args:
        run_dir: the run's folder.
        progress: where the run stands.
        parts: state dicts of model, average and optimizer.
        fingerprint: settings, tokens and data the run is bound to.

    Raises:
        UserError: it cannot be written; the last state stands.
    """
    state = {
        "format": FORMAT,
        "progress": asdict(progress),
        "parts": parts,
        "identity": fingerprint,
    }
    content = BytesIO()
    torch.save(state, content)
    seal(content)
    write_bytes(run_dir / STATE_NAME, content.getbuffer())


def load_state(
    run_dir: Path, fingerprint: dict[str, Any]
) -> tuple[Progress, dict[str, Any]] | None:
    """Read the state of a run begun in this folder, or None.

    Raises:
        UserError: the folder's run has another identity (each difference named), or its state
            cannot be read.
    """
    path = run_dir / STATE_NAME
    if not path.exists():
        return None
    progress, parts, there = _checked(path, _read(path))
    differences = compare_fingerprints(there, fingerprint)
    if differences:
        raise UserError(
            f"{run_dir}: this folder holds a run with other settings: {'; '.join(differences)}. "
            "Choose another run_dir, or delete the folder"
        )
    return progress, parts


def _read(path: Path) -> dict[str, Any]:
    """Read a state of a format that is known, and whole."""
    try:
        content = path.read_bytes()
        sealed = is_sealed(content)
        if sealed is not False:
            state = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
            written = state.get("format", 1)
    except MemoryError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path}: cannot be read: {reason}; mend that, then try again") from error
    except Exception as error:  # damaged pickles raise nearly anything, and advise worse
        raise unreadable(path, "damaged, or of another kind") from error
    if sealed is False:
        raise unreadable(path, "damaged: its content is not what was written")
    if type(written) is int and written > FORMAT:
        raise UserError(
            f"{path}: a training state of format {written}, expected at most {FORMAT}; "
            "go on with the newer version of this toolkit that wrote it"
        )
    if type(written) is not int or written != (FORMAT if sealed else 1):
        raise unreadable(path, "damaged, or of another kind")
    return state


def unreadable(path: Path, why: str) -> UserError:
    """Word why a state is refused, and what can be done."""
    return UserError(
        f"{path}: not a readable training state ({why}); "
        "put a copy in its place, or delete it to start this run from the beginning"
    )


def _checked(path: Path, state: dict[str, Any]) -> tuple[Progress, dict[str, Any], dict[str, Any]]:
    """Refuse what no run writes; of old states, and of strangers' ones, nothing else vouches."""
    progress, parts, fingerprint = (state.get(name) for name in ("progress", "parts", "identity"))
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
    """Read what the run begun in this folder is bound to; empty where none has begun."""
    path = run_dir / STATE_NAME
    if not path.exists():
        return {}
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return dict(state["identity"])
    except Exception:  # a damaged one, which `load_state` refuses
        return {}


def compare_fingerprints(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Word each difference between two runs that resuming may not bridge."""
    before = values_before(TrainConfig).items()
    there = {key: value for key, value in before if key in here} | there
    free = {key for key, setting in SETTINGS.items() if setting.resumable}
    keys = sorted((there.keys() | here.keys()) - free)
    return [
        f"{key} is {there.get(key)!r} there, {here.get(key)!r} here"
        for key in keys
        if there.get(key) != here.get(key)
    ]
