"""Arrays that take long to make, kept in the user's cache folder.

A cache file is trusted only if its folder can be written by its owner alone
(`asr.util.cache_folder`), its checksum is right, it is of this version's kind
(`asr.util.array_file`), and its facts name what it would be made from now. Otherwise it is made
anew. Without a folder that can be written, nothing is kept.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from asr.util.array_file import Contents, DamagedError, read_arrays, write_arrays
from asr.util.cache_folder import UnsafeFolderError, make_cache_folder
from asr.util.files import remove_partials

_IDLE_S = 60.0  # a partial file unchanged for so long has lost its writer


def load_or_make(
    name: str,
    kind: str,
    is_current: Callable[[dict[str, Any]], bool],
    make: Callable[[], Contents],
) -> Contents:
    """Map a cache file, which is made where none is valid.

    Args:
        name: of the file in the cache folder.
        kind: what the arrays are, and the version of their layout.
        is_current: tells by a file's facts whether `make` would return its arrays now.
        make: makes the contents. Its errors are raised, and nothing is kept.

    Warns:
        UserWarning: the file was damaged, or others could write to its folder.
    """
    file = _find(name)
    if file is None:
        return make()
    try:
        contents = read_arrays(file, kind)
        if is_current(contents.facts):
            return contents
    except DamagedError as error:
        warnings.warn(f"{file}: {error}; it is made anew", stacklevel=2)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # there is no file of this kind
    contents = make()
    with suppress(OSError):  # the file cannot be written
        write_arrays(file, kind, *contents)
    return contents


def _find(name: str) -> Path | None:
    """Path of a cache file, existing or not; None where there can be none."""
    try:
        folder = make_cache_folder()
    except UnsafeFolderError as error:
        warnings.warn(
            f"{error}, so nothing is kept there and each start takes longer; set XDG_CACHE_HOME "
            "to a folder of your own",
            stacklevel=1,  # one place for all callers, so that Python shows the warning once
        )
        return None
    except (OSError, RuntimeError):  # no home folder, as in containers, or one without access
        return None
    with suppress(OSError):
        remove_partials(folder, _IDLE_S)
    return folder / name
