"""References with alternatives, as sclite's trn, stm and ctm have them.

``{a / b c / @}`` stands for one of several readings, of which ``@`` is no word; ``(uh)`` is a word
that may be left out. What counts is the reading nearest to the hypothesis.

Source: the documents infmts.htm and options.htm of SCTK, https://github.com/usnistgov/SCTK.
"""

import re
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

Words = tuple[str, ...]
Slot = tuple[Words, ...]
#: A slot of more readings, by nesting, is read by its first ones.
MOST_READINGS = 256
_MARKUP = re.compile(r"(?<!\S)\{|(?<!\S)\([^()\s]+\)(?!\S)|(?<!\S)@(?!\S)")
_TOKEN = re.compile(r"[{}]|[^\s{}]+")


def has_alternatives(text: str) -> bool:
    """Whether a text has alternatives or words that may be left out."""
    return _MARKUP.search(text) is not None


def choose_reading(reference: str, hypothesis: str) -> str:
    """Choose the reading of a reference that has the fewest errors against a hypothesis.

    Among readings of equally many errors the first one written is taken. A text whose braces do not
    match is returned as it is.
    """
    slots = parse_alternatives(reference)
    if slots is None:
        return reference
    spoken = hypothesis.split()
    codes: dict[str, int] = {}
    target = np.array([codes.setdefault(word, len(codes)) for word in spoken], dtype=np.int64)
    costs = np.arange(len(spoken) + 1, dtype=np.int64)
    steps: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for slot in slots:
        found = [_score(words, costs, target, codes) for words in slot]
        totals = np.stack([total for total, _ in found])
        best = totals.argmin(axis=0)
        columns = np.arange(len(costs))
        steps.append((best, np.stack([origin for _, origin in found])[best, columns]))
        costs = totals[best, columns]
    chosen: list[Words] = []
    column = len(spoken)
    for slot, (best, origins) in zip(reversed(slots), reversed(steps), strict=True):
        chosen.append(slot[best[column]])
        column = origins[column]
    return " ".join(word for words in reversed(chosen) for word in words)


def _score(
    words: Words, costs: NDArray[np.int64], target: NDArray[np.int64], codes: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Extend the least errors up to each place of the hypothesis by some reference words.

    Returns:
        The errors (H+1,), and from which place each begins.
    """
    columns = np.arange(len(costs), dtype=np.int64)
    scale = len(costs) + 1
    keys = costs * scale + columns  # the errors, and the place where these words begin
    for word in words:
        deleted = keys + scale
        keys = deleted.copy()
        wrong = (target != codes.get(word, -1)).astype(np.int64)
        keys[1:] = np.minimum(deleted[1:], deleted[:-1] - scale + wrong * scale)
        keys = np.minimum.accumulate(keys - columns * scale) + columns * scale
    return keys // scale, keys % scale


def parse_alternatives(text: str) -> list[Slot] | None:
    """Parse a reference into slots, each of one reading or more; None if braces do not match."""
    tokens = _TOKEN.findall(text)
    slots, end = _parse(tokens, 0, nested=False)
    return slots if end == len(tokens) else None


def _parse(tokens: list[str], place: int, nested: bool) -> tuple[list[Slot], int]:
    """Parse slots up to a ``/``, a ``}`` or the end."""
    slots: list[Slot] = []
    while place < len(tokens):
        token = tokens[place]
        if token == "{":
            slot, place = _parse_slot(tokens, place + 1)
            slots.append(slot)
            if place > len(tokens):
                return slots, -1
            continue
        if token == "}" or (nested and token == "/"):
            break
        if token == "@":
            slots.append(((),))
        elif re.fullmatch(r"\(.+\)", token):
            slots.append(((token[1:-1],), ()))
        else:
            slots.append(((token,),))
        place += 1
    return slots, place


def _parse_slot(tokens: list[str], place: int) -> tuple[Slot, int]:
    """Parse the readings after a ``{``; the place is past the end where no ``}`` follows."""
    readings: list[Words] = []
    while True:
        slots, place = _parse(tokens, place, nested=True)
        for choice in islice(product(*slots), MOST_READINGS - len(readings)):
            readings.append(tuple(word for words in choice for word in words))
        if place < 0 or place >= len(tokens):
            return tuple(readings), len(tokens) + 1
        place += 1
        if tokens[place - 1] == "}":
            return tuple(dict.fromkeys(readings)), place
