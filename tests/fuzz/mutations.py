"""Damage and malice, drawn from a generator: for bytes, for text and for JSON."""

import gzip
import json
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from worker import CANARY

Rng = np.random.Generator
COMMAND = f"touch {CANARY}"

#: Where headers have numbers, these are what readers trip over.
INTERESTING = (0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2, 0.5, -0.0, 1e-9, 1e-300, 1e9, 1e18, 2**31, 2**63, 2**64, -(2**63), 10**400,
    float("nan"), float("inf"), float("-inf"), 12000, 200_000, 1_000_000_000,
)  # fmt: skip
STRINGS = (
    "", " ", "\0", "a\0b", "\ud800", "a\nb\tc", "\x1b[2J\x1b[31m", "\x9b31m", "\r", "\u2028",
    "\u202e", "\ufeff", "ﬁ", "a" * 10_000, "9" * 400, "nan", "inf", "-inf", "1e400", "-1", "0x10",
    "../../../../etc/passwd", "/dev/zero", "/dev/stdin", "/proc/self/mem", ".", "/", "~", "fifo",
    f"pipe:{COMMAND}", f"pipe:{COMMAND};true .jsonl", f"{COMMAND} |", f"$({COMMAND})",
    f"`{COMMAND}`", "http://127.0.0.1:9/x", "s3://bucket/key", "file:///etc/passwd",
    "<unk>", "<s>", "</s>", "|", "▁", "%s%n", "{0.__class__}",
    f"!!python/object/apply:os.system ['{COMMAND}']",
)  # fmt: skip
#: Stands for lists in lists, deeper than readers that call themselves can follow.
DEEP = "deep"


def one_of(rng: Rng, choices: Sequence[Any]) -> Any:
    return choices[rng.integers(len(choices))]


def cut_short(rng: Rng, data: bytes) -> bytes:
    return data[: rng.integers(len(data) + 1)]


def flip_bits(rng: Rng, data: bytes, count: int | None = None) -> bytes:
    spoilt = bytearray(data)
    for place in rng.integers(len(spoilt), size=count or 10 ** rng.integers(0, 4)):
        spoilt[place] ^= 1 << rng.integers(8)
    return bytes(spoilt)


def set_number(rng: Rng, data: bytes) -> bytes:
    """Write a telling number over a field, of the header more often than of the rest."""
    within = min(len(data), int(one_of(rng, (48, 48, 48, 256, len(data)))))
    form = "<>"[rng.integers(2)] + "BHIQ"[rng.integers(4)]
    field = struct.pack(form, one_of(rng, INTERESTING) % 256 ** struct.calcsize(form))
    place = rng.integers(within)
    return (data[:place] + field + data[place + len(field) :])[: max(len(data), place)]


def insert_rubbish(rng: Rng, data: bytes) -> bytes:
    place = rng.integers(len(data) + 1)
    return data[:place] + rng.bytes(rng.integers(1, 5000)) + data[place:]


def remove(rng: Rng, data: bytes) -> bytes:
    first, last = np.sort(rng.integers(len(data) + 1, size=2))
    return data[:first] + data[last:]


def repeat(rng: Rng, data: bytes) -> bytes:
    first, last = np.sort(rng.integers(len(data) + 1, size=2))
    return data[:last] + data[first:last] * rng.integers(1, 20) + data[last:]


def rubbish(rng: Rng, data: bytes) -> bytes:
    return rng.bytes(rng.integers(0, 3000))


BYTES: tuple[Callable[[Rng, bytes], bytes], ...] = (
    cut_short, flip_bits, set_number, set_number, insert_rubbish, remove, repeat, rubbish,
)  # fmt: skip


def mutated_bytes(rng: Rng, data: bytes) -> bytes:
    """Damage a file's content in one way or several."""
    for _ in range(rng.integers(1, 4)):
        data = one_of(rng, BYTES)(rng, data or b"\0")
    return data


def change_lines(rng: Rng, data: bytes) -> bytes:
    """Drop, swap or repeat a line, or end lines otherwise."""
    lines = data.split(b"\n")
    first, second = rng.integers(len(lines), size=2)
    match rng.integers(5):
        case 0:
            del lines[first]
        case 1:
            lines[first], lines[second] = lines[second], lines[first]
        case 2:
            lines[first:first] = [lines[second]] * int(one_of(rng, (1, 2, 300)))
        case 3:
            lines[first] += lines[second]
        case _:
            return one_of(rng, (b"\r\n", b"\r", b"\n\n", b"\x0b", b"\xe2\x80\xa8")).join(lines)
    return b"\n".join(lines)


def change_word(rng: Rng, data: bytes) -> bytes:
    """Put something telling in place of a word, or beside it."""
    words = data.split(b" ") if rng.integers(2) else data.split()
    if not words:
        return data
    place = rng.integers(len(words))
    odd = str(one_of(rng, NUMBERS)) if rng.integers(2) else one_of(rng, STRINGS)
    kept = words[place] if rng.integers(2) else b""
    start = data.find(words[place])
    return data[:start] + kept + as_bytes(odd) + data[start + len(words[place]) :]


def packed(rng: Rng, data: bytes) -> bytes:
    """Pack it soundly, pack it and damage that, or make it a bomb."""
    kind = rng.integers(8)
    if kind == 0:
        return gzip_bomb()
    sound = gzip.compress(data, 1)
    return sound if kind < 4 else one_of(rng, BYTES)(rng, sound)


@cache
def gzip_bomb() -> bytes:
    """Text of 4 GB in 4 MB, as packed members one behind the other."""
    return gzip.compress(b"a b\n" * (1 << 22), 9) * 256


TEXTS: tuple[Callable[[Rng, bytes], bytes], ...] = (
    change_lines, change_lines, change_word, change_word, change_word, change_word, cut_short,
    flip_bits, insert_rubbish, remove, repeat, packed,
)  # fmt: skip


def mutated_text(rng: Rng, data: bytes) -> bytes:
    """Damage a text in one way or several, so that much of it often stays."""
    for _ in range(one_of(rng, (1, 1, 2, 4))):
        if len(data) > 100_000:
            break
        data = one_of(rng, TEXTS)(rng, data or b"a")
    return data


def as_bytes(text: str) -> bytes:
    """UTF-8, in which half of a surrogate pair is a fault."""
    return text.encode("utf-8", errors="surrogatepass")


def mutated_json(rng: Rng, value: Any, more: Sequence[Any] = ()) -> Any:
    """Change some of a JSON value's parts, to what `more` holds among others; it stays as it is."""
    value = json.loads(json.dumps(value))
    for _ in range(one_of(rng, (1, 1, 3))):
        places = list(_places(value))
        if not places:
            return value
        owner, key = places[rng.integers(len(places))]
        owner[key] = _other(rng, owner[key], more)
        if isinstance(owner, dict) and rng.integers(8) == 0:
            del owner[key]
    return value


def _places(value: Any) -> Any:
    """Give every place in a value, as what holds it and its key there."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _other(rng: Rng, value: Any, more: Sequence[Any]) -> Any:
    kind = rng.integers(9)
    if kind < 3 and more:
        return one_of(rng, more)
    if kind < 5:
        return one_of(rng, NUMBERS)
    if kind < 7:
        return one_of(rng, STRINGS)
    if kind == 7 and isinstance(value, list):
        return value * int(one_of(rng, (0, 2, 1000)))
    return one_of(rng, (None, True, [], {}, [value], {"a": value}, DEEP))


def dumped(value: Any) -> bytes:
    """Write JSON, with numbers that are none and lists in lists in lists."""
    return json.dumps(value).replace(json.dumps(DEEP), "[" * 5000 + "]" * 5000).encode()
