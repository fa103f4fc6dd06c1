"""Which segments share a batch, and when a file is complete."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import soundfile

import asr.inference.jobs
from asr.audio import AudioError, opening
from asr.audio.opening import open_recording
from asr.audio.recording import Recording
from asr.audio.selection import Selection
from asr.inference.jobs import File, Job, find_jobs
from asr.inference.segmentation.batching import groups
from asr.inference.segmentation.cutting import AudioSegment
from asr.util.errors import FileError

RATE = 8000
BATCH = 4


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, float], Path]:
    """Write a recording: noise that comes and goes each second where it is long."""

    def write_one(name: str, seconds: float) -> Path:
        generator = np.random.default_rng(len(name))
        samples = 0.1 * generator.standard_normal(round(seconds * RATE))
        if seconds > 30:
            samples *= np.arange(len(samples)) // RATE % 2
        soundfile.write(tmp_path / name, samples, RATE)
        return tmp_path / name

    return write_one


def find(paths: list[Path]) -> list[Job]:
    return list(find_jobs(paths, Selection(), RATE, "energy", BATCH, lambda _: None))


def lengths_s(job: Job) -> list[float] | str:
    """The lengths of a batch's segments in seconds, or a file's name."""
    if isinstance(job, File):
        return Path(job.path).name
    return [len(segment.waveform) / RATE for segment in job[0].segments]


def test_a_batch_leaves_when_full_and_the_others_at_the_end(
    write: Callable[[str, float], Path],
) -> None:
    seconds = [2.0, 9.0, 2.2, 0.0, 2.3, 2.1, 2.4, 8.8]
    found = find([write(f"{number}.wav", s) for number, s in enumerate(seconds) if s])

    assert [lengths_s(job) for job in found] == [
        [2.2, 2.3, 2.1, 2.4], [9.0, 8.8], [2.0],
        "0.wav", "1.wav", "2.wav", "4.wav", "5.wav", "6.wav", "7.wav",
    ]  # fmt: skip


def test_short_recordings_are_batched_alike_in_any_order(
    write: Callable[[str, float], Path],
) -> None:
    generator = np.random.default_rng(0)
    paths = [write(f"{n}.wav", s) for n, s in enumerate(generator.uniform(1, 12, 80))]
    paths.insert(40, write("long.wav", 60))

    def sizes(paths: list[Path]) -> list[tuple[int, int]]:
        """The shape of every batch, and how many recordings it holds."""
        batches = [job[0] for job in find(paths) if not isinstance(job, File)]
        return sorted((batch.samples, len(batch.segments)) for batch in batches)

    by_length = sizes(sorted(paths, key=lambda path: path.stat().st_size))

    assert len({samples for samples, _ in by_length}) > 10
    for order in (paths, paths[::-1]):
        assert sizes(order) == by_length


def test_files_follow_their_batches_in_the_order_given(write: Callable[[str, float], Path]) -> None:
    paths = [write("a.wav", 9), *(write(f"b{n}.wav", 2) for n in range(BATCH)), write("c.wav", 60)]

    found = find(paths)

    assert lengths_s(found[0]) == [2] * BATCH, "in time, before the file that was given first"
    first = [lengths_s(job) for job in found].index("a.wav")
    assert [lengths_s(job) for job in found[first:]] == [path.name for path in paths]
    assert lengths_s(found[first - 1]) == [9]


def test_a_file_is_opened_once_for_each_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((RATE, 2)), RATE)
    opened: list[Path] = []

    def counted(path: Path, selection: Selection) -> AbstractContextManager[Recording]:
        opened.append(path)
        return open_recording(path, selection)

    monkeypatch.setattr(opening, "open_recording", counted)

    for channel, times in (("mix", 1), ("right", 1), ("each", 2)):
        opened.clear()
        found = list(
            find_jobs(
                [tmp_path / "a.wav"], Selection(channel), RATE, "energy", BATCH, lambda _: None
            )
        )
        assert isinstance(found[-1], File) and len(found[-1].channels) == times
        assert len(opened) == times


def test_a_bad_file_is_passed_on_with_its_reason(write: Callable[[str, float], Path]) -> None:
    good, bad = write("a.wav", 2), write("b.wav", 2)
    bad.write_bytes(b"no audio")

    last = find([good, bad])[-1]

    assert isinstance(last, File) and last.path == bad and isinstance(last.error, AudioError)


def test_an_error_nobody_foresaw_is_passed_on_with_its_file(
    write: Callable[[str, float], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write("a.wav", 2), write("bad.wav", 1), write("b.wav", 2)]
    waveform = Recording.waveform

    def failing(recording: Recording, *arguments: int) -> object:
        if recording.path.name == "bad.wav":
            raise ZeroDivisionError
        return waveform(recording, *arguments)

    monkeypatch.setattr(Recording, "waveform", failing)

    *_, first, bad, last = find(paths)

    assert [one.error is None for one in (first, bad, last)] == [True, False, True]
    assert isinstance(bad.error, FileError)


def test_a_recording_waits_while_a_bounded_length_is_read(
    write: Callable[[str, float], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asr.inference.jobs, "_WAITING_S", 12)
    paths = [write("first.wav", 9), *(write(f"{number}.wav", 1) for number in range(40))]
    opened: list[float] = []
    done = 0

    for job in find_jobs(paths, Selection(), RATE, "energy", BATCH, opened.append):
        assert len(opened) - done <= 14
        done += isinstance(job, File)
    assert done == 41


def test_a_recording_does_not_wait_for_a_long_one_to_end(
    write: Callable[[str, float], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asr.inference.jobs, "_WAITING_S", 40)

    found = [lengths_s(job) for job in find([write("a.wav", 2), write("long.wav", 120)])]

    assert found.index([2]) + 1 == found.index("a.wav") < len(found) - 4


def test_every_batch_has_room_for_the_longest_of_its_shape() -> None:
    generator = np.random.default_rng(0)
    for samples in [0, 1, 2, *generator.integers(3, 30 * RATE, 300)]:
        ((batch,),) = groups([AudioSegment(0, np.zeros(samples, np.float32))], BATCH)
        assert batch.rows == BATCH
        assert samples <= batch.samples <= 1.25 * samples
