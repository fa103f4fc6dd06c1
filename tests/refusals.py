"""Errors as the command line prints them, with the remedies that libraries only name."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from asr.cli.remedies import worded
from asr.util.errors import UserError


@contextmanager
def refused(match: str) -> Iterator[pytest.ExceptionInfo[UserError]]:
    """Expect a `UserError` whose message, remedy included, holds a pattern."""
    with pytest.raises(UserError) as caught:
        yield caught
    assert re.search(match, worded(caught.value))
