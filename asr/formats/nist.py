"""What ctm and stm share: names without spaces, and channels by letter.

Source: the document infmts.htm of SCTK, https://github.com/usnistgov/SCTK.
"""

from collections.abc import Sequence

from asr.formats.common import About
from asr.transcript import Transcript

_LETTERS: dict[str | None, str] = {None: "A", "left": "A", "right": "B"}


def recording_name(about: About) -> str:
    """Name a recording, or an utterance by its id, in one word, by which scoring tools match it."""
    return replace_spaces(about.name) or "unnamed"


def replace_spaces(name: str) -> str:
    """Write underscores for whitespace, since spaces separate the fields."""
    return "_".join(name.split())


def letter_channels(transcripts: Sequence[Transcript]) -> list[tuple[str, Transcript]]:
    """Sort transcripts by the letter of their channel: A is left, or the only one, and B right."""
    named = [(_LETTERS.get(one.channel) or str(one.channel), one) for one in transcripts]
    return sorted(named, key=lambda item: item[0])
