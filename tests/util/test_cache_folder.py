"""A cache folder that another user could write to is refused."""

import os
import stat
import sys
from pathlib import Path

import pytest

from asr.util import cache_folder as caches
from asr.util.cache_folder import UnsafeFolderError, make_cache_folder, make_private_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX systems")


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_the_folder_is_made_for_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASR_CACHE", str(tmp_path / "new"))
    assert make_cache_folder() == tmp_path / "new"
    assert mode(make_cache_folder()) == 0o700


@pytest.mark.parametrize(
    ("platform", "variable", "found"),
    [
        ("linux", "XDG_CACHE_HOME", "given/asr"),
        ("linux", None, "home/.cache/asr"),
        ("darwin", None, "home/Library/Caches/asr"),
        ("win32", "LOCALAPPDATA", "given/asr"),
        ("win32", None, "home/AppData/Local/asr"),
    ],
)
def test_without_the_variable_it_is_in_the_folder_of_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variable: str | None, found: str
) -> None:
    for name in ("ASR_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    if variable is not None:
        monkeypatch.setenv(variable, str(tmp_path / "given"))
    assert make_cache_folder() == tmp_path / found


def test_a_folder_that_others_can_read_is_closed_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASR_CACHE", str(tmp_path))
    tmp_path.chmod(0o755)
    assert mode(make_cache_folder()) == 0o700


@pytest.mark.parametrize("open_one", ["folder", "folder/of/caches"])
def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path, open_one: str) -> None:
    folder = tmp_path / "folder" / "of" / "caches"
    folder.mkdir(parents=True)
    make_private_folder(folder)
    (tmp_path / open_one).chmod(0o777)
    with pytest.raises(UnsafeFolderError, match="every user can write to this folder") as refused:
        make_private_folder(folder)
    assert str(refused.value).startswith(f"{tmp_path / open_one}: ")


def test_a_sticky_folder_may_hold_a_cache_folder_but_be_none(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    make_private_folder(tmp_path / "tmp" / "own")
    with pytest.raises(UnsafeFolderError):
        make_private_folder(tmp_path / "tmp")


@pytest.mark.parametrize("own", [True, False])
def test_a_group_of_the_user_alone_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    tmp_path.chmod(0o770)
    monkeypatch.setattr(caches, "_is_own_group", lambda _: own)
    if own:
        make_private_folder(tmp_path)
    else:
        with pytest.raises(UnsafeFolderError, match="a group can write to this folder"):
            make_private_folder(tmp_path)


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `sudo`, root has the user's home, and must not run the files in it."""
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    monkeypatch.setattr(caches, "_ROOT", -1)
    with pytest.raises(UnsafeFolderError, match="another user owns this folder"):
        make_private_folder(tmp_path)


def test_a_link_is_resolved(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert make_private_folder(tmp_path / "link") == tmp_path / "disk"
