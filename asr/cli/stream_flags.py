"""Flags of verbs that transcribe streams."""

import argparse
from typing import TYPE_CHECKING

from asr.util.errors import UserError
from asr.util.suggest import did_you_mean

if TYPE_CHECKING:
    from asr.inference.streaming import EndpointRules, StreamOptions


def add_streaming(group: "argparse._ArgumentGroup") -> None:
    """Add the flags of `stream_options`."""
    group.add_argument(
        "--chunk-ms", type=float, metavar="MS", help="audio that is encoded at a time (500)"
    )
    group.add_argument(
        "--right-context-ms",
        type=float,
        metavar="MS",
        help="audio behind it that a bidirectional model reads before it writes (what it was "
        "trained for, or 500)",
    )
    group.add_argument(
        "--endpoint",
        action="append",
        metavar="RULE.SETTING=X",
        help="a setting of Kaldi's rules for the end of an utterance, such as "
        "rule2.min_trailing_silence_s=0.8; may be repeated",
    )


def stream_options(args: argparse.Namespace) -> "StreamOptions":
    """Read the flags of `add_streaming`.

    Raises:
        UserError: a value that cannot be used.
    """
    from asr.inference.streaming import StreamOptions

    given = {
        name: value
        for name in ("chunk_ms", "right_context_ms")
        if (value := getattr(args, name)) is not None
    }
    return StreamOptions(**given, endpoints=_endpoints(args.endpoint or []))


def _endpoints(settings: list[str]) -> "EndpointRules":
    from dataclasses import asdict, replace

    from asr.inference.streaming import EndpointRules

    rules = EndpointRules()
    known = [f"{rule}.{name}" for rule, values in asdict(rules).items() for name in values]
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in known:
            raise UserError(f"--endpoint {setting}: unknown setting; {did_you_mean(name, known)}")
        rule, _, field = name.partition(".")
        changed = replace(getattr(rules, rule), **{field: _value(setting, field, value)})
        rules = replace(rules, **{rule: changed})
    return rules


def _value(setting: str, field: str, value: str) -> float | bool:
    if field == "must_contain_nonsilence":
        if value not in ("true", "false"):
            raise UserError(f"--endpoint {setting}: expected true or false, found {value!r}")
        return value == "true"
    try:
        return float(value)
    except ValueError:
        raise UserError(f"--endpoint {setting}: expected a number, found {value!r}") from None
