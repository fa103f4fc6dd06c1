"""Wyoming, the protocol of Home Assistant's voice: audio of one command in, its text out."""

import asyncio
from contextlib import suppress
from typing import Any

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info
from wyoming.ping import Ping, Pong

from asr import __version__
from asr.audio import SAMPLE_RATES
from asr.server.errors import as_refusal
from asr.server.pcm import WIDTH, pcm_source
from asr.server.service import Service
from asr.server.slow_clients import LINGER_S
from asr.server.wyoming_events import MOST_JSON, read_event
from asr.util.errors import UserError
from asr.util.printable import quoted

#: Bytes of one utterance, which is kept until it ends: four minutes of 16 kHz.
MOST_AUDIO = 8_000_000
_CHANNELS = range(1, 9)
_OURS = Attribution("asr", "")


async def start(service: Service, host: str, port: int) -> asyncio.Server:
    """Listen for clients."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with service.metrics.request("wyoming") as keep:
            session = _Session(service, writer)
            try:
                with service.places.take():
                    await session.serve(reader)
                keep("ended")
            except (ConnectionError, TimeoutError):
                keep("lost")
            except Exception as error:
                refusal = as_refusal(error)
                keep(refusal.status)
                with suppress(ConnectionError, TimeoutError):
                    await session.send(Error(refusal.message, refusal.code).event())
                if refusal.status == 500:
                    raise
            finally:
                writer.close()
                asyncio.get_running_loop().call_later(LINGER_S, writer.transport.abort)

    return await asyncio.start_server(serve, host, port, limit=MOST_JSON)


class _Session:
    """One client: its events, and the audio of its command."""

    def __init__(self, service: Service, writer: asyncio.StreamWriter) -> None:
        self._service, self._writer = service, writer
        self._patience = service.options.patience
        self._audio: bytearray | None = None
        self._rate = self._channels = 0
        self._hotwords: tuple[str, ...] = ()

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Answer events until the client leaves, or the server ends."""
        places, idle_s = self._service.places, self._patience.idle_s
        while (event := await places.unless_leaving(read_event(reader, idle_s))) is not None:
            await self._handle(event)
        if self._audio and not reader.at_eof():  # the server ends
            await self._stop()

    async def send(self, event: Event) -> None:
        """Send an event.

        Raises:
            TimeoutError: the client does not take it.
        """
        async with asyncio.timeout(self._patience.send_s):
            await async_write_event(event, self._writer)

    async def _handle(self, event: Event) -> None:
        """Answer an event; those of other services are left alone, as Wyoming asks."""
        if Describe.is_type(event.type):
            await self.send(_info(self._service).event())
        elif Ping.is_type(event.type):
            await self.send(Pong(event.data.get("text")).event())
        elif Transcribe.is_type(event.type):
            self._hotwords = _texts(event, "transcript_names") + _texts(event, "transcript_terms")
        elif AudioStart.is_type(event.type):
            self._start(event)
        elif AudioChunk.is_type(event.type):
            self._take(event.payload or b"")
        elif AudioStop.is_type(event.type):
            await self._stop()

    def _start(self, event: Event) -> None:
        rate, width, channels = (event.data.get(name, 0) for name in ("rate", "width", "channels"))
        if rate not in SAMPLE_RATES or width != WIDTH or channels not in _CHANNELS:
            raise UserError(
                "audio-start: expected a rate in Hz, a width of 2 and some channels, found "
                f"{quoted(rate)}, {quoted(width)} and {quoted(channels)}"
            )
        self._rate, self._channels, self._audio = int(rate), int(channels), bytearray()

    def _take(self, payload: bytes) -> None:
        if self._audio is None:
            raise UserError("audio-chunk: came before audio-start")
        self._audio += payload
        if len(self._audio) > MOST_AUDIO:
            raise UserError(f"expected {MOST_AUDIO:,} bytes of audio at most; send less")

    async def _stop(self) -> None:
        """Transcribe what came."""
        if self._audio is None:
            raise UserError("audio-stop: came before audio-start")
        source = pcm_source(bytes(self._audio), self._rate, self._channels)
        self._audio = None
        hotwords = await self._service.usable_hotwords(self._hotwords)
        transcription = self._service.transcribe(source, hotwords)
        transcript = await transcription.finish()
        self._service.metrics.audio("wyoming", transcript.duration_s)
        await self.send(Transcript(transcript.text).event())


def _texts(event: Event, name: str) -> tuple[str, ...]:
    texts = event.data.get(name) or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UserError(f"{name}: expected a list of texts, found {quoted(texts)}")
    return tuple(text.strip() for text in texts if text.strip())


def _info(service: Service) -> Info:
    about: dict[str, Any] = {
        "attribution": _OURS,
        "installed": True,
        "description": "small speech recognizers of one's own",
        "version": __version__,
    }
    model = AsrModel(name=service.name, languages=[service.options.language], **about)
    return Info(asr=[AsrProgram(name="asr", models=[model], **about)])
