"""A second process that compiles functions, so that the first one goes on meanwhile.

numba holds Python's global lock, so a second thread would not do. The memory that numba takes is
given back with the process.
"""

import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_WORKER = "asr.util.native_worker"


class CompilerProcess:
    """The process, started at its first request; see `asr.util.native_worker` for the other end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def compile(self, module: str, name: str, kinds: tuple) -> bytes | None:
        """Compile a native function of a module for arguments of these kinds.

        Returns:
            The object file, or None where there can be no such process, or where it failed.
        """
        try:
            self._process = self._process or _start()
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            pickle.dump((module, name, kinds), self._process.stdin)
            self._process.stdin.flush()
            code: bytes = pickle.load(self._process.stdout)
            return code
        except (OSError, EOFError, pickle.PickleError):
            return None

    def close(self) -> None:
        """Let the process end."""
        if self._process is not None:
            with suppress(OSError):  # it has ended, and its pipe is broken
                self._process.communicate()


def _start() -> subprocess.Popen[bytes]:
    """Start the process with this package, wherever it was imported from."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
