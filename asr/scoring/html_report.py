"""A report as one HTML page that needs nothing beside it: no network, no other file.

The page is `html_report.html` with its gaps filled here. Its few lines of script sort tables and
utterances; without them the utterances stand worst first. Errors differ by colour (of Okabe and
Ito's palette, "Color Universal Design", 2008) and by mark, so that neither is needed alone.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from asr.scoring.alignment import AlignedWord, Alignment
from asr.scoring.bootstrap import RESAMPLES, Interval
from asr.scoring.counts import ErrorCounts
from asr.scoring.report import Report, UtteranceResult

TEMPLATE = Path(__file__).with_name("html_report.html")
CONFUSIONS_SHOWN = 30
#: Most reference words in each group of lengths.
LENGTHS = (2, 5, 10, 20)
LEVEL_STEP_DB = 5
MARKS = {"substitution": "S", "deletion": "D", "insertion": "I"}


@dataclass(frozen=True)
class Exhibit:
    """What the page shows of an utterance besides its words.

    Attributes:
        duration_s: of its audio.
        level_db: mean power over full scale, -inf for digital silence.
        audio: a URL, ``data:`` where it is part of the page; None where there is none.
        picture: a ``data:`` URL of how it was heard, if it was drawn.
    """

    duration_s: float
    level_db: float
    audio: str | None
    picture: str | None = None


def worst_first(report: Report) -> list[UtteranceResult]:
    """All utterances, those with most errors first, those without any last."""
    right = [result for result in report.results if not result.words.errors]
    return [*report.worst(report.utterances), *right]


def format_html(report: Report, title: str, exhibits: Mapping[str, Exhibit] | None = None) -> str:
    """Write the page.

    Args:
        report: what `asr.scoring.score` returned.
        title: what was scored against what.
        exhibits: utterance id to its audio; those of other utterances show their words alone.
    """
    shown = exhibits or {}
    words = report.words
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        title=escape(title),
        rates="".join(_rates(report)),
        counts=escape(
            f"{words.substitutions} words substituted, {words.deletions} deleted and "
            f"{words.insertions} inserted, of {words.reference_length}. "
            f"Intervals hold 95 % of {RESAMPLES} bootstrap resamples of the utterances"
            + (", or of whole speakers." if report.word_interval_by_speaker else ".")
        ),
        groups="".join(_groups(report, shown)),
        confusions=_confusions(report),
        utterances="\n".join(
            _utterance(result, shown.get(result.utterance_id)) for result in worst_first(report)
        ),
    )


def _rates(report: Report) -> Iterable[str]:
    by_speaker = report.word_interval_by_speaker, report.character_interval_by_speaker
    yield _rate("Word error rate", report.wer, report.word_interval, by_speaker[0])
    yield _rate("Character error rate", report.cer, report.character_interval, by_speaker[1])
    note = f"{report.wrong_utterances} of {report.utterances} utterances"
    yield _tile("Utterances with an error", report.sentence_error_rate, [note])
    if report.oov_rate is not None:
        note = f"{report.out_of_vocabulary} of {report.words.reference_length} words"
        yield _tile("Words outside the vocabulary", report.oov_rate, [note])


def _rate(name: str, rate: float, interval: Interval | None, by_speaker: Interval | None) -> str:
    notes = ["interval unknown" if interval is None else _range(interval)]
    return _tile(name, rate, notes + ([f"{_range(by_speaker)} by speaker"] if by_speaker else []))


def _range(interval: Interval) -> str:
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"


def _tile(name: str, rate: float, notes: list[str]) -> str:
    small = "".join(f"<small>{escape(note)}</small>" for note in notes)
    return f"<div><dt>{escape(name)}</dt><dd>{_percent(rate)} {small}</dd></div>"


def _groups(report: Report, exhibits: Mapping[str, Exhibit]) -> Iterable[str]:
    if report.speakers is not None:
        by_speaker = sorted(report.results, key=lambda result: result.speaker or "")
        yield _group_table("Speaker", by_speaker, lambda result: result.speaker or "")
    by_length = sorted(report.results, key=lambda result: result.words.reference_length)
    yield _group_table(
        "Words said", by_length, lambda result: _length_group(result.words.reference_length)
    )
    heard = [result for result in report.results if result.utterance_id in exhibits]
    if heard:
        levels = {result.utterance_id: exhibits[result.utterance_id].level_db for result in heard}
        heard.sort(key=lambda result: levels[result.utterance_id])
        yield _group_table("Level", heard, lambda result: _level_group(levels[result.utterance_id]))


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
) -> str:
    """Tabulate the word error rate of groups, in the order in which they come."""
    groups: dict[str, list[UtteranceResult]] = {}
    for result in results:
        groups.setdefault(label(result), []).append(result)
    counts = {
        group: ErrorCounts.total(result.words for result in members)
        for group, members in groups.items()
    }
    finite = [count.rate for count in counts.values() if math.isfinite(count.rate)]
    scale = max([*finite, 1e-9])
    rows = [
        f'<tr><th scope="row" data-key="{number}">{escape(group)}</th>'
        f"<td>{len(groups[group])}</td><td>{count.reference_length}</td>"
        f'<td class="bar" data-key="{_number(count.rate)}">'
        f'<i style="width:{min(100.0, 100 * count.rate / scale):.1f}%"></i>'
        f"{_percent(count.rate)}</td></tr>"
        for number, (group, count) in enumerate(counts.items())
    ]
    heads = f'<th scope="col">{name}</th><th scope="col">utts</th>'
    return _table(heads + '<th scope="col">words</th><th scope="col">WER</th>', rows)


def _confusions(report: Report) -> str:
    errors = report.frequent_errors(CONFUSIONS_SHOWN)
    if not errors:
        return "<p>There are none.</p>"
    rows = [
        f"<tr><td>{count}</td><td>{escape(column.reference or '')}</td>"
        f"<td>{escape(column.hypothesis or '')}</td>"
        f'<td><span class="{column.kind}"><span>{column.kind}</span>{_mark(column)}</span></td>'
        "</tr>"
        for column, count in errors
    ]
    names = ("times", "said", "recognised", "kind")
    return _table("".join(f'<th scope="col">{name}</th>' for name in names), rows)


def _table(heads: str, rows: Iterable[str]) -> str:
    body = "\n".join(rows)
    return (
        f'<div class="table"><table><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _utterance(result: UtteranceResult, exhibit: Exhibit | None) -> str:
    words = result.words
    facts = [
        f"{_count(words.errors, 'error')} in {_count(words.reference_length, 'word')}",
        _percent(words.rate),
    ]
    keys = {
        "name": result.utterance_id,
        "errors": str(words.errors),
        "rate": _number(words.rate),
        "words": str(words.reference_length),
    }
    if result.speaker is not None:
        facts.insert(0, result.speaker)
        keys["speaker"] = result.speaker
    if exhibit is not None:
        level = f"{exhibit.level_db:.0f} dB".replace("-", "−")
        facts += [f"{exhibit.duration_s:.1f} s", "silent" if level == "−inf dB" else level]
        keys |= {"seconds": f"{exhibit.duration_s:.3f}", "level": _number(exhibit.level_db)}
    data = "".join(f' data-{key}="{escape(value)}"' for key, value in keys.items())
    return (
        f"<article{data}><h3>{escape(result.utterance_id)}</h3>"
        f"<p>{' · '.join(map(escape, facts))}</p>"
        f"{_sound(exhibit)}{_words(result.alignment)}{_picture(exhibit, result)}</article>"
    )


def _sound(exhibit: Exhibit | None) -> str:
    if exhibit is None or exhibit.audio is None:
        return ""
    return f'<audio controls preload="none" src="{escape(exhibit.audio)}"></audio>'


def _picture(exhibit: Exhibit | None, result: UtteranceResult) -> str:
    if exhibit is None or exhibit.picture is None:
        return ""
    said = f"Log-mel spectrogram and posteriors of {result.utterance_id}"
    return (
        f'<div class="picture" tabindex="0"><img src="{escape(exhibit.picture)}" '
        f'alt="{escape(said)}"></div>'
    )


def _words(alignment: Alignment) -> str:
    return f'<p class="words" dir="auto">{" ".join(map(_column, alignment))}</p>'


def _column(column: AlignedWord) -> str:
    """A right word as it is; a wrong one as what was said above what was recognised."""
    if column.kind == "hit":
        return escape(column.reference or "")
    said = f"<del>{escape(column.reference)}</del>" if column.reference else "<del>&nbsp;</del>"
    heard = f"<ins>{escape(column.hypothesis)}</ins>" if column.hypothesis else "<ins>&nbsp;</ins>"
    return f'<span class="{column.kind}">{said}{heard}{_mark(column)}</span>'


def _mark(column: AlignedWord) -> str:
    return f'<abbr title="{column.kind}">{MARKS[column.kind]}</abbr>'


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f} %" if math.isfinite(rate) else "∞"


def _number(value: float) -> str:
    """A number as JavaScript reads it."""
    return f"{value:.6f}" if math.isfinite(value) else str(value).replace("inf", "Infinity")
