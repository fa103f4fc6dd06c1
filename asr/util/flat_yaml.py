"""Settings in YAML, a `key: value` on each line, read with their line numbers.

A file may come from a stranger, and YAML can hold lists nested without end, anchors that expand to
gigabytes and tags that make objects. Here the file is read event by event, and anything but a plain
value is refused at its first event.
"""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from asr.util.text_files import TextError, line_number, read_text

#: The most characters of a file; PyYAML reads about 100,000 a second.
LONGEST = 50_000
_KINDS = {
    yaml.AliasEvent: "an alias",
    yaml.MappingStartEvent: "a mapping",
    yaml.ScalarEvent: "a single value",
    yaml.SequenceStartEvent: "a list",
}
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class Setting(NamedTuple):
    """A value in the type that YAML gives it, but dates as text, and its line."""

    value: Any
    line: int


def read_flat(path: Path) -> dict[str, Setting]:
    """Read the settings of a file.

    Raises:
        TextError: the file cannot be read as text, is longer than `LONGEST`, is no YAML, has
            anything but `key: value` lines, or has a key twice.
    """
    text = read_text(path)
    if len(text) > LONGEST:
        found = f"{len(text):,} characters, expected {LONGEST:,} at most"
        raise TextError(f"{path}", f"{found}; it holds `option: value` lines alone")
    settings: dict[str, Setting] = {}
    scalars = _scalars(text, path)
    for key, value in zip(scalars[::2], scalars[1::2], strict=True):
        line = _line(key.start_mark)
        if before := settings.get(key.value):
            detail = f"{key.value[:60]} stands already in line {before.line}; keep one of them"
            raise TextError(f"{path}:{line}", detail)
        try:
            settings[key.value] = Setting(_construct(value), line)
        except (ValueError, OverflowError) as error:
            detail = f"{key.value[:60]} is no value ({error}); write it again"
            raise TextError(f"{path}:{line}", detail) from error
    return settings


def _scalars(text: str, path: Path) -> list[yaml.ScalarEvent]:
    """List the keys and values of the mapping alternately."""
    inside, scalars = False, []
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if inside and isinstance(event, yaml.ScalarEvent) and event.tag is None:
                scalars.append(event)
            elif not inside and isinstance(event, yaml.MappingStartEvent) and event.tag is None:
                inside = True
            elif isinstance(event, yaml.NodeEvent):
                kind = _KINDS[type(event)] if getattr(event, "tag", None) is None else "a tag"
                detail = f"expected `option: value` lines, found {kind}"
                raise TextError(f"{path}:{_line(event.start_mark)}", detail)
    except yaml.reader.ReaderError as error:  # a character that YAML does not allow
        line = line_number(text[: error.position].encode(), len(text))
        raise TextError(f"{path}:{line}", f"cannot be read as YAML: {error.reason}") from error
    except yaml.MarkedYAMLError as error:
        where = f"{path}:{_line(error.problem_mark)}"
        raise TextError(where, f"cannot be read as YAML: {error.problem}") from error
    if not inside:
        raise TextError(f"{path}", "expected `option: value` lines, found none")
    return scalars


def _construct(event: yaml.ScalarEvent) -> Any:
    """Make the value of a scalar; a date stays text."""
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag == _TIMESTAMP:
        return event.value
    return loader.construct_object(yaml.ScalarNode(tag, event.value))


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 1
