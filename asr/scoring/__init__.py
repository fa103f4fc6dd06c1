"""Error rates worth believing: counts, alignments, confidence intervals, comparisons.

Read in the order of the work: `transcripts` reads the text files, `pairing` matches references
with hypotheses, `counts` and `alignment` count and line up the errors, `bootstrap` says how far
chance reaches, `report` and `comparison` put the answers together, `text_report` words them for
a terminal and `html_report` for a browser.
"""

from asr.scoring.alignment import AlignedWord, count_errors
from asr.scoring.bootstrap import Interval
from asr.scoring.comparison import Comparison, compare
from asr.scoring.counts import ErrorCounts
from asr.scoring.html_report import UtteranceMedia, format_html, worst_first
from asr.scoring.pairing import Pair, pair_up
from asr.scoring.report import Report, SpeakerResult, UtteranceResult, score
from asr.scoring.text_report import format_comparison, format_report
from asr.scoring.transcripts import Layout, read_transcripts

__all__ = [
    "AlignedWord",
    "Comparison",
    "ErrorCounts",
    "Interval",
    "Layout",
    "Pair",
    "Report",
    "SpeakerResult",
    "UtteranceMedia",
    "UtteranceResult",
    "compare",
    "count_errors",
    "format_comparison",
    "format_html",
    "format_report",
    "pair_up",
    "read_transcripts",
    "score",
    "worst_first",
]
