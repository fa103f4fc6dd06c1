"""A server of `asr serve` in a process of its own, and the clients that `serve.py` sends to it."""

import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TextIO

import openai
import soundfile
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

#: Seconds of a live client's packet.
PACKET_S = 0.2
#: Clients that wait as long as it takes, so that whoever is lost was lost by the server.
PATIENT = {"api_key": "none", "max_retries": 0, "timeout": None}
PATIENT_SOCKET = {"compression": None, "open_timeout": None, "ping_timeout": None}


@dataclass
class Server:
    """A server that runs."""

    process: subprocess.Popen[str]
    port: int
    client: openai.AsyncOpenAI = field(init=False)

    def __post_init__(self) -> None:
        url = f"http://127.0.0.1:{self.port}/v1"
        self.client = openai.AsyncOpenAI(base_url=url, **PATIENT)

    def megabytes(self) -> float:
        """Memory that the process has."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def cpu_s(self) -> float:
        """Seconds that all its threads have computed."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@dataclass
class Load:
    """What a group of clients met."""

    latencies_s: list[float] = field(default_factory=list)
    audio_s: float = 0.0
    lost: int = 0
    wrong: int = 0

    def row(self, name: str, wall_s: float, cpu_s: float | None = None) -> str:
        """A row of the table; `cpu_s` is what the server computed for these clients."""
        ordered = sorted(self.latencies_s) or [float("nan")]
        p50, p95 = statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]
        speed = f"{self.audio_s / wall_s:.1f}"
        work = "" if cpu_s is None else f"{self.audio_s / cpu_s:.0f}"
        return f"| {name} | {p50:.2f} | {p95:.2f} | {speed} | {work} | {self.lost} | {self.wrong} |"


@contextmanager
def running(arguments: Sequence[str]) -> Iterator[Server]:
    """Start a server, and end it."""
    command = [sys.executable, "-m", "asr", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if found := re.search(r"listening on http://.*:(\d+);", line):
                break
        Thread(target=copy_lines, args=(process.stderr, sys.stderr), daemon=True).start()
        try:
            yield Server(process, int(found[1]))
        finally:
            process.kill()


def copy_lines(source: TextIO, sink: TextIO) -> None:
    """Copy what the server says; a full pipe would stop it."""
    for line in source:
        sink.write(f"server: {line}")


async def send_file(server: Server, path: Path, load: Load, expected: str | None = None) -> str:
    """Transcribe a file by OpenAI's client."""
    url = f"http://127.0.0.1:{server.port}/v1"
    started_s = time.monotonic()
    async with openai.AsyncOpenAI(
        base_url=url, api_key="none", max_retries=0, timeout=None
    ) as client:
        found = await client.audio.transcriptions.create(model="whisper-1", file=path)
    load.latencies_s.append(time.monotonic() - started_s)
    load.audio_s += found.usage.seconds
    load.wrong += expected is not None and found.text != expected
    return found.text


async def send_live(server: Server, path: Path, load: Load, expected: str | None = None) -> str:
    """Speak a file at its own speed to vosk's WebSocket; a latency is that of one packet."""
    samples, rate = soundfile.read(path, dtype="int16")
    step, texts = round(PACKET_S * rate), []
    async with connect(
        f"ws://127.0.0.1:{server.port}/", compression=None, open_timeout=None
    ) as socket:
        await socket.send(json.dumps({"config": {"sample_rate": rate}}))
        begun_s = time.monotonic()
        for first in range(0, len(samples), step):
            spoken_s = begun_s + min(first + step, len(samples)) / rate
            await asyncio.sleep(max(0.0, spoken_s - time.monotonic()))
            await socket.send(samples[first : first + step].tobytes())
            texts.append(json.loads(await socket.recv()).get("text"))
            load.latencies_s.append(time.monotonic() - spoken_s)
        await socket.send('{"eof" : 1}')
        texts.append(json.loads(await socket.recv()).get("text"))
    load.audio_s += len(samples) / rate
    text = " ".join(text for text in texts if text)
    load.wrong += expected is not None and text != expected
    return text


async def last_words(server: Server, path: Path, load: Load) -> None:
    """Speak until the server ends."""
    samples, rate = soundfile.read(path, dtype="int16")
    step, answers = round(PACKET_S * rate), [{}]
    async with connect(f"ws://127.0.0.1:{server.port}/", **PATIENT_SOCKET) as socket:
        with suppress(ConnectionClosed):
            await socket.send(json.dumps({"config": {"sample_rate": rate}}))
            for first in range(0, 1 << 40, step):
                await socket.send(samples[first % len(samples) :][:step].tobytes())
                answers.append(json.loads(await socket.recv()))
                await asyncio.sleep(PACKET_S)
        with suppress(ConnectionClosed):  # what came while a packet could no longer be sent
            while True:
                answers.append(json.loads(await socket.recv()))
    load.lost += "text" not in answers[-1]


async def until_closed(server: Server, sent: bytes, half_close: bool = False) -> tuple[str, float]:
    """Send bytes; tell the status of the answer, and after how many seconds the server was done."""
    started_s = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    found = b""
    with suppress(ConnectionError):
        writer.write(sent)
        if half_close:
            writer.write_eof()
        found = await reader.read(1 << 16)
        await reader.read()
    writer.close()
    return found[9:12].decode() or "closed", time.monotonic() - started_s


async def count_lost(client: Coroutine, load: Load) -> None:
    """Serve as a client that counts its failure."""
    try:
        await client
    except Exception as error:
        load.lost += 1
        print(f"lost: {error!r}", file=sys.stderr)
