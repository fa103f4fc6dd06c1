"""`asr serve` under load: many clients of both kinds, hostile ones, and its end.

Every text under load must be the one that the same recording gets from an idle server.
"""

import argparse
import asyncio
import json
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TextIO

import numpy as np
import openai
import soundfile
from websockets.asyncio.client import connect

#: Seconds of a live client's packet.
PACKET_S = 0.2
#: Bytes of the body that a hostile client declares.
LARGE = 1_000_000_000
#: Clients that wait as long as it takes, so that whoever is lost was lost by the server.
PATIENT = {"api_key": "none", "max_retries": 0, "timeout": None}
PATIENT_SOCKET = {"compression": None, "open_timeout": None, "ping_timeout": None}
HEAD = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"


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

    def row(self, name: str, wall_s: float | None = None) -> str:
        """A row of the table."""
        ordered = sorted(self.latencies_s) or [float("nan")]
        p50, p95 = statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]
        speed = "" if wall_s is None else f"{self.audio_s / wall_s:.1f}"
        return f"| {name} | {p50:.2f} | {p95:.2f} | {speed} | {self.lost} | {self.wrong} |"


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


async def count_lost(client: Coroutine, load: Load) -> None:
    """Serve as a client that counts its failure."""
    try:
        await client
    except Exception as error:
        load.lost += 1
        print(f"lost: {error!r}", file=sys.stderr)


async def many(
    server: Server, paths: Sequence[Path], texts: Sequence[tuple[str, str]], clients: int
) -> tuple[Load, Load, float]:
    """Half the clients send files, one after the other while the other half speaks."""
    files, live, started_s = Load(), Load(), time.monotonic()
    talkers = [
        asyncio.create_task(count_lost(send_live(server, paths[at], live, texts[at][1]), live))
        for at in (number % len(paths) for number in range(clients // 2))
    ]

    async def send_files(number: int) -> None:
        while True:
            at = number % len(paths)
            await count_lost(send_file(server, paths[at], files, texts[at][0]), files)
            number += 1
            if all(talker.done() for talker in talkers):
                return

    await asyncio.gather(*talkers, *(send_files(number) for number in range(clients // 2)))
    return files, live, time.monotonic() - started_s


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


async def hostile(server: Server, path: Path, text: str) -> list[str]:
    """Hostile clients, sixteen of each kind at once, while others transcribe."""
    form = "Content-Type: multipart/form-data; boundary=b\r\n"
    kinds = {
        "half a head": (HEAD.encode(), False),
        "half a body": (f"{HEAD}{form}Content-Length: 1000\r\n\r\n--b".encode(), False),
        "1 GB declared": (f"{HEAD}{form}Content-Length: {LARGE}\r\n\r\n".encode(), False),
        "half-closed": (f"{HEAD}{form}Content-Length: 9\r\n\r\n--b".encode(), True),
        "garbage": (bytes(range(256)) * 8, False),
    }
    rows = []
    for name, sent in kinds.items():
        load = Load()
        attackers = [until_closed(server, *sent) for _ in range(16)]
        honest = [count_lost(send_file(server, path, load, text), load) for _ in range(4)]
        found, _ = await asyncio.gather(asyncio.gather(*attackers), asyncio.gather(*honest))
        statuses = ", ".join(sorted({status for status, _ in found}))
        longest_s = max(seconds for _, seconds in found)
        rows.append(f"| {name} | {statuses} | {longest_s:.1f} | {load.lost} | {load.wrong} |")
    return rows


async def end(server: Server, path: Path, text: str) -> str:
    """SIGTERM while 16 files and 8 live sessions are under way."""
    files, live = Load(), Load()
    tasks = [
        asyncio.create_task(count_lost(send_file(server, path, files, text), files))
        for _ in range(16)
    ]
    talkers = [asyncio.create_task(last_words(server, path, live)) for _ in range(8)]
    while (under_way := await ask(server, "/metrics", r"asr_under_way (\d+)")) < 24:
        await asyncio.sleep(0.05)
    done = sum(task.done() for task in tasks)
    started_s = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*tasks, *talkers)
    status = await asyncio.to_thread(server.process.wait, 120)
    return (
        f"SIGTERM with {under_way} under way: of {16 - done} files {files.lost} lost, "
        f"{files.wrong} wrong; {8 - live.lost} of 8 live sessions got their last words; "
        f"ended with {status} after {time.monotonic() - started_s:.1f} s"
    )


async def ask(server: Server, path: str, pattern: str) -> int:
    """Read a number from one of the server's pages."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    found = (await reader.read()).decode()
    writer.close()
    return int(float(re.search(pattern, found)[1]))


async def last_words(server: Server, path: Path, load: Load) -> None:
    """Speak until the server ends."""
    samples, rate = soundfile.read(path, dtype="int16")
    step, answer = round(PACKET_S * rate), {}
    with suppress(Exception):
        async with connect(
            f"ws://127.0.0.1:{server.port}/", compression=None, open_timeout=None
        ) as socket:
            await socket.send(json.dumps({"config": {"sample_rate": rate}}))
            for first in range(0, 1 << 40, step):
                await socket.send(samples[first % len(samples) :][:step].tobytes())
                answer = json.loads(await socket.recv())
                await asyncio.sleep(PACKET_S)
    load.lost += "text" not in answer


async def measure(server: Server, paths: Sequence[Path], args: argparse.Namespace) -> None:
    """Print all tables."""
    alone, alone_live, started_s = Load(), Load(), time.monotonic()
    written = [await send_file(server, path, alone) for path in paths]
    for path, text in zip(paths, written, strict=True):
        await send_file(server, path, alone, text)
    wall_s = time.monotonic() - started_s
    spoken = await asyncio.gather(*(send_live(server, path, alone_live) for path in paths))
    texts = list(zip(written, spoken, strict=True))
    print("| clients | p50, s | p95, s | audio s a s | lost | wrong |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(alone.row("1 with files", wall_s))
    print(alone_live.row(f"{len(paths)} live, of a packet"))
    before, memory, number = server.megabytes(), [], args.clients // 2
    until_s = time.monotonic() + 60 * args.minutes
    while True:
        cpu_s, own_s = server.cpu_s(), time.process_time()
        files, live, wall_s = await many(server, paths, texts, args.clients)
        memory.append(server.megabytes())
        print(files.row(f"{number} with files, beside", wall_s))
        print(live.row(f"{number} live, of a packet", wall_s), flush=True)
        if time.monotonic() >= until_s:
            break
    cores, own = (server.cpu_s() - cpu_s) / wall_s, (time.process_time() - own_s) / wall_s
    print(f"\nmemory before the load {before:.0f} MB, after each round:", *map(round, memory))
    print(f"cores in the last round: {cores:.2f} for the server, {own:.2f} for the clients\n")
    print("| 16 clients at once | status | done after, s | lost of 4 others | wrong |")
    print("| --- | --- | --- | --- | --- |")
    print("\n".join(await hostile(server, paths[0], texts[0][0])))
    print(f"\nmemory after them {server.megabytes():.0f} MB")
    with TemporaryDirectory() as folder:
        longer = repeat(paths[0], Path(folder, "longer.wav"))
        print(await end(server, longer, await send_file(server, longer, Load())))


def repeat(path: Path, longer: Path) -> Path:
    """Write a recording as often as 20 s need."""
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(longer, np.tile(samples, -(-20 * rate // len(samples))), rate)
    return longer


def main() -> None:
    """Parse the flags, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("audio", nargs="+", type=Path, help="recordings that soundfile reads")
    parser.add_argument("--model", default="en-small", help="of the server (en-small)")
    parser.add_argument("--clients", type=int, default=64, help="half live, half with files (64)")
    parser.add_argument("--minutes", type=float, default=0.0, help="least length of the load (0)")
    args = parser.parse_args()
    with running(["--model", args.model]) as server:
        asyncio.run(measure(server, args.audio, args))


if __name__ == "__main__":
    main()
