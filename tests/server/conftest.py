"""One server for all tests of clients, with the model of tones."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from asr.inference.recognizer import load
from asr.server.main import Server, ServerOptions
from asr.server.service import Service


@pytest.fixture(scope="session")
def service(tones_run: Path) -> Service:
    return Service(load(tones_run), "tones")


@pytest.fixture(scope="session")
def port(service: Service) -> Iterator[int]:
    """The port of a server that runs."""
    server = Server(service, ServerOptions(port=0))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield server.port
    server.should_exit = True
    thread.join()
