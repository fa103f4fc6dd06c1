"""One server for all tests of clients, with the model of tones."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from asr.audio.opening import read_audio
from asr.inference.recognizer import load
from asr.server.main import Server
from asr.server.options import ServerOptions
from asr.server.service import Service


@pytest.fixture(scope="session")
def service(tones_run: Path) -> Service:
    options = ServerOptions(port=0, wyoming_port=0)
    return Service(load(tones_run), "tones", options)


@pytest.fixture(scope="session")
def samples(tones: Path) -> np.ndarray:
    """Three seconds of tones, 16 bits at 8 kHz."""
    return np.tile(np.rint(read_audio(tones / "test-00.wav", 8000) * 32767).astype("<i2"), 4)


@contextmanager
def run_server(service: Service) -> Iterator[Server]:
    """A server that runs."""
    server = Server(service)
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def running() -> Callable[[Service], AbstractContextManager[Server]]:
    """What runs a server of a service."""
    return run_server


@pytest.fixture(scope="session")
def server(service: Service) -> Iterator[Server]:
    with run_server(service) as started:
        yield started


@pytest.fixture(scope="session")
def port(server: Server) -> int:
    return server.port
