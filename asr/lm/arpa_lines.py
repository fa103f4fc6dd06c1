"""Compiled reading and writing of the lines of an ARPA file, byte by byte.

A section of one order is read into plain arrays, or written from the tree of n-grams. Nothing here
raises: the reader returns a status, for which `asr.lm.arpa` has the messages.
"""

from typing import NamedTuple

import numpy as np

from asr.lm.ngram import LN_10, NGramArrays
from asr.lm.tokenized_text import UNKNOWN_ID
from asr.lm.vocabulary import WordTable, add_word, find_slot, is_space
from asr.util.compiled import compiled

OK, TOO_FEW_LINES, NO_NUMBER, POSITIVE, MISSING_WORD, UNKNOWN_WORD, BACK_OFF, TRAILING = range(8)
_LARGEST = 1e38  # log10 whose natural logarithm float32 still holds
_UPPER_UNKNOWN = np.frombuffer(b"<UNK>", np.uint8)


class Section(NamedTuple):
    """The n-grams of one order as `parse_section` reads them, in the file's order."""

    words: np.ndarray  #    (n, k) int32
    log_prob: np.ndarray  # (n,) float32, natural
    back_off: np.ndarray  # (n,) float32, natural


@compiled
def _token(text: np.ndarray, at: int) -> tuple[int, int]:
    """Start and end of the next token of the line; equal where no token is left."""
    while at < len(text) and is_space(text[at]):
        at += 1
    start = at
    while at < len(text) and text[at] != 10 and not is_space(text[at]):
        at += 1
    return start, at


@compiled
def _digits(text: np.ndarray, at: int, end: int) -> tuple[float, int]:
    value = 0.0
    while at < end and 48 <= text[at] <= 57:
        value = value * 10.0 + (text[at] - 48)
        at += 1
    return value, at


@compiled
def _exponent(text: np.ndarray, at: int, end: int) -> tuple[float, int]:
    """The power of ten after the letter e at `at`, and where it ends; NaN without digits."""
    sign = 1.0
    at += 1
    if at < end and (text[at] == 45 or text[at] == 43):
        sign = -1.0 if text[at] == 45 else 1.0
        at += 1
    power, stop = _digits(text, at, end)
    return (sign * power if stop > at else np.nan), stop


@compiled
def _number(text: np.ndarray, start: int, end: int) -> float:
    """The decimal number text[start:end], or NaN where it is anything else or too large."""
    at = start + 1 if start < end and (text[start] == 45 or text[start] == 43) else start
    value, stop = _digits(text, at, end)
    digits, at = stop - at, stop
    if at < end and text[at] == 46:
        fraction, stop = _digits(text, at + 1, end)
        digits += stop - at - 1
        value += fraction * 10.0 ** (at + 1 - stop)
        at = stop
    if at < end and (text[at] == 101 or text[at] == 69):
        power, at = _exponent(text, at, end)
        value *= 10.0**power
    if at < end or digits == 0 or not value <= _LARGEST:
        return np.nan
    return -value if text[start] == 45 else value


@compiled
def _word_id(table: WordTable, text: np.ndarray, start: int, end: int, add: bool) -> int:
    """Id of a word; of an unknown word -1, or a new id with `add`. <UNK> is <unk>."""
    slot = find_slot(table, text, start, end)
    word = int(table.slots[slot])
    if word >= 0:
        return word
    if end - start == len(_UPPER_UNKNOWN) and np.all(text[start:end] == _UPPER_UNKNOWN):
        return UNKNOWN_ID
    return add_word(table, slot, text, start, end) if add else -1


@compiled
def parse_section(
    text: np.ndarray, at: int, table: WordTable, highest: bool, section: Section
) -> tuple[int, int]:
    """Fill the section from the lines at `at`; return a status, and the byte where it ended."""
    count, order = section.words.shape
    for i in range(count):
        start, end = _token(text, at)
        if start == end or text[start] == 92:  # a blank line, or a backslash
            return TOO_FEW_LINES, at
        log_prob = _number(text, start, end)
        if not log_prob <= 0.0:
            return (POSITIVE if log_prob > 0.0 else NO_NUMBER), start
        section.log_prob[i] = log_prob * LN_10
        for j in range(order):
            start, end = _token(text, end)
            if start == end:
                return MISSING_WORD, start
            word = _word_id(table, text, start, end, order == 1)
            if word < 0:
                return UNKNOWN_WORD, start
            section.words[i, j] = word
        start, end = _token(text, end)
        back_off = _number(text, start, end) if start < end else 0.0
        if np.isnan(back_off) or (highest and back_off != 0.0):
            return BACK_OFF, start
        section.back_off[i] = back_off * LN_10
        start, end = _token(text, end)
        if start < end:
            return TRAILING, start
        at = end + 1
    return OK, at


@compiled
def _put_log10(out: np.ndarray, at: int, natural: float, decimals: int) -> int:
    """Write a natural logarithm as log10 of seven digits or fewer, and return the end."""
    size = abs(natural) / LN_10
    while decimals > 0 and size >= 10.0 ** (7 - decimals):
        decimals -= 1
    scaled = np.int64(np.rint(size * 10.0**decimals))
    if natural < 0.0 and scaled > 0:
        out[at] = 45
        at += 1
    while decimals > 0 and scaled % 10 == 0:
        scaled //= 10
        decimals -= 1
    digits = 1
    while scaled >= 10**digits:
        digits += 1
    digits = max(digits, decimals + 1)
    end = at + digits + (decimals > 0)
    for i in range(digits):
        if i == decimals and i > 0:
            end -= 1
            out[end] = 46
        end -= 1
        out[end] = 48 + scaled % 10
        scaled //= 10
    return end + digits + (decimals > 0)


@compiled
def _climb(lm: NGramArrays, path: np.ndarray, order: int) -> None:
    """Move the path's ancestors, path[order - 1] down to path[1], on to those of path[order]."""
    for k in range(order, 1, -1):
        parent = path[k - 1]
        if lm.first_child[parent + 1] > path[k]:
            return
        while lm.first_child[parent + 1] <= path[k]:
            parent += 1
        path[k - 1] = parent


@compiled
def format_entries(
    lm: NGramArrays,
    table: WordTable,
    path: np.ndarray,
    order: int,
    end: int,
    decimals: int,
    out: np.ndarray,
) -> int:
    """Write the lines of the entries path[order]:end to `out`; return the bytes written.

    `path` (order + 1,) int64 holds the first entry and ancestors no later than its own. Numbers
    have at most so many decimals.
    """
    at = 0
    while path[order] < end:
        _climb(lm, path, order)
        entry = path[order]
        at = _put_log10(out, at, lm.log_prob[entry], decimals)
        for k in range(1, order + 1):
            out[at] = 9 if k == 1 else 32
            word = lm.word[path[k]]
            start, length = table.starts[word], table.starts[word + 1] - 1 - table.starts[word]
            out[at + 1 : at + 1 + length] = table.letters[start : start + length]
            at += 1 + length
        if entry < len(lm.back_off):
            out[at] = 9
            at = _put_log10(out, at + 1, lm.back_off[entry], decimals)
        out[at] = 10
        at += 1
        path[order] = entry + 1
    return at
