"""Wyoming's framing: a line of JSON, then more JSON and a payload whose lengths the line states.

The package `wyoming` reads whatever lengths are stated; here they have bounds, and a client has to
send within a time.

Source: https://github.com/OHF-Voice/wyoming, section "Format".
"""

import asyncio
import json
from typing import Any

from wyoming.event import Event

from asr.util.errors import UserError
from asr.util.printable import quoted

#: Bytes of a line or of further JSON, and of a payload.
MOST_JSON, MOST_PAYLOAD = 1 << 16, 1 << 20


async def read_event(reader: asyncio.StreamReader, within_s: float) -> Event | None:
    """Read an event; None at the end of the connection.

    Args:
        reader: of the connection, with `MOST_JSON` as its limit.
        within_s: seconds in which it has to come.

    Raises:
        UserError: no event of Wyoming, or one that is too large.
        TimeoutError: it did not come in time.
    """
    async with asyncio.timeout(within_s):
        try:
            return await _read(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except (ValueError, RecursionError):
            raise UserError("expected an event of Wyoming, a line of JSON") from None


async def _read(reader: asyncio.StreamReader) -> Event | None:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        return None
    head = _as_object(json.loads(line))
    data = _as_object(head.get("data") or {})
    if length := _length(head, "data_length", MOST_JSON):
        data |= _as_object(json.loads(await reader.readexactly(length)))
    payload = None
    if length := _length(head, "payload_length", MOST_PAYLOAD):
        payload = await reader.readexactly(length)
    return Event(str(head.get("type")), data, payload)


def _as_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"expected an event of Wyoming, an object of JSON, found {quoted(value)}")
    return value


def _length(head: dict[str, Any], name: str, most: int) -> int:
    length = head.get(name) or 0
    if isinstance(length, bool) or not isinstance(length, int) or not 0 <= length <= most:
        raise UserError(f"{name}: expected 0 to {most:,} bytes, found {quoted(length)}")
    return length
