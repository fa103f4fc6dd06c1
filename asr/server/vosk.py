"""vosk-server's WebSocket protocol, at `/`.

The client sends `{"config": {...}}`, then messages of mono PCM in 16 bits, then `{"eof": 1}`. Each
message of samples has one answer: the partial text, or the words of what has ended. `reset` ends
the utterance and goes on with another, `eof` ends the session. Times are those of the session.
Beyond vosk-server, what cannot be answered is told as `{"error": "..."}` before the end.

Source: https://github.com/alphacep/vosk-server, `websocket/asr_server.py`.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from asr.audio import SAMPLE_RATES
from asr.inference.streaming import Event, Partial
from asr.server.errors import RefusedError
from asr.server.openai_answers import dump_json
from asr.server.pcm import read_pcm
from asr.server.service import LiveStream, Service
from asr.transcript import Segment, Word
from asr.util.errors import UserError
from asr.util.printable import quoted

#: Hz where the client names no sample rate, as in vosk-server.
DEFAULT_RATE = 8000
#: The name that a client may offer as its subprotocol, beside one that holds a key.
SUBPROTOCOL = "vosk"
#: Codes of a closed WebSocket, RFC 6455.
NORMAL, GOING_AWAY, UNSUPPORTED = 1000, 1001, 1003
#: Samples that take one turn among those of other clients.
_TURN = 16_000


@dataclass(frozen=True)
class Config:
    """What a client sets.

    Attributes:
        sample_rate: Hz.
        words: whether results hold the words with their times.
        phrases: hot words.
        alternatives: how many texts the client would take; above 0, the result is a list of one.
    """

    sample_rate: int = DEFAULT_RATE
    words: bool = True
    phrases: tuple[str, ...] = ()
    alternatives: int = 0


async def serve(socket: WebSocket, service: Service) -> None:
    """Serve one client until it leaves, or the server ends."""
    offered = socket.scope.get("subprotocols", ())
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    session = _Session(service)
    with suppress(WebSocketDisconnect):  # whoever has left needs no answer
        try:
            await _converse(socket, session, service)
        except TimeoutError:
            await socket.close(GOING_AWAY, "no message for too long")
        except (UserError, RefusedError) as error:
            await socket.send_text(dump_json({"error": str(error)}))
            await socket.close(UNSUPPORTED, _short(str(error)))


async def _converse(socket: WebSocket, session: "_Session", service: Service) -> None:
    """Answer each message."""
    places, idle_s = service.places, service.options.patience.idle_s
    while not session.ended:
        message = await places.unless_leaving(asyncio.wait_for(socket.receive(), idle_s))
        if message is None:  # the server ends
            await socket.send_text(dump_json(await session.finish()))
            await socket.close(GOING_AWAY, "the server ends")
            return
        if message["type"] != "websocket.receive":
            return
        reply = await session.answer(message.get("text"), message.get("bytes") or b"")
        if reply is not None:
            await socket.send_text(dump_json(reply))
    await socket.close(NORMAL)


class _Session:
    """The state of one client.

    Attributes:
        ended: whether the client asked for the end.
    """

    def __init__(self, service: Service) -> None:
        self._service, self._config = service, Config()
        self._stream: LiveStream | None = None
        self._partial, self._samples, self._offset_s = "", 0, 0.0
        self.ended = False

    async def answer(self, text: str | None, samples: bytes) -> dict[str, Any] | None:
        """Take a message; None where the protocol has no answer to it."""
        return await (self._take(samples) if text is None else self._obey(text))

    async def _obey(self, text: str) -> dict[str, Any] | None:
        """Obey a message of text; a configuration has no answer."""
        data = _parse(text)
        if "config" in data:
            if self._stream is not None:
                raise UserError("config: came after samples; send it first")
            self._config = read_config(data["config"])
            return None
        if "eof" in data or "reset" in data:
            self.ended = "eof" in data
            return await self.finish()
        raise UserError(f"expected config, eof or reset, found {quoted(text)}")

    async def _take(self, data: bytes) -> dict[str, Any]:
        """Take samples, and answer by the words that are final, or by the partial text."""
        waveform = read_pcm(data)
        if self._stream is None:
            self._stream = await self._service.stream(
                self._config.sample_rate, self._config.phrases
            )
        self._samples += len(waveform)
        self._service.metrics.audio("vosk", len(waveform) / self._config.sample_rate)
        segments: list[Segment] = []
        for first in range(0, len(waveform), _TURN):
            segments += self._keep(await self._stream.accept(waveform[first : first + _TURN]))
        return self._result(segments) if segments else {"partial": self._partial}

    async def finish(self) -> dict[str, Any]:
        """End the utterance."""
        segments: list[Segment] = []
        if self._stream is not None:
            segments = self._keep(await self._stream.finish())
        result = self._result(segments)
        self._offset_s += self._samples / self._config.sample_rate
        self._stream, self._partial, self._samples = None, "", 0
        return result

    def _keep(self, events: Sequence[Event]) -> list[Segment]:
        """Keep the last partial text; give what is final."""
        for event in events:
            self._partial = event.text if isinstance(event, Partial) else ""
        return [event for event in events if isinstance(event, Segment)]

    def _result(self, segments: Sequence[Segment]) -> dict[str, Any]:
        words = [_word(word, self._offset_s) for segment in segments for word in segment.words]
        result: dict[str, Any] = {"result": words} if words and self._config.words else {}
        result["text"] = " ".join(segment.text for segment in segments)
        if not self._config.alternatives:
            return result
        confidence = sum(word["conf"] for word in words) / max(1, len(words))
        return {"alternatives": [{"confidence": round(confidence, 4), **result}]}


def read_config(data: Any) -> Config:
    """Read a client's configuration; keys that vosk-server does not know are left alone, as there.

    Raises:
        UserError: a value that cannot be used, or another model.
    """
    if not isinstance(data, dict):
        raise UserError(f"config: expected an object, found {quoted(data)}")
    if "model" in data:
        raise UserError("config.model: this server has one model; leave it out")
    rate = _number(data, "sample_rate", DEFAULT_RATE)
    if rate != int(rate) or int(rate) not in SAMPLE_RATES:
        low, high = SAMPLE_RATES[0], SAMPLE_RATES[-1]
        raise UserError(f"config.sample_rate: expected {low:,} to {high:,} whole Hz, found {rate}")
    phrases = data.get("phrase_list") or []
    if not isinstance(phrases, list) or not all(isinstance(one, str) for one in phrases):
        raise UserError(f"config.phrase_list: expected a list of texts, found {quoted(phrases)}")
    return Config(
        int(rate),
        bool(data.get("words", True)),
        tuple(one.strip() for one in phrases if one.strip()),
        int(_number(data, "max_alternatives", 0)),
    )


def _number(data: dict[str, Any], name: str, default: float) -> float:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise UserError(f"config.{name}: expected a number, found {quoted(value)}")
    return value


def _parse(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UserError(f"expected JSON of an object, found {quoted(text)}")
    return data


def _word(word: Word, offset_s: float) -> dict[str, Any]:
    return {
        "conf": round(word.confidence, 4),
        "end": round(offset_s + word.end_s, 3),
        "start": round(offset_s + word.start_s, 3),
        "word": word.text,
    }


def _short(reason: str) -> str:
    """Cut the reason of a closed WebSocket to the 123 bytes that it may have."""
    return reason.encode()[:123].decode(errors="ignore")
