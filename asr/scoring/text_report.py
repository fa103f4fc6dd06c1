"""Reports and comparisons as plain text for a terminal."""

import math
import unicodedata
from collections.abc import Iterable, Sequence

from asr.scoring.alignment import AlignedWord, Alignment
from asr.scoring.bootstrap import RESAMPLES, Interval
from asr.scoring.comparison import Comparison
from asr.scoring.counts import ErrorCounts
from asr.scoring.report import Report, UtteranceResult
from asr.util.printable import printable

LINE_WIDTH = 96
SPEAKERS_SHOWN = 10
ERRORS_SHOWN = 10
LINES_SHOWN = 10
NO_WORD = "***"
MARKS = {"hit": "", "substitution": "S", "deletion": "D", "insertion": "I"}


def format_report(report: Report, worst: int = 5) -> str:
    """Write rates with their intervals, speakers, most frequent errors and worst utterances.

    Args:
        report: the result of `asr.scoring.score`.
        worst: the number of utterances to show with their alignments.
    """
    parts = [_format_rates(report)]
    if report.speakers is not None:
        parts.append(_format_speakers(report))
    errors = report.frequent_errors(ERRORS_SHOWN)
    if errors:
        lines = [f"{count:6d}  {_format_error(column)}" for column, count in errors]
        parts.append("\n".join(["Most frequent errors (reference -> hypothesis)", *lines]))
    worst_results = report.worst(worst)
    if worst_results:
        parts.append("Worst utterances (S substituted, D deleted, I inserted)")
        parts.extend(map(_format_utterance, worst_results))
    return "\n\n".join(parts)


def format_comparison(comparison: Comparison, name_a: str = "A", name_b: str = "B") -> str:
    """Write both rates, their difference, and its intervals.

    Args:
        comparison: the result of `asr.scoring.compare`.
        name_a: of hypotheses A, such as the file's name.
        name_b: of hypotheses B.
    """
    verdict = "is beyond chance" if comparison.beyond_chance else "may be chance"
    interval = _format_interval(comparison.interval, "+.2f")
    resampled = f"{comparison.utterances} utterances"
    if comparison.interval_by_speaker is not None:
        interval += f", by speaker {_format_interval(comparison.interval_by_speaker, '+.2f')}"
        resampled += f" or of {comparison.speakers} whole speakers"
    width = max(len(name_a), len(name_b))
    return "\n".join(
        [
            f"WER of {name_a:{width}}  {_percent(comparison.words_a.rate)}   "
            f"{_format_counts(comparison.words_a, 'words')}",
            f"WER of {name_b:{width}}  {_percent(comparison.words_b.rate)}   "
            f"{_format_counts(comparison.words_b, 'words')}",
            f"Difference {100 * comparison.difference:+.2f} % {interval}, which {verdict}",
            "so few utterances cannot tell"
            if comparison.probability_of_improvement is None
            else f"{name_b} has the fewer errors with probability "
            f"{comparison.probability_of_improvement:.3f}",
            f"95 % interval: paired bootstrap, {RESAMPLES} resamples of {resampled}",
        ]
    )


def _format_rates(report: Report) -> str:
    wer, cer = _percent(report.words.corpus_rate), _percent(report.characters.corpus_rate)
    lines = [
        f"WER {wer} {_format_interval(report.word_interval)}   "
        f"{_format_counts(report.words, 'words')}",
        f"CER {cer} {_format_interval(report.character_interval)}   "
        f"{_format_counts(report.characters, 'characters')}",
        f"SER {_percent(report.sentence_error_rate)}   "
        f"{report.wrong_utterances} of {report.utterances} utterances have an error",
    ]
    if report.oov_rate is not None:
        lines.append(
            f"OOV {_percent(report.oov_rate)}   {report.out_of_vocabulary} of "
            f"{report.words.reference_length} words are outside the vocabulary"
        )
    if report.word_interval is not None:
        lines.append(
            f"95 % intervals: bootstrap, {RESAMPLES} resamples of {report.utterances} utterances"
        )
    elif report.words.reference_length:
        lines.append("95 % intervals: unknown, since one utterance tells nothing of others")
    else:
        lines.append("no reference has a word, so that there is no error rate")
    if report.speakers is not None and report.word_interval_by_speaker is not None:
        lines.append(
            f"of {len(report.speakers)} whole speakers instead: "
            f"WER {_format_interval(report.word_interval_by_speaker)}, "
            f"CER {_format_interval(report.character_interval_by_speaker)}"
        )
    return "\n".join(lines)


def _format_speakers(report: Report) -> str:
    """Write a line a speaker, the highest WER first."""
    assert report.speakers is not None
    speakers = sorted(report.speakers.items(), key=lambda item: item[1].words.rate, reverse=True)
    rows = [("Speaker", "utterances", "words", "WER %", "CER %")]
    rows += [
        (
            printable(name),
            str(result.utterances),
            str(result.words.reference_length),
            _percent(result.words.corpus_rate).removesuffix(" %").strip(),
            _percent(result.characters.corpus_rate).removesuffix(" %").strip(),
        )
        for name, result in speakers[:SPEAKERS_SHOWN]
    ]
    widths = [max(map(_display_width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([_pad(row[0], widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    if len(speakers) > SPEAKERS_SHOWN:
        lines.append(f"({len(speakers) - SPEAKERS_SHOWN} more speakers, none with a higher WER)")
    return "\n".join(lines)


def _format_utterance(result: UtteranceResult) -> str:
    """Write an utterance with its words in columns, wrapped to the width of a line.

    sclite marks errors by upper case, which does not show where case counts or all text is upper
    case. So words are unchanged here, and a row of letters marks the errors.
    """
    speaker = f" ({result.speaker})" if result.speaker else ""
    words = result.words
    blocks = [
        f"{printable(result.utterance_id + speaker)}: "
        f"{words.errors} {'error' if words.errors == 1 else 'errors'} in "
        f"{words.reference_length} {'word' if words.reference_length == 1 else 'words'}"
    ]
    lines = list(_wrap(result.alignment))
    if len(lines) > LINES_SHOWN:  # of a long utterance, where the errors are
        lines = [line for line in lines if any(column.kind != "hit" for column in line)]
    for line in lines[:LINES_SHOWN]:
        rows: list[list[str]] = [["REF"], ["HYP"], ["   "]]
        for column in line:
            texts = (*_show_column(column), MARKS[column.kind])
            width = max(map(_display_width, texts))
            for row, text in zip(rows, texts, strict=True):
                row.append(_pad(text, width))
        blocks.extend("  " + " ".join(row).rstrip() for row in rows)
    if (more := len(lines) - LINES_SHOWN) > 0:
        blocks.append(f"  ({more:,} more lines have errors; the reports in HTML and JSON have all)")
    return "\n".join(block for block in blocks if block.strip())


def _wrap(alignment: Alignment) -> Iterable[Sequence[AlignedWord]]:
    """Split an alignment into groups of columns that fit in a line, each of at least one."""
    group: list[AlignedWord] = []
    used = 5
    for column in alignment:
        width = 1 + max(map(_display_width, _show_column(column)))
        if group and used + width > LINE_WIDTH:
            yield group
            group, used = [], 5
        group.append(column)
        used += width
    if group:
        yield group


def _show_column(column: AlignedWord) -> tuple[str, str]:
    return printable(column.reference or NO_WORD), printable(column.hypothesis or NO_WORD)


def _format_error(column: AlignedWord) -> str:
    return " -> ".join(_show_column(column))


def _format_counts(counts: ErrorCounts, unit: str) -> str:
    return (
        f"{counts.substitutions} substituted, {counts.deletions} deleted, "
        f"{counts.insertions} inserted, of {counts.reference_length} {unit}"
    )


def _format_interval(interval: Interval | None, spec: str = ".2f") -> str:
    if interval is None:
        return "[unknown]"
    return f"[{100 * interval.low:{spec}}, {100 * interval.high:{spec}}]"


def _percent(rate: float) -> str:
    return "unknown" if math.isnan(rate) else f"{100 * rate:6.2f} %"


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _display_width(text))


def _display_width(text: str) -> int:
    """Count a terminal's columns: none for a mark on a letter, two for a wide character.

    A mark is known by its category; most vowel signs of Hindi and Thai have combining class 0.
    """
    return sum(
        0
        if unicodedata.category(character) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
