"""Python's search for garbage, which is in vain while a program starts."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Search for no garbage within: what imports and models make stays.

    The collector would walk through all of it again and again, a tenth of a start's time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
