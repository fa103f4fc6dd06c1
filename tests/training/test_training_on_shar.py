"""Training on lhotse's Shar is training on the manifest that it was made of."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from lhotse import CutSet
from test_resume import die_in_step
from web_folder import WebFolder, serve

from asr.cli import main
from asr.data import ranges


@pytest.fixture(scope="module")
def shar(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders train and dev, of twelve and four cuts, with up to five in a shard."""
    folder = tmp_path_factory.mktemp("shar")
    for name in ("train", "dev"):
        cuts = CutSet.from_file(tones / f"{name}.jsonl.gz")
        (folder / name).mkdir()
        fields = {"recording": "flac"}
        cuts.to_shar(folder / name, fields=fields, shard_size=5, verbose=False)
    return folder


@pytest.fixture
def web(shar: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebFolder]:
    monkeypatch.setattr(ranges, "PAUSE_S", 0.0)
    with serve(shar) as served:
        yield served


def arguments(tones: Path, run_dir: Path, place: str, *overrides: str) -> list[str]:
    data = [f"data.{name}={place}/{name}" for name in ("train", "dev")]
    return tiny.arguments(tones, run_dir, *data, *overrides)


def test_from_a_folder(tones: Path, tones_run: Path, shar: Path, tmp_path: Path) -> None:
    assert main(arguments(tones, tmp_path / "run", str(shar))) == 0
    tiny.assert_same_run(tmp_path / "run", tones_run)


@pytest.mark.parametrize("place", ["folder", "server"])
def test_a_test_set(
    tones: Path,
    tones_run: Path,
    shar: Path,
    web: WebFolder,
    place: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = str(shar) if place == "folder" else web.url.rstrip("/")
    found = []
    for source in (str(tones / "dev.jsonl.gz"), f"{base}/dev"):
        assert main(["evaluate", source, "--model", str(tones_run)]) == 0
        found.append(capsys.readouterr().out.replace(source, ""))
    assert found[0] == found[1] and "WER" in found[0]


def test_from_a_server_with_loading_processes_and_a_death(
    tones: Path, tones_run: Path, web: WebFolder, tmp_path: Path
) -> None:
    command = arguments(tones, tmp_path / "run", web.url.rstrip("/"), "trainer.workers=2")
    assert tiny.wait(tiny.start(command, tmp_path / "err", die_in_step(5))) == -signal.SIGKILL
    assert tiny.wait(tiny.start(command, tmp_path / "err")) == 0, (tmp_path / "err").read_text()
    tiny.assert_same_run(tmp_path / "run", tones_run)


def test_a_server_that_stops_ends_a_run_that_continues(
    tones: Path,
    tones_run: Path,
    web: WebFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = arguments(tones, tmp_path / "run", web.url.rstrip("/"))

    def fails_after_the_first_state(name: str, _start: int) -> str | None:
        saved = (tmp_path / "run" / "state.pt").exists()
        return "stops" if saved and name.startswith("train/recording") else None

    web.fault = fails_after_the_first_state
    assert main(command) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert f"asr: {web.url}train/recording.00000" in message
    assert "cannot be read in 5 attempts (IncompleteRead(" in message

    web.fault = lambda _name, _start: None
    assert main(command) == 0
    tiny.assert_same_run(tmp_path / "run", tones_run)
