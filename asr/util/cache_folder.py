"""Folders of what is computed once and kept, which nobody else can write to.

What a cache holds is believed: arrays are indexed without checks, and numba runs the code that it
unpickles. Whoever can put a file there can do anything in our name. So a cache folder, and every
folder above it, has to belong to the user or to root and be closed to other writers.
"""

import os
import stat
from pathlib import Path

_ROOT = 0


class UnsafeFolderError(PermissionError):
    """A cache folder that others could put files in."""

    def __init__(self, folder: Path, place: Path, why: str) -> None:
        self.folder, self.place, self.why = folder, place, why
        super().__init__(
            f"{place}: {why}" + ("" if place == folder else f", which holds {folder.name}")
        )


def cache_folder() -> Path:
    """Make the toolkit's own cache folder, `$XDG_CACHE_HOME/asr` or `~/.cache/asr`.

    Raises:
        UnsafeFolderError: others could write to it.
        OSError: it cannot be made.
        RuntimeError: neither variable nor system says where the user's home is.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asr"
    folder = private_folder(folder)
    if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):  # an older one, open to readers
        folder.chmod(stat.S_IRWXU)
    return folder


def private_folder(folder: Path) -> Path:
    """Make a folder where it is missing, for the user alone, and return its path without links.

    Raises:
        UnsafeFolderError: others could write to it, or put another in its place.
        OSError: it cannot be made.
    """
    folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    folder = folder.resolve()
    if hasattr(os, "getuid"):  # Windows keeps a user's folders to the user by other means
        for place in (folder, *folder.parents):
            if why := _open_to_others(place.stat(), within=place != folder):
                raise UnsafeFolderError(folder, place, why)
    return folder


def _open_to_others(found: os.stat_result, within: bool) -> str:
    """Say who else could change what a folder holds; "" if nobody can.

    What belongs to the user in a folder such as /tmp, whose sticky bit is set, stays as it is.
    """
    if found.st_uid not in (_ROOT, os.getuid()):
        return "another user owns this folder"
    if within and found.st_mode & stat.S_ISVTX:
        return ""
    if found.st_mode & stat.S_IWOTH:
        return "every user can write to this folder"
    if found.st_mode & stat.S_IWGRP and not _is_own_group(found.st_gid):
        return "a group can write to this folder"
    return ""


def _is_own_group(number: int) -> bool:
    """Whether a group has the user as its only member, as Debian and Fedora give one to each."""
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(number), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return group.gr_name == user.pw_name and {*group.gr_mem} <= {user.pw_name}
