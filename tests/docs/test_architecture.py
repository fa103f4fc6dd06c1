"""docs/architecture.md names functions, files and packages that exist, and all packages."""

import importlib
import re
from pathlib import Path

import pytest
from pages import ROOT, blocks
from test_imports import LAYERS

PAGE = ROOT / "docs" / "architecture.md"
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", PAGE.read_text())))
NAMES = [span for span in SPANS if re.fullmatch(r"asr(\.\w+)+", span)]
PATHS = [span for span in SPANS if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", span)]


@pytest.mark.parametrize("name", NAMES)
def test_name_exists(name: str) -> None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return
    pytest.fail(f"no {name}")


@pytest.mark.parametrize("path", PATHS)
def test_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_package_is_in_the_map() -> None:
    packages = {path.parent for path in (ROOT / "asr").glob("*/__init__.py")}
    assert {str(package.relative_to(ROOT)) for package in packages} <= set(PATHS)


def test_layers_are_those_of_the_test_of_imports() -> None:
    (block,) = (block for block in blocks(PAGE) if block.mark == "layers")
    assert [set(line.split()) for line in block.text.splitlines()] == LAYERS


def test_page_says_what_it_is_checked_by() -> None:
    assert Path(__file__).parent.relative_to(ROOT).as_posix() in SPANS
