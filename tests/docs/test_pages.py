"""Every command on a page parses, every quick one runs, and every link leads somewhere."""

import contextlib
import re
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
import tiny
from pages import MARKS, PAGES, ROOT, Command, blocks, commands, prose

from asr.cli import main, make_parser

COMMANDS = [c for page in PAGES for c in commands(page) if c.block.mark != "example"]
RUN = [page for page in PAGES if any(c.verb and not c.block.mark for c in commands(page))]
PROGRAMS = {
    "cd",
    "tensorboard",
    "zcat",
    "grep",
    "head",
    "lhotse",
    "awk",
    "gzip",
    "cat",
    "uv",
    "git",
    "npm",
    "node",
    "cp",
    "python3",
}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
#: Of its own recipe, a training run by the tests has a size that takes a second.
QUICK = [*tiny.MODEL, "trainer.epochs=1"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_have_a_language_and_known_marks(page: Path) -> None:
    for block in blocks(page):
        assert block.language, f"{block}: name the language: sh, python, text, ..."
        assert block.language != "sh" or block.mark in MARKS, block
    indented = re.findall(r"^ {4}\S.*", prose(page), re.MULTILINE)
    assert not indented, "code stands in fenced blocks"


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_command_exists(command: Command) -> None:
    program, *arguments = command.words
    if command.verb is not None:
        parse(command.verb)
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {word for word in arguments if "=" not in word} <= set(targets)
    elif program in ("python", "bash", "PYTHONPATH=peer"):
        script = next(word for word in arguments if word.endswith((".py", ".sh")))
        check_flags(ROOT / script, arguments)
    elif program == "pip":
        extras = re.findall(r"\[([\w,]+)\]", " ".join(arguments))
        assert {name for group in extras for name in group.split(",")} <= set(EXTRAS)
    elif program.startswith((".", "recipes/", "runs/")):
        assert (ROOT / program).is_file() or program.startswith(".venv/bin/")
    else:
        assert program in PROGRAMS


def parse(arguments: Sequence[str]) -> None:
    """Parse a command; compose the settings of a training."""
    make_parser().parse_args(arguments)
    if arguments[0] != "train":
        return
    if "-m" in arguments:  # one job of the sweep
        arguments = [re.sub(r"=([^\[,]+),.*", r"=\1", word) for word in arguments if word != "-m"]
    assert main([*arguments, *(["--cfg", "job"] if "--cfg" not in arguments else [])]) == 0


def check_flags(script: Path, arguments: Sequence[str]) -> None:
    """Hold a script's flags against those that its source names."""
    source = script.read_text()
    for flag in [word for word in arguments if word.startswith("--")]:
        assert f'"{flag}"' in source, f"{script.name} has no {flag}"


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page: Path, example: Path) -> None:
    for command in commands(page):
        if command.verb is None or command.block.mark:
            continue
        arguments = [*command.verb]
        if command.verb[0] == "train":
            arguments += QUICK
            run_dir = next(word for word in arguments if word.startswith("run_dir="))
            shutil.rmtree(run_dir.removeprefix("run_dir="), ignore_errors=True)
        with contextlib.ExitStack() as stack:
            if command.output:
                file = stack.enter_context(Path(command.output).open("w"))
                stack.enter_context(contextlib.redirect_stdout(file))
            assert main(arguments) == 0, command


def flags_of(verb: str) -> set[str]:
    """List the flags of a verb and of its actions."""
    choices = make_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    parsers = [choices[verb]]
    for action in parsers[0]._actions:
        if isinstance(action.choices, dict):
            parsers += action.choices.values()
    return {flag for parser in parsers for flag in parser._option_string_actions}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_within_a_sentence_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md":  # which tells of flags as they were
        return
    for verb, rest in re.findall(r"`asr ([a-z]+)\b([^`]*)`", prose(page)):
        unknown = set(re.findall(r"--[\w-]+", rest)) - flags_of(verb)
        assert verb == "train" or not unknown, f"asr {verb} has no {unknown}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose(page)):
        assert (page.parent / target).exists(), target


def test_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 135
    numbers = re.findall(r"\d+(?:[.,]\d+)*", text)
    assert len(numbers) <= 0.055 * len(text.split())
