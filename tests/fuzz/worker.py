"""A process in which hostile input is tried: whatever ends it, hangs or runs something is told.

A case is a function of a module, called with an empty folder, which is the process's working
folder meanwhile, and with picklable arguments. It asserts what has to hold.
"""

import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch

#: What every command that hostile input asks for leaves in the working folder.
CANARY = "canary"
#: More than any case needs by far, were all that is compiled compiled anew on a busy machine.
LONGEST_S = 240.0
#: What a small hostile file may cost beyond what the process holds already.
PEAK_BYTES = 1 << 30
FILE_BYTES = 1 << 30
#: Python's audit events of what no data file may cause.
FORBIDDEN = {
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "pty.spawn",
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "urllib.Request",
}
#: The toolkit's own compiler, which starts where nothing is compiled yet; no file chooses it.
COMPILER = ["-P", "-m", "asr.util.native_worker"]


class Worker:
    """Runs cases one after another in a forked process, and in a new one where that has ended."""

    def __init__(self) -> None:
        self._process: Any = None
        self._connection: Connection

    def run(self, case: Callable[..., None], *arguments: object) -> None:
        """Fail the test if `case(folder, *arguments)` raises, dies, hangs, grows or runs things."""
        if self._process is None:
            self._start()
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            self._connection.send((case, folder, arguments))
            problem = self._connection.recv() if self._connection.poll(LONGEST_S) else None
            if problem is None:
                self.stop()
                problem = f"it went on for more than {LONGEST_S} s"
            elif not problem and (folder / CANARY).exists():
                problem = "a command of the input was run"
        except (EOFError, ConnectionError):
            problem = f"the process was ended by {self._end()}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if problem:
            pytest.fail(f"{case.__name__}{arguments}: {problem}", pytrace=False)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def _start(self) -> None:
        context = get_context("fork")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def _end(self) -> str:
        """Wait for the process's end, and name what ended it."""
        self._process.join()
        code, self._process = self._process.exitcode, None
        return signal.Signals(-code).name if code < 0 else f"its exit with status {code}"


def _serve(connection: Connection) -> None:
    """Run what is sent, and answer with what was wrong: nothing where all held."""
    torch.set_num_threads(1)  # the other threads of a forked process are not there
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)  # decoders written in C have notes of their own
    caused: list[str] = []

    def watch(event: str, details: tuple[object, ...]) -> None:
        is_compiler = event == "subprocess.Popen" and [*details[1]][1:] == COMPILER
        if event in FORBIDDEN and not is_compiler:
            caused.append(f"{event}{details!r:.200}")

    sys.addaudithook(watch)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, mapped + 4 * PEAK_BYTES)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    while True:
        case, folder, arguments = connection.recv()
        caused.clear()
        os.chdir(folder)
        problem = _problem(case, folder, arguments)
        if not problem and caused:
            problem = f"it caused {', '.join(dict.fromkeys(caused))}"
        os.chdir("/")
        connection.send(problem)


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def _problem(case: Callable[..., None], folder: Path, arguments: tuple[object, ...]) -> str:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _peak_bytes()
    try:
        case(folder, *arguments)
    except BaseException:
        return traceback.format_exc()
    grown = _peak_bytes() - before
    return f"it took {grown / 1e6:.0f} MB" if grown > PEAK_BYTES else ""


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
