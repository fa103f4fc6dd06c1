"""A report as one HTML page that needs nothing beside it: no network, no other file.

The page is `html_report.html`, filled in by jinja2. Its few lines of script sort tables and
utterances and play sound; without them the utterances stand worst first. Errors differ by color
(of Okabe and Ito's palette, "Color Universal Design", 2008) and by mark, so that neither is needed
alone. Whatever people wrote is text: jinja2 escapes it, and the page's Content-Security-Policy
runs no script and loads no style but the page's own, and fetches nothing from a network.
"""

import base64
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from asr.scoring.bootstrap import RESAMPLES, Interval
from asr.scoring.counts import ErrorCounts
from asr.scoring.report import Report, UtteranceResult

TEMPLATE = Path(__file__).with_name("html_report.html")
ERRORS_SHOWN = 30
#: Most reference words in each group of lengths.
LENGTHS = (2, 5, 10, 20)
LEVEL_STEP_DB = 5
#: What shows nothing, or turns the text around it: control characters, separators of lines, marks
#: of direction, and the bytes of a file's name that is not UTF-8. Joiners, which shape the words
#: of Persian and Hindi, stay.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class UtteranceMedia:
    """What the page shows of an utterance besides its words.

    Attributes:
        duration_s: of its audio.
        level_db: mean power over full scale, -inf for digital silence.
        audio: a URL, ``data:`` where it is part of the page; None where there is none.
        picture: a ``data:`` URL of its spectrogram and posteriors, if it was drawn.
    """

    duration_s: float
    level_db: float
    audio: str | None
    picture: str | None = None


@dataclass(frozen=True)
class _Tile:
    """A rate in large print, with small notes below it."""

    name: str
    rate: float
    notes: list[str]


@dataclass(frozen=True)
class _Group:
    """A row of a table: the errors of some utterances; `bar` in 0..1 is drawn behind their rate."""

    label: str
    utterances: int
    words: ErrorCounts
    bar: float


@dataclass(frozen=True)
class _GroupTable:
    name: str
    rows: list[_Group]


def worst_first(report: Report) -> list[UtteranceResult]:
    """All utterances, those with most errors first, those without any last."""
    right = [result for result in report.results if not result.words.errors]
    return [*report.worst(report.utterances), *right]


def format_html(
    report: Report, title: str, media: Mapping[str, UtteranceMedia] | None = None
) -> str:
    """Write the page.

    Args:
        report: what `asr.scoring.score` returned.
        title: what was scored against what.
        media: utterance id to its audio; those of other utterances show their words alone.
    """
    shown = media or {}
    return _template().render(
        title=title,
        report=report,
        resamples=RESAMPLES,
        tiles=_tiles(report),
        group_tables=_group_tables(report, shown),
        frequent_errors=report.frequent_errors(ERRORS_SHOWN),
        utterances=[(result, shown.get(result.utterance_id)) for result in worst_first(report)],
    )


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": _counted,
        "csp_hash": _csp_hash,
        "decibels": _decibels,
        "number": _number,
        "percent": _percent,
    }
    environment.globals["blank"] = Markup("&nbsp;")
    return environment.get_template(TEMPLATE.name)


def _printable(value: Any) -> Any:
    """Escape what cannot be seen in a text; every value that the template shows comes by here."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), value)


def _csp_hash(text: str) -> Markup:
    """What lets a style or script of the page itself pass its Content-Security-Policy."""
    hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(f"'sha256-{hashed}'")


def _tiles(report: Report) -> list[_Tile]:
    by_speaker = report.word_interval_by_speaker, report.character_interval_by_speaker
    tiles = [
        _rate("Word error rate", report.wer, report.word_interval, by_speaker[0]),
        _rate("Character error rate", report.cer, report.character_interval, by_speaker[1]),
    ]
    note = f"{report.wrong_utterances} of {report.utterances} utterances"
    tiles.append(_Tile("Utterances with an error", report.sentence_error_rate, [note]))
    if report.oov_rate is not None:
        note = f"{report.out_of_vocabulary} of {report.words.reference_length} words"
        tiles.append(_Tile("Words outside the vocabulary", report.oov_rate, [note]))
    return tiles


def _rate(name: str, rate: float, interval: Interval | None, by_speaker: Interval | None) -> _Tile:
    notes = ["interval unknown" if interval is None else _range(interval)]
    return _Tile(name, rate, notes + ([f"{_range(by_speaker)} by speaker"] if by_speaker else []))


def _range(interval: Interval) -> str:
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"


def _group_tables(report: Report, media: Mapping[str, UtteranceMedia]) -> list[_GroupTable]:
    tables = []
    if report.speakers is not None:
        by_speaker = sorted(report.results, key=lambda result: result.speaker or "")
        tables.append(_group_table("Speaker", by_speaker, lambda result: result.speaker or ""))
    by_length = sorted(report.results, key=lambda result: result.words.reference_length)
    tables.append(
        _group_table(
            "Length", by_length, lambda result: _length_group(result.words.reference_length)
        )
    )
    levels = {key: media_item.level_db for key, media_item in media.items()}
    known = [result for result in report.results if result.utterance_id in levels]
    if known:
        known.sort(key=lambda result: levels[result.utterance_id])
        tables.append(
            _group_table("Level", known, lambda result: _level_group(levels[result.utterance_id]))
        )
    return tables


def _length_group(words: int) -> str:
    lowest = 0
    for highest in LENGTHS:
        if words <= highest:
            return f"{lowest} to {highest}"
        lowest = highest + 1
    return f"{lowest} and more"


def _level_group(level_db: float) -> str:
    if math.isinf(level_db):
        return "silent"
    low = math.floor(level_db / LEVEL_STEP_DB) * LEVEL_STEP_DB
    return f"{low} to {low + LEVEL_STEP_DB} dB".replace("-", "−")


def _group_table(
    name: str, results: Iterable[UtteranceResult], label: Callable[[UtteranceResult], str]
) -> _GroupTable:
    """Tabulate the word error rate of groups, in the order in which they come."""
    groups: dict[str, list[UtteranceResult]] = {}
    for result in results:
        groups.setdefault(label(result), []).append(result)
    counts = {
        group: ErrorCounts.total(result.words for result in members)
        for group, members in groups.items()
    }
    finite = [count.rate for count in counts.values() if math.isfinite(count.rate)]
    highest = max([*finite, 1e-9])
    rows = [
        _Group(group, len(groups[group]), count, bar=min(1.0, count.rate / highest))
        for group, count in counts.items()
    ]
    return _GroupTable(name, rows)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _decibels(level_db: float) -> str:
    return f"{level_db:.0f} dB".replace("-", "−") if math.isfinite(level_db) else "silent"


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f} %" if math.isfinite(rate) else "∞"


def _number(value: float) -> str:
    """A number as JavaScript reads it."""
    return f"{value:.6f}" if math.isfinite(value) else str(value).replace("inf", "Infinity")
