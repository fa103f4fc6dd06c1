"""`asr serve` under load: many clients of both kinds, hostile ones, and its end.

Every text under load must be the one that the same recording gets from an idle server.
"""

import argparse
import asyncio
import re
import signal
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from server_clients import (
    Load,
    Server,
    count_lost,
    last_words,
    running,
    send_file,
    send_live,
    until_closed,
)

#: Bytes of the body that a hostile client declares.
LARGE = 1_000_000_000
HEAD = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"


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


@contextmanager
def timed(server: Server, name: str) -> Iterator[Load]:
    """Print the row of what is done within."""
    load, cpu_s, started_s = Load(), server.cpu_s(), time.monotonic()
    yield load
    print(load.row(name, time.monotonic() - started_s, server.cpu_s() - cpu_s), flush=True)


async def one_of(places: asyncio.Semaphore, client: Coroutine, load: Load) -> None:
    """Serve as one of so many clients at once."""
    async with places:
        await count_lost(client, load)


async def measure(server: Server, paths: Sequence[Path], args: argparse.Namespace) -> None:
    """Print all tables."""
    number = args.clients // 2
    written = [await send_file(server, path, Load()) for path in paths]  # which warms it
    print("| clients | p50, s | p95, s | audio s a s | audio s a CPU s | lost | wrong |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for clients in (1, number):
        with timed(server, f"{clients} with files") as load:
            places = asyncio.Semaphore(clients)
            await asyncio.gather(
                *(
                    one_of(places, send_file(server, path, load, text), load)
                    for path, text in list(zip(paths, written, strict=True)) * 2
                )
            )
    with timed(server, f"{len(paths)} live, of a packet") as load:
        spoken = await asyncio.gather(*(send_live(server, path, load) for path in paths))
    texts = list(zip(written, spoken, strict=True))
    before, memory = server.megabytes(), []
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
