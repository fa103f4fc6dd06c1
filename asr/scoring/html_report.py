"""A report as one HTML page, which needs no other file and no network.

The page is `html_report.html`, rendered by jinja2. Its script sorts tables and utterances and plays
audio; without a script the utterances are in order, worst first. Errors differ by color (of Okabe
and Ito's palette, "Color Universal Design", 2008) and by letter. jinja2 escapes all text, and the
page's Content-Security-Policy allows no script or style but the page's own, and no network.
"""

import base64
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from asr.scoring.bootstrap import RESAMPLES, Interval
from asr.scoring.counts import ErrorCounts
from asr.scoring.report import Report, UtteranceResult
from asr.util.printable import printable

TEMPLATE = Path(__file__).with_name("html_report.html")
ERRORS_SHOWN = 30
#: The largest numbers of reference words of the groups by length.
LENGTHS = (2, 5, 10, 20)
LEVEL_STEP_DB = 5


@dataclass(frozen=True)
class UtteranceMedia:
    """Audio, picture and level of an utterance, for the page.

    Attributes:
        duration_s: of the audio.
        level_db: of the audio, as `asr.audio.level_db`.
        audio: a URL, ``data:`` where it is part of the page; None where there is none.
        picture: a ``data:`` URL of the spectrogram and posteriors, if drawn.
    """

    duration_s: float
    level_db: float
    audio: str | None
    picture: str | None = None


@dataclass(frozen=True)
class _Tile:
    """A rate in large print, with small notes below."""

    name: str
    rate: float
    notes: list[str]


@dataclass(frozen=True)
class _Group:
    """A row of a table: the errors of some utterances, and a bar of length 0..1 behind the rate."""

    label: str
    utterances: int
    words: ErrorCounts
    bar: float


@dataclass(frozen=True)
class _GroupTable:
    name: str
    rows: list[_Group]


def worst_first(report: Report) -> list[UtteranceResult]:
    """Sort all utterances: most errors first, utterances without errors last."""
    without_errors = [result for result in report.results if not result.words.errors]
    return [*report.worst(report.utterances), *without_errors]


def format_html(
    report: Report, title: str, media: Mapping[str, UtteranceMedia] | None = None
) -> str:
    """Write the page.

    Args:
        report: the result of `asr.scoring.score`.
        title: of the page, such as the names of the two files.
        media: utterance id to audio and picture; other utterances have their words alone.
    """
    shown = media or {}
    return _template().render(
        title=title,
        report=report,
        resamples=RESAMPLES,
        tiles=_make_tiles(report),
        group_tables=_make_group_tables(report, shown),
        frequent_errors=report.frequent_errors(ERRORS_SHOWN),
        utterances=[(result, shown.get(result.utterance_id)) for result in worst_first(report)],
    )


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        finalize=_escape_controls,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": _format_count,
        "csp_hash": _csp_hash,
        "decibels": _format_level,
        "number": _format_number,
        "percent": _format_rate,
    }
    environment.globals["blank"] = Markup("&nbsp;")
    return environment.get_template(TEMPLATE.name)


def _escape_controls(value: Any) -> Any:
    """Escape the control characters of a text; jinja2 calls this with each value it writes."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return printable(value) if is_text else value


def _csp_hash(text: str) -> Markup:
    """Hash a style or script of the page for the Content-Security-Policy that allows it."""
    hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(f"'sha256-{hashed}'")


def _make_tiles(report: Report) -> list[_Tile]:
    by_speaker = report.word_interval_by_speaker, report.character_interval_by_speaker
    tiles = [
        _make_tile(
            "Word error rate", report.words.corpus_rate, report.word_interval, by_speaker[0]
        ),
        _make_tile(
            "Character error rate",
            report.characters.corpus_rate,
            report.character_interval,
            by_speaker[1],
        ),
    ]
    note = f"{report.wrong_utterances} of {report.utterances} utterances"
    tiles.append(_Tile("Utterances with an error", report.sentence_error_rate, [note]))
    if report.oov_rate is not None:
        note = f"{report.out_of_vocabulary} of {report.words.reference_length} words"
        tiles.append(_Tile("Words outside the vocabulary", report.oov_rate, [note]))
    return tiles


def _make_tile(
    name: str, rate: float, interval: Interval | None, by_speaker: Interval | None
) -> _Tile:
    notes = ["interval unknown" if interval is None else _format_interval(interval)]
    return _Tile(
        name, rate, notes + ([f"{_format_interval(by_speaker)} by speaker"] if by_speaker else [])
    )


def _format_interval(interval: Interval) -> str:
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"


def _make_group_tables(report: Report, media: Mapping[str, UtteranceMedia]) -> list[_GroupTable]:
    tables = []
    if report.speakers is not None:
        by_speaker = sorted(report.results, key=lambda result: result.speaker or "")
        tables.append(_make_group_table("Speaker", by_speaker, lambda result: result.speaker or ""))
    by_length = sorted(report.results, key=lambda result: result.words.reference_length)
    tables.append(
        _make_group_table(
            "Length", by_length, lambda result: _name_length_group(result.words.reference_length)
        )
    )
    levels = {key: media_item.level_db for key, media_item in media.items()}
    known = [result for result in report.results if result.utterance_id in levels]
    if known:
        known.sort(key=lambda result: levels[result.utterance_id])
        tables.append(
            _make_group_table(
                "Level", known, lambda result: _name_level_group(levels[result.utterance_id])
            )
        )
    return tables


def _name_length_group(words: int) -> str:
    lowest = 0
    for highest in LENGTHS:
        if words <= highest:
            return f"{lowest} to {highest}"
        lowest = highest + 1
    return f"{lowest} and more"


def _name_level_group(level_db: float) -> str:
    if math.isinf(level_db):
        return "silent"
    low = math.floor(level_db / LEVEL_STEP_DB) * LEVEL_STEP_DB
    return f"{low} to {low + LEVEL_STEP_DB} dB".replace("-", "−")


def _make_group_table(
    name: str, results: Iterable[UtteranceResult], label: Callable[[UtteranceResult], str]
) -> _GroupTable:
    """Tabulate the word error rates of groups, in the order of their first utterances."""
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


def _format_count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _format_level(level_db: float) -> str:
    return f"{level_db:.0f} dB".replace("-", "−") if math.isfinite(level_db) else "silent"


def _format_rate(rate: float) -> str:
    if math.isnan(rate):
        return "unknown"
    return f"{100 * rate:.2f} %" if math.isfinite(rate) else "∞"


def _format_number(value: float) -> str:
    """Write a number as JavaScript reads it."""
    return f"{value:.6f}" if math.isfinite(value) else str(value).replace("inf", "Infinity")
