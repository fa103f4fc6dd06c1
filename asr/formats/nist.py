"""What the scoring formats of NIST's SCTK share: names without spaces, channels, order.

Source: the document infmts.htm of SCTK, https://github.com/usnistgov/SCTK.
"""

from collections.abc import Sequence

from asr.formats.about import About
from asr.transcript import Transcript

_LETTERS: dict[str | None, str] = {None: "A", "left": "A", "right": "B"}


def recording_name(about: About) -> str:
    """The recording as scoring tools match it: one word, of an utterance its whole id."""
    return one_word(about.name) or "unnamed"


def one_word(name: str) -> str:
    """Name a recording without spaces."""
    return "_".join(name.split())


def lettered(transcripts: Sequence[Transcript]) -> list[tuple[str, Transcript]]:
    """Each transcript with its channel's letter, A and B for left and right, in ASCII order."""
    named = [(_LETTERS.get(one.channel) or str(one.channel), one) for one in transcripts]
    return sorted(named, key=lambda item: item[0])
