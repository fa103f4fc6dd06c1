"""Libraries raise errors with data; the command line words the remedies, by its flags."""

import ast
import re
from pathlib import Path

import pytest
import tiny

from asr.cli.remedies import REMEDIES, worded
from asr.util.errors import UserError, UserNote

LIBRARY = sorted(set((tiny.ROOT / "asr").rglob("*.py")) - set((tiny.ROOT / "asr/cli").rglob("*")))
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def strings(path: Path) -> list[str]:
    """List a file's messages: its string literals but for docstrings and the names of flags."""
    tree = ast.parse(path.read_text())
    owners = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    docstrings = {id(node.body[0].value) for node in owners if isinstance(node.body[0], ast.Expr)}
    literals = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [
        node.value
        for node in literals
        if isinstance(node.value, str)
        and id(node) not in docstrings
        and not re.fullmatch(r"--[a-z-]+", node.value)  # Hydra's, which a recipe's overrides know
    ]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(tiny.ROOT)))
def test_libraries_never_mention_a_flag(path):
    assert [text for text in strings(path) if re.search(r"(?<!\w)--[a-z]", text)] == []


def test_every_remedy_is_named_by_some_error():
    named = {text for path in LIBRARY for text in strings(path)}
    assert set(REMEDIES) <= named


def test_every_remedy_that_an_error_names_is_worded():
    keys = {
        keyword.value.value
        for path in LIBRARY
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "remedy" and isinstance(keyword.value, ast.Constant)
    }
    assert keys
    assert keys <= set(REMEDIES)


def test_a_remedy_stands_behind_the_first_line_with_the_error_s_details():
    error = UserError("a.txt: there is none\n  more", remedy="make_lexicon", path="a.txt")
    first, second = worded(error).splitlines()
    assert first.startswith("a.txt: there is none; `asr lexicon TEXT --output a.txt` makes one, or")
    assert second == "  more"
    assert worded(UserError("a.txt: bad; mend it")) == "a.txt: bad; mend it"
    assert worded(UserNote("short", remedy="mix_channels")) == "short; use --channel mix"


def test_an_error_that_is_reworded_keeps_its_remedy():
    error = UserError("there is none", remedy="make_lexicon", path="a.txt")
    assert worded(error.reworded("b: there is none")).startswith("b: there is none; `asr lexicon")
