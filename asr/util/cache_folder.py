"""Folders of cached results that no other user can write to.

The content of a cache is trusted: arrays are indexed without checks, and numba runs the code that
it unpickles. Whoever can put a file there can run anything as the user. So a cache folder, and
every folder above it, must belong to the user or to root and be closed to other writers.
"""

import os
import stat
import sys
from pathlib import Path

#: Patterns of the files that the toolkit keeps in the folder: arrays, named by a digest with their
#: kind as suffix, arrays being written, and numba's compiled code. Other files are left alone.
DIGEST = "[0-9a-f]" * 32
ARRAYS = f"{DIGEST}.*"
UNFINISHED = f".{DIGEST}.*.partial*"
COMPILED = "numba/*/*.nb[ci]"
_ROOT = 0


class UnsafeFolderError(PermissionError):
    """A cache folder that other users could put files in."""

    def __init__(self, folder: Path, place: Path, why: str) -> None:
        self.folder, self.place, self.why = folder, place, why
        super().__init__(
            f"{place}: {why}" + ("" if place == folder else f", which holds {folder.name}")
        )


def make_cache_folder() -> Path:
    """Make the toolkit's own cache folder: `$ASR_CACHE`, else `asr` in the platform's.

    Raises:
        UnsafeFolderError: other users could write to it.
        OSError: it cannot be made.
        RuntimeError: the user's home folder is not known.
    """
    folder = make_private_folder(Path(os.environ.get("ASR_CACHE") or _platform_folder() / "asr"))
    if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):  # an earlier version let others read
        folder.chmod(stat.S_IRWXU)
    return folder


def _platform_folder() -> Path:
    """Folder for the caches of all programs of the user."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def make_private_folder(folder: Path) -> Path:
    """Make a folder for the user alone, unless it exists; return its path without links.

    Raises:
        UnsafeFolderError: other users could write to it, or put another folder in its place.
        OSError: it cannot be made.
    """
    folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    folder = folder.resolve()
    if hasattr(os, "getuid"):  # Windows protects a user's folders by other means
        for place in (folder, *folder.parents):
            if why := _who_could_write(place.stat(), within=place != folder):
                raise UnsafeFolderError(folder, place, why)
    return folder


def _who_could_write(found: os.stat_result, within: bool) -> str:
    """Say which other user could change the files in a folder; "" if none could.

    In a folder whose sticky bit is set, such as /tmp, nobody can replace the user's own files.
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
    """Whether the user is the only member of a group, as in Debian's and Fedora's user groups."""
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(number), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return group.gr_name == user.pw_name and {*group.gr_mem} <= {user.pw_name}
