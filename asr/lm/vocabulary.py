"""Word ids: an open-addressing hash table over bytes, and text tokenized by it.

Compiled code has no strings, so a word is a range of UTF-8 bytes. The table stores its words one
after another, each ended by a newline; a slot of the table holds a word's id.
"""

import re
from typing import NamedTuple

import numpy as np

from asr.lm.ngram import BEGIN, END, UNKNOWN
from asr.lm.tokenized_text import END_ID, TokenizedText
from asr.util.compiled import compiled
from asr.util.errors import UserError
from asr.util.text_files import decode_text, line_number

SPECIAL_WORDS = np.frombuffer(f"{UNKNOWN}\n{BEGIN}\n{END}\n".encode(), np.uint8)

#: How other toolkits write the unknown word, and how ARPA files may have it.
_OTHER_UNKNOWN = b"<UNK>"
_NEWLINE, _SPACE = 10, 32


class WordTable(NamedTuple):
    """Words by id and by content."""

    slots: np.ndarray  #  (2^k,) int32, id of the word that hashes here or after; -1 is free
    starts: np.ndarray  # (W + 1,) int64, word i is letters[starts[i] : starts[i + 1] - 1]
    letters: np.ndarray  # (L,) uint8, every word and its newline
    size: np.ndarray  #   (1,) int64, number of words


@compiled
def is_space(byte: int) -> bool:
    """True for separators of words within a line: the ASCII blanks, and NUL."""
    return byte == _SPACE or (9 <= byte <= 13 and byte != _NEWLINE) or byte == 0


@compiled
def find_slot(table: WordTable, text: np.ndarray, start: int, end: int) -> int:
    """Slot of the word text[start:end], or the free slot for it (hashed by FNV-1a)."""
    mask = np.uint64(len(table.slots) - 1)
    hashed = np.uint64(14695981039346656037)
    for i in range(start, end):
        hashed = (hashed ^ np.uint64(text[i])) * np.uint64(1099511628211)
    slot = (hashed ^ (hashed >> np.uint64(29))) & mask
    while table.slots[slot] >= 0:
        word = table.slots[slot]
        at = table.starts[word]
        if table.starts[word + 1] - 1 - at == end - start:
            i = 0
            while i < end - start and table.letters[at + i] == text[start + i]:
                i += 1
            if i == end - start:
                break
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@compiled
def new_table(words: int, letters: int) -> WordTable:
    """An empty table for `words` words, of `letters` bytes in all, newlines included."""
    slots = 16
    while slots < 2 * words:
        slots *= 2
    return WordTable(
        np.full(slots, -1, np.int32),
        np.zeros(words + 1, np.int64),
        np.empty(letters, np.uint8),
        np.zeros(1, np.int64),
    )


@compiled
def add_word(table: WordTable, slot: int, text: np.ndarray, start: int, end: int) -> int:
    """Put text[start:end] into its free slot of a table with room, and return the word's id."""
    word = table.size[0]
    at = table.starts[word]
    table.letters[at : at + end - start] = text[start:end]
    table.letters[at + end - start] = _NEWLINE
    table.starts[word + 1] = at + end - start + 1
    table.slots[slot] = word
    table.size[0] = word + 1
    return word


@compiled
def add_lines(table: WordTable, lines: np.ndarray) -> None:
    """Add the words in `lines` (bytes, each word ended by a newline) to a table with room."""
    start = 0
    for end in range(len(lines)):
        if lines[end] == _NEWLINE:
            add_word(table, find_slot(table, lines, start, end), lines, start, end)
            start = end + 1


@compiled
def _with_room(table: WordTable, length: int) -> WordTable:
    """The table, or a copy of twice its size where a new word of `length` bytes would not fit."""
    size, used = table.size[0], table.starts[table.size[0]]
    if size + 1 < len(table.starts) and used + length < len(table.letters):
        return table
    larger = new_table(2 * len(table.starts), 2 * (len(table.letters) + length))
    add_lines(larger, table.letters[:used])
    return larger


@compiled
def _tokenize(text: np.ndarray, special_words: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Tokens, the vocabulary's letters, and the byte of the text's first reserved word, or -1."""
    reserved_at = -1
    table = new_table(1 << 16, 1 << 20)
    add_lines(table, special_words)
    tokens = np.empty(len(text) + 1, np.int32)  # untouched pages take no memory
    count, at = 0, 0
    while at < len(text):
        if text[at] == _NEWLINE:
            tokens[count] = END_ID
            count += 1
            at += 1
        elif is_space(text[at]):
            at += 1
        else:
            start = at
            while at < len(text) and text[at] != _NEWLINE and not is_space(text[at]):
                at += 1
            word = table.slots[find_slot(table, text, start, at)]
            if word < 0:
                table = _with_room(table, at - start)
                word = add_word(table, find_slot(table, text, start, at), text, start, at)
            if word <= END_ID and reserved_at < 0:
                reserved_at = start
            tokens[count] = word
            count += 1
    if len(text) and text[len(text) - 1] != _NEWLINE:
        tokens[count] = END_ID
        count += 1
    return tokens[:count], table.letters[: table.starts[table.size[0]]], reserved_at


def tokenize(text: bytes, name: str) -> TokenizedText:
    """Split UTF-8 text into sentences (lines, empty ones too) of words, as lmplz does.

    Messages call the text `name`.

    Raises:
        UserError: the text is not UTF-8, or has a word <unk>, <UNK>, <s> or </s>.
    """
    tokens, letters, reserved_at = _tokenize(np.frombuffer(text, np.uint8), SPECIAL_WORDS)
    vocabulary = letters.tobytes()[:-1]
    try:
        vocabulary.decode()
    except UnicodeDecodeError:
        decode_text(text, name)  # its error names the line
        raise
    if _OTHER_UNKNOWN in vocabulary.split(b"\n"):
        found = re.search(rb"(?<![^\s\0])%b(?![^\s\0])" % _OTHER_UNKNOWN, text)
        assert found is not None
        reserved_at = found.start()
    if reserved_at >= 0:
        word = text[reserved_at:].split(maxsplit=1)[0].decode()
        raise UserError(
            f"{name}:{line_number(text, reserved_at)}: the word {word} is reserved for the model; "
            "remove it, the ends of lines mark the sentences"
        )
    return TokenizedText(vocabulary, tokens, name)


def sort_vocabulary(text: TokenizedText) -> TokenizedText:
    """Give words new ids in alphabetical order, after the reserved words.

    Neighboring lines of an ARPA file then begin alike, and compress better.
    """
    words = text.vocabulary.split(b"\n")
    order = [*range(END_ID + 1), *sorted(range(END_ID + 1, len(words)), key=words.__getitem__)]
    rank = np.empty(len(words), np.int32)
    rank[order] = np.arange(len(words))
    return TokenizedText(b"\n".join(words[i] for i in order), rank[text.tokens], text.name)
