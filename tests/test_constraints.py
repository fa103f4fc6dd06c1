"""`constraints.txt` pins what `make setup` installs, with each Python that the project allows."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata

import pytest
import tiny
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((tiny.ROOT / "pyproject.toml").read_text())
MINORS = range(11, 20)
ALLOWED = SpecifierSet(PROJECT["project"]["requires-python"])
VERSIONS = [f"3.{minor}" for minor in MINORS if ALLOWED.contains(f"3.{minor}.0")]
#: What torch needs for a GPU; torch itself says which versions.
OF_TORCH = ("nvidia-", "cuda-", "triton")


def pins() -> dict[str, str]:
    lines = (tiny.ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def asked_for() -> list[Requirement]:
    """What `make setup` asks for: the dependencies, the extras it names, and the group `dev`."""
    found = re.search(r"'\.\[(.+)\]'", (tiny.ROOT / "Makefile").read_text())
    assert found is not None
    extras = PROJECT["project"]["optional-dependencies"]
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    lines += [line for name in found[1].split(",") for line in extras[name]]
    return [Requirement(line) for line in lines]


def needed(version: str) -> Iterator[Requirement]:
    """What has to be installed with this Python, as far as the packages installed here tell."""
    waiting, seen = asked_for(), set()
    while waiting:
        one = waiting.pop()
        if str(one) in seen or one.name.startswith(OF_TORCH):
            continue
        seen.add(str(one))
        yield one
        try:
            below = [Requirement(line) for line in metadata(one.name).get_all("Requires-Dist", [])]
        except PackageNotFoundError:  # only another Python needs it
            continue
        python = {"python_version": version, "python_full_version": f"{version}.0"}
        waiting += [
            other for other in below
            if other.marker is None
            or any(other.marker.evaluate({**python, "extra": extra}) for extra in {"", *one.extras})
        ]  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_is_installed_is_pinned(version: str) -> None:
    pinned = pins()
    for one in needed(version):
        name = canonicalize_name(one.name)
        assert name in pinned, f"with Python {version}, {one} is installed and not pinned"
        assert one.specifier.contains(pinned[name], prereleases=True), one


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_is_pinned_allows_this_python(version: str) -> None:
    for name in pins():
        try:
            allowed = SpecifierSet(metadata(name).get("Requires-Python", ""))
        except PackageNotFoundError:
            continue
        assert allowed.contains(f"{version}.0"), f"{name} needs Python {allowed}"


def test_the_versions_are_those_that_the_readme_names() -> None:
    assert f"Python {VERSIONS[0]} to {VERSIONS[-1]}" in (tiny.ROOT / "README.md").read_text()
