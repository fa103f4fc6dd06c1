"""Fixtures of the fuzz."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from random_models import random_model, random_tokenizer
from worker import Worker

from asr.model.model_file import save_model


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a test that is marked ``numbered(count, quick)`` for the numbers below `count`.

    Those below `quick` belong to the ordinary tests. The others are slow, and are not even
    collected, which takes seconds, where slow tests are not asked for.
    """
    if numbered := metafunc.definition.get_closest_marker("numbered"):
        count, quick = numbered.args
        if metafunc.config.option.markexpr == "not slow":
            count = quick
        numbers = [
            pytest.param(number, marks=() if number < quick else pytest.mark.slow)
            for number in range(count)
        ]
        metafunc.parametrize("number", numbers)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A process for the module's cases."""
    worker = Worker()
    yield worker
    worker.stop()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few thousand random weights, which writes the letters a to g."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model = random_model()
    save_model(path, model.state_dict(), model.settings, random_tokenizer(), {})
    return path
