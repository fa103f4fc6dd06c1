"""`asr listen`: files at their speed, microphones that are made up, and what cannot be used."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from asr.audio import microphone
from asr.audio.opening import read_audio
from asr.cli import main
from asr.cli.live_text import LiveText
from asr.inference.streaming import Partial
from asr.transcript import Segment, Word


@pytest.fixture
def command(tones_run: Path) -> list[str]:
    return ["listen", "--model", str(tones_run), "--chunk-ms", "200"]


def test_a_file_is_printed_and_written(tones: Path, command, tmp_path, capsys) -> None:
    played = ["--file", str(tones / "test-00.wav"), "--format", "txt,json"]
    assert main([*command, *played, "--output-dir", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.strip()
    assert "\x1b" not in printed
    assert (tmp_path / "test-00.txt").read_text().split() == printed.split()
    assert (tmp_path / "test-00.json").is_file()


def test_ctrl_c_ends_with_the_last_words(tones: Path, command, capsys, monkeypatch) -> None:
    samples = read_audio(tones / "test-00.wav", 8000)

    def packets(has_ended: Callable[[], bool]) -> Iterator[np.ndarray]:
        yield from np.array_split(samples, 9)
        os.kill(os.getpid(), signal.SIGINT)
        while not has_ended():
            yield np.zeros(80, np.float32)

    monkeypatch.setattr(microphone, "open_microphone", lambda *given: (8000, packets(given[-1])))
    before = signal.getsignal(signal.SIGINT)
    assert main(command) == 0
    assert signal.getsignal(signal.SIGINT) is before
    found = capsys.readouterr()
    assert found.out.strip()
    assert "listening" in found.err


def test_words_under_way_change_in_one_line(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "20")
    live = LiveText()
    live.level(np.full(10, 0.5, np.float32))
    live.show([Partial((), ("one",), "one", 1.0)])
    live.show([Partial((), ("one",), "a text of more than twenty characters", 1.0)])
    segment = Segment(0.0, 1.0, "done\x1b[2J", (Word("done", 0.0, 1.0, 1.0),))
    assert live.show([segment]) == [segment]
    live.close()
    printed = capsys.readouterr().out
    lines = re.split("\r\x1b\\[K", printed)
    assert "▇ one" in lines
    assert "▇ …twenty characters"[:3] in [line[:3] for line in lines]
    assert all(len(line) < 20 for line in lines if "\n" not in line)
    assert next(line for line in lines if line.startswith("done")).endswith("\n")
    assert "\x1b[2J" not in printed


def test_formats_without_a_folder_are_refused(command, capsys) -> None:
    assert main([*command, "--format", "srt"]) == 1
    assert "add --output-dir" in capsys.readouterr().err
    assert main([*command, "--file", "a.wav", "--input", "x"]) == 1
    assert "leave one out" in capsys.readouterr().err


class Devices(SimpleNamespace):
    """Stands for sounddevice."""

    PortAudioError = RuntimeError

    def check_input_settings(self, samplerate: int, **_: object) -> None:
        if samplerate != 44100:
            raise RuntimeError("Invalid sample rate")

    def query_devices(self, device: object, _: str) -> dict[str, float]:
        if device == "none":
            raise ValueError("No input device matching 'none'")
        return {"default_samplerate": 44100.0}

    class InputStream:
        active = False

        def __init__(self, callback, blocksize: int, **_: object) -> None:
            self._callback, self._blocksize = callback, blocksize

        def start(self) -> None:
            for _ in range(2):
                self._callback(np.ones((self._blocksize, 1), np.float32), 0, 0, 0)

        def stop(self) -> None:
            self._callback(np.ones((5, 1), np.float32), 0, 0, 0)

        def close(self) -> None:
            pass


def test_a_microphone_has_a_rate_and_packets(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Devices())
    rate, packets = microphone.open_microphone(None, 16000, 0.1, lambda: False)
    assert rate == 44100
    assert [len(packet) for packet in packets] == [4410] * 2


def test_what_was_recorded_before_the_end_is_not_lost(monkeypatch) -> None:
    """On a busy computer, packets wait when Ctrl-C comes."""
    monkeypatch.setitem(sys.modules, "sounddevice", Devices())
    _, packets = microphone.open_microphone(None, 16000, 0.1, lambda: True)
    assert [len(packet) for packet in packets] == [4410, 4410, 5]


def test_no_microphone_is_one_sentence(command, capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Devices())
    assert main([*command, "--input", "none"]) == 1
    assert "microphone 'none': cannot be opened: No input device" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(command) == 1
    assert "pip install sounddevice" in capsys.readouterr().err


def test_missing_portaudio_is_one_sentence(command, capsys, monkeypatch, tmp_path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    assert main(command) == 1
    assert "PortAudio library not found; install PortAudio" in capsys.readouterr().err
