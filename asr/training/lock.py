"""One training at a time in a run folder: two would write over each other's state."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from asr.training.distributed import DistributedContext
from asr.training.metric_logger import log
from asr.util.errors import UserError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_NAME = ".lock"
_HELD = (errno.EACCES, errno.EAGAIN)  # what systems call a lock that another process holds


@contextlib.contextmanager
def sole_training(run_dir: Path, context: DistributedContext) -> Iterator[None]:
    """Keep other trainings out of a run folder, from the main process alone.

    The lock is the system's, on a file that stays, empty. It ends with the process that holds it,
    however that ends, and passes to none that it forked, such as a loader's worker.

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
            if error.errno in _HELD:
                raise UserError(
                    f"{run_dir}: another process trains in this folder; "
                    "wait for it, stop it, or choose another run_dir"
                ) from error
            # Some network file systems have no locks; training there is still better than none.
            log.info("%s: cannot be locked (%s); start no second training here", run_dir, error)
        yield


def _lock(file: IO[bytes]) -> None:
    """Lock an open file, or raise at once."""
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
