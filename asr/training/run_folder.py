"""The run folder: one training at a time, and what a full disk leaves there."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from asr.training.checkpoint import STATE_NAME
from asr.training.distributed import DistributedContext
from asr.training.metric_logger import log
from asr.util.errors import DISK_FULL, UserError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_NAME = ".lock"
_LOCKED = (errno.EACCES, errno.EAGAIN)  # errors of a lock that another process holds


@contextlib.contextmanager
def lock_run_folder(run_dir: Path, context: DistributedContext) -> Iterator[None]:
    """Keep other trainings out of a run folder; the main process alone holds the lock.

    The operating system locks an empty file, which stays. The lock ends with its process, however
    the process ends, and no forked process, such as a loader's worker, takes the lock over.

    Raises:
        UserError: another process trains in this folder.
    """
    if not context.is_main:
        yield
        return
    with (run_dir / LOCK_NAME).open("ab") as file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno in _LOCKED:
                raise UserError(
                    f"{run_dir}: another process trains in this folder; "
                    "wait for it, stop it, or choose another folder"
                ) from error
            # Some network file systems have no locks: train without.
            log.info("%s: cannot be locked (%s); start no second training here", run_dir, error)
        yield


def _lock(file: IO[bytes]) -> None:
    """Lock an open file, or raise at once."""
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def explain_full_disk(run_dir: Path) -> Iterator[None]:
    """Say from where a run can be resumed that a full disk has ended.

    Raises:
        UserError: in place of an error that a full disk caused.
    """
    try:
        yield
    except (UserError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in DISK_FULL:
            raise
        message = str(error)
        if cause is error:
            message = f"{run_dir}: {cause.strerror}; make room, then try again"
        state = run_dir / STATE_NAME
        start = "resumes from the last state" if state.exists() else "begins anew: none was saved"
        raise UserError(f"{message}: the same command {start} ({state})") from error
