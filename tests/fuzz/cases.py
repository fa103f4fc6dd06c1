"""What the fuzz's cases share: their chances, and a run of the command line that may be refused.

Every case has a number, from which its input is made, and which is the test's id. A case is
repeated by it: ``pytest -m slow 'tests/fuzz/test_fuzz_manifests.py::test_evaluate[17]'``.
"""

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import numpy as np

from asr.cli import main

#: What moves a terminal's cursor, or ends a line early.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: What libraries say where the limit of the process's memory was met.
EXHAUSTED = re.compile(
    "unable to allocate|cannot allocate|can't allocate|bad_alloc|MemoryError", re.I
)


class Printed(NamedTuple):
    """What a command printed."""

    status: int
    out: str
    err: str


def generator(name: str, number: int) -> np.random.Generator:
    """Make the source of a case's chances."""
    return np.random.default_rng([number, *name.encode()])


def run(*arguments: object) -> Printed:
    """Run `asr ARGUMENTS`, which may refuse its input in a sentence, but must not break."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(argument) for argument in arguments])
    printed = Printed(status, out.getvalue(), err.getvalue())
    assert status in (0, 1), printed
    assert status == 0 or re.search("^asr: ", printed.err, re.MULTILINE), printed
    assert "Traceback" not in printed.err, printed
    assert not CONTROL.search(printed.err), printed
    assert not EXHAUSTED.search(printed.err), printed
    assert len(printed.err) < 20_000, printed.err[:500]
    return printed
