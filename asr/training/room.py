"""Room on the disk: what a run goes on from where there was none left."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asr.training.checkpoint import STATE_NAME
from asr.util.errors import DISK_FULL, UserError


@contextmanager
def room_explained(run_dir: Path) -> Iterator[None]:
    """Say what stands of a run that a full disk ends, whichever of its files had no room.

    Raises:
        UserError: in place of an error that a full disk caused.
    """
    try:
        yield
    except (UserError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in DISK_FULL:
            raise
        said = str(error)
        if cause is error:
            said = f"{run_dir}: {cause.strerror}; make room, then try again"
        state = run_dir / STATE_NAME
        stands = "goes on from the last state" if state.exists() else "begins anew: none was saved"
        raise UserError(f"{said}: the same command {stands} ({state})") from error
