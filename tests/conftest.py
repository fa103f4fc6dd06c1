"""Fixtures every test may ask for."""

import os
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from asr.lm import NGram
    from asr.util.array_file import Contents

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape lone surrogates in what a test printed or logged: xdist's pipes carry none."""
    report = yield
    report.sections = [
        (title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real speech and oracles beside the checkout; the test is skipped without it."""
    folder = ROOT.parent / "shared"
    if not (folder / "corpora").is_dir():
        pytest.skip(f"needs the real corpora in {folder}, which is not here")
    return folder


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifests of a tiny corpus of tones; see `tiny.write_corpus`."""
    import tiny

    return tiny.write_corpus(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="session")
def tones_run(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a model trained on `tones` without a break, never to be written to."""
    import tiny

    from asr.cli import main

    run_dir = tmp_path_factory.mktemp("runs") / "whole"
    assert main(tiny.arguments(tones, run_dir)) == 0
    return run_dir


@pytest.fixture(scope="session")
def arpa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small language model over words; see `tiny_lm`."""
    import tiny_lm

    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    path.write_text(tiny_lm.ARPA)
    return path


@pytest.fixture(scope="session")
def lm(arpa: Path) -> "NGram":
    """The language model over words."""
    from asr.lm.store import open_ngram

    return open_ngram(arpa)


@pytest.fixture(scope="session")
def letter_lm(tmp_path_factory: pytest.TempPathFactory) -> "NGram":
    """A language model over letters."""
    import tiny_lm

    from asr.lm.store import open_ngram

    path = tmp_path_factory.mktemp("lm") / "letters.arpa"
    path.write_text(tiny_lm.LETTERS)
    return open_ngram(path)


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep caches out of the user's own, in one folder of all of pytest-xdist's workers.

    Each function is then compiled once, not once in each worker.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASR_CACHE", str(folder))
        if os.name == "posix":
            from asr.lm import store
            from asr.util import native

            folder.mkdir(mode=0o700, exist_ok=True)
            for module in (native, store):  # what reads ARPA files is compiled too
                one_by_one = partial(_load_locked, folder, module.load_or_make)
                patch.setattr(module, "load_or_make", one_by_one)
        yield folder


def _load_locked(folder: Path, load: Callable[..., "Contents"], name: str, *how: Any) -> "Contents":
    """Load what another worker may be making, or compiling a function for, once it has ended."""
    import fcntl

    with (folder / f"lock{Path(name).suffix}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return load(name, *how)


@pytest.fixture(scope="session", autouse=True)
def one_composition() -> Iterator[None]:
    """Have Hydra compose a training's settings once, not twice.

    Its first composition only asks for `hydra.mode`, which no setting of ours gives: without an
    answer the flag -m decides. Trainings in processes of their own do all that a user's do.
    """
    from hydra._internal.hydra import Hydra

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hydra, "get_mode", lambda *_, **__: None)
        yield
