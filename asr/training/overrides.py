"""Overrides of a recipe as a shell gives them: paths and other texts are taken as typed.

Hydra's grammar knows letters of ASCII, and reads commas, brackets, ``=``, ``#`` and quotes as its
own, so that a path of somebody's disk is often none of its values. Its quotes make any text one.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.core.override_parser.types import Quote, QuotedString

from asr.config import SETTINGS

_SWEEPS = ("-m", "--multirun")
_FUNCTION = re.compile(r"(choice|glob|shuffle|sort|tag|str|extend_list)\(.*\)", re.DOTALL)
_KEY = re.compile(r"(\+{0,2}([\w.]+))=(.*)", re.DOTALL)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_LIST = re.compile(r"\[.*\]", re.DOTALL)
#: An element between commas: quotations whole, and whatever else.
_ELEMENT = re.compile(r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^,])+", re.DOTALL)


def is_override(argument: str) -> bool:
    """Tell an override (``key=value``, ``~key``) from Hydra's flags and their values."""
    return argument[0] != "-" and ("=" in argument or argument[0] == "~") if argument else False


def quote_texts(arguments: Sequence[str]) -> list[str]:
    """Quote the values of settings that are texts (`Setting.is_path` or `is_text`) for Hydra.

    What Hydra's users write stays: a quoted value, ``null``, and an interpolation. A sweep over
    several values keeps its commas, unless there is a file of that whole name, and so does a list
    where the setting takes one.
    """
    sweep = any(argument in _SWEEPS for argument in arguments)
    return [_quote_override(argument, sweep) for argument in arguments]


def _quote_override(argument: str, sweep: bool) -> str:
    match = _KEY.fullmatch(argument)
    if match is None or match[2] not in SETTINGS:
        return argument
    prefix, key, value = match.groups()
    is_path, takes_list = SETTINGS[key].is_path, SETTINGS[key].takes_list
    if not (is_path or SETTINGS[key].is_text) or not value or _is_hydras(value, sweep):
        return argument
    exists = is_path and _exists(value)
    if takes_list and not exists and _LIST.fullmatch(value):
        elements = ",".join(_quote(element, is_path) for element in _split(value[1:-1]))
        return f"{prefix}=[{elements}]"
    if sweep and "," in value and not exists and not (key == "run_dir" and "=" in value):
        return f"{prefix}={','.join(_quote(element, is_path) for element in _split(value))}"
    return f"{prefix}={_quote(value, is_path)}"


def _is_hydras(value: str, sweep: bool) -> bool:
    """Whether Hydra is to read a value: it is quoted, ``null``, or a function of a sweep."""
    quoted = _QUOTED.fullmatch(value) is not None
    return quoted or value in ("null", "???") or bool(sweep and _FUNCTION.fullmatch(value))


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long; no such user; a zero byte
        return False


def _split(value: str) -> Iterator[str]:
    """Split at the commas outside quotations."""
    return (element.strip() for element in _ELEMENT.findall(value) if element.strip())


def _quote(text: str, is_path: bool) -> str:
    """Quote a text that is not quoted; ``~/`` at the start of a path is the home folder."""
    if _QUOTED.fullmatch(text):
        return text
    if is_path and (text == "~" or text.startswith("~/")):
        text = str(Path(text).expanduser())
    if "${" in text and "}" not in text:  # no interpolation, which ends in a brace
        text = text.replace("${", r"\${")
    return QuotedString(text, Quote.single).with_quotes()
