"""References and hypotheses -> word and character error rates with confidence intervals.

`transcripts` reads lines of text and `timed` texts with times, `pairs` finds which of two files
belong together, with `alternatives` of references. `pairing` matches texts by id, `alignment` and
`counts` find the errors, and `bootstrap` computes intervals. `report.score` and
`comparison.compare` put the results together; `text_report` and `html_report` write them for a
terminal and a browser. Public: the names below.
"""

from asr.scoring.alignment import AlignedWord, count_errors
from asr.scoring.bootstrap import Interval
from asr.scoring.comparison import Comparison, compare
from asr.scoring.counts import ErrorCounts
from asr.scoring.html_report import UtteranceMedia, format_html, worst_first
from asr.scoring.pairing import Pair, pair_up
from asr.scoring.pairs import read_transcripts
from asr.scoring.report import Report, SpeakerResult, UtteranceResult, score
from asr.scoring.text_report import format_comparison, format_report
from asr.scoring.transcripts import Layout

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
