"""Errors of Hydra as one sentence each, with the nearest right name for a wrong one."""

import re
from collections.abc import Sequence
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import yaml
from hydra.errors import MissingConfigException, OverrideParseException

from asr.config import SETTINGS, TrainConfig, flatten
from asr.util.paths import CONF
from asr.util.suggest import did_you_mean

NOT_A_RECIPE = "a recipe builds on conf/train.yaml; begin it with `defaults: [/train, _self_]`"
_QUOTING = (
    "write key=value, or \"key='value'\" where the value has more than letters from a to z, "
    "digits and ./-_"
)
_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def explain(error: Exception, recipe: str) -> str:
    """Describe an error that was raised while a recipe's settings were composed.

    Args:
        error: from Hydra, OmegaConf, the YAML parser or the file system.
        recipe: the recipe's file, for errors that name no file.
    """
    text = str(error)
    if isinstance(error, yaml.YAMLError | UnicodeDecodeError):
        return f"{recipe}: not a YAML file ({_one_line(text)}); mend it"
    if isinstance(error, OverrideParseException):
        reason = _one_line(text.split("See https")[0])
        return f"{error.override}: not an override that can be read ({reason}); {_QUOTING}"
    if isinstance(error, MissingConfigException):
        return _missing_option(error, recipe)
    if system := _system_error(error):
        place = system.filename or recipe
        return f"{place}: cannot be written: {system.strerror}; choose another run_dir"
    if missing := re.search(r"[Mm]issing mandatory value: ([\w.]+)", text):
        return f"{missing[1]}: has no value; give it one, as in {missing[1]}=..."
    if ambiguous := re.search(r"Ambiguous value for argument '(.+?)'\n", text):
        return f"{ambiguous[1]}: several values; put -m behind to try each, or [...] for a list"
    return _wrong_override(error) or f"{recipe}: {_one_line(text)}"


def unknown_setting(values: dict[str, Any]) -> str | None:
    """Describe the first setting outside the schema, since Hydra accepts any `+key=value`."""
    unknown = [key for key in flatten(values) if key not in SETTINGS]
    return _no_such_setting(unknown[0]) if unknown else None


def _wrong_override(error: Exception) -> str | None:
    text, cause = str(error), str(error.__cause__ or "")
    if match := re.search(r"Could not override '([\w.@/:]+)'", text):
        return NOT_A_RECIPE if match[1] in SETTINGS else _no_such_setting(match[1])
    if match := re.search(r"Key '(\w+)' not in '(\w+)'", text):
        return _no_such_setting(_place(match[2]) + match[1])
    if match := re.search(r"Error merging override (~?)\+*([\w.]+)(=.*)?", text):
        if match[1]:
            return f"{match[2]}: this setting cannot be left out; give it another value"
        expected, found = _expected(match[2]), (match[3] or "=")[1:]
        return f"{match[2]}: expected {expected or _one_line(cause)}, found {found}"
    if "Config group override must be a string" in text:
        return (
            f"a whole group of settings ({', '.join(_groups())}) is chosen by the name of a file "
            "in its folder of conf/, as in encoder=blstm"
        )
    return None


def _no_such_setting(key: str) -> str:
    known = SETTINGS if "." in key else _groups()
    hint = did_you_mean(key, known, "the files of conf/ list them", cutoff=0.5)
    return f"{key}: there is no such setting; {hint}"


def _missing_option(error: MissingConfigException, recipe: str) -> str:
    wanted = error.missing_cfg_file or recipe
    group, _, option = wanted.strip("/").rpartition("/")
    options = _options(group)
    if not options:
        return f"{recipe}: builds on {wanted}, which is neither beside it nor in conf/"
    hint = did_you_mean(option, options, cutoff=0.5)
    return f"{group}={option}: there is no such option; {hint}"


def _options(group: str) -> list[str]:
    """List the options of a group of settings."""
    options = {path.stem for path in (CONF / group).glob("*.yaml")} if group else set()
    if group == "encoder":
        from asr.encoders import ENCODERS  # which takes seconds

        options |= set(ENCODERS)
    return sorted(options)


def _groups() -> list[str]:
    return sorted(folder.name for folder in CONF.iterdir() if folder.is_dir())


def _place(schema_name: str) -> str:
    """Return the dotted prefix of a class of the schema: `encoder.` for EncoderConfig."""
    kinds = get_type_hints(TrainConfig).items()
    groups = (name for name, kind in kinds if getattr(kind, "__name__", None) == schema_name)
    return next((f"{name}." for name in groups), "")


def _expected(key: str) -> str | None:
    """Describe the type of a setting: list[float] is "a list of numbers"."""
    if key not in SETTINGS:
        return None
    kind = SETTINGS[key].kind
    if get_origin(kind) is list:
        return "a list of numbers, as in [0.9,1.1]"
    parts: Sequence[Any] = get_args(kind) if isinstance(kind, UnionType) else [kind]
    return " or ".join(_WORDS.get(part, "null") for part in parts)


def _system_error(error: BaseException | None) -> OSError | None:
    """Find the file system's error among the causes of an error."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__
    return error


def _one_line(text: str) -> str:
    return " ".join(text.split())
