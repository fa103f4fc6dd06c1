"""English as it is spoken: numbers, titles and contractions written out, fillers left out.

The rules serve what those of Whisper (Radford et al. 2022, appendix C) serve, texts of different
editors that compare fairly, but numbers become words, which a recognizer of letters or phones can
learn from their sound. ``'s`` and ``'d`` stay, since they have several meanings, and British
spelling stays British.
"""

import re

from asr.text.english_numbers import spell_numbers

#: Abbreviations that are written with and without a period.
_TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor", "vs": "versus"}
#: Abbreviations that without a period are words, or are of something else.
_SHORT = {
    "st": "saint",
    "prof": "professor",
    "capt": "captain",
    "col": "colonel",
    "gen": "general",
    "gov": "governor",
    "hon": "honorable",
    "lt": "lieutenant",
    "rep": "representative",
    "rev": "reverend",
    "sen": "senator",
    "jr": "junior",
    "sr": "senior",
    "etc": "et cetera",
}
_WHOLE = {
    "won't": "will not",
    "can't": "can not",
    "cannot": "can not",
    "shan't": "shall not",
    "let's": "let us",
    "y'all": "you all",
}
_ENDINGS = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am"}

_TITLE = re.compile(rf"\b({'|'.join(_TITLES)})\b\.?")
_ABBREVIATION = re.compile(rf"\b({'|'.join(_SHORT)})\.")
_CONTRACTION = re.compile(rf"\b({'|'.join(_WHOLE)})(?![\w'])")
_ENDING = re.compile(rf"(?<=[a-z])({'|'.join(_ENDINGS)})(?![\w'])")
_FILLER = re.compile(r"(?<![\w'-])(?:uh+|um+|er+m|h*mm+|mhm)(?![\w'-])")


def speak(text: str) -> str:
    """Write a text in lower case, with plain apostrophes, as it is spoken."""
    text = _TITLE.sub(lambda found: _TITLES[found[1]], text)
    text = _ABBREVIATION.sub(lambda found: _SHORT[found[1]], text)
    text = _FILLER.sub(" ", text)
    text = _CONTRACTION.sub(lambda found: _WHOLE[found[1]], text)
    text = _ENDING.sub(_open, text)
    return spell_numbers(text.replace("&", " and "))


def _open(found: re.Match[str]) -> str:
    """Write a contraction's ending out; ``ain't`` stays, since it may be am, is, are or have."""
    return found[0] if found.string[: found.start()].endswith("ai") else _ENDINGS[found[1]]
