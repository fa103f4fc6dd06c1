"""Find the faults of a collection, each with its file and line, before training trips on them."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import soundfile
from lhotse import MonoCut, Recording, SupervisionSegment
from lhotse.audio import AudioSource
from tqdm import tqdm

from asr.corpora.collection import Problem, Utterance

END_TOLERANCE_S = 0.05  # hand-made and rounded ends lie this far past the recording; they are cut

# A wav, aiff or au file written to a pipe cannot know its length and states the largest one.
_UNKNOWN_LENGTH = 0x7FFF0000
# How libsndfile words a chunk that states more bytes than the file has.
_SHORT_CHUNK = re.compile(r"(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)")


@dataclass(frozen=True)
class Checked:
    """The sound utterances with their cuts, in the collection's order, and the faults."""

    utterances: list[Utterance]
    cuts: list[MonoCut]
    problems: list[Problem]
    notes: list[str]


class _AudioError(Exception):
    """Why a recording cannot be used: (kind, particulars)."""


def check(utterances: list[Utterance]) -> Checked:
    """Open every recording once and sort the utterances into sound and faulty ones.

    Faults are: a duplicated id (the first one stands), missing or unreadable audio (a truncated
    file among them), no samples, empty text, and a segment that is not within its recording.
    """
    recordings = _open_all(utterance.audio for utterance in utterances)
    good, cuts, problems = [], [], []
    first: dict[str, Utterance] = {}
    for utterance in utterances:
        recording = recordings[utterance.audio]
        problem = _duplicate(utterance, first) or _fault(utterance, recording)
        if problem is not None:
            problems.append(problem)
            continue
        assert isinstance(recording, Recording)
        good.append(utterance)
        cuts.append(_cut(utterance, recording))
    return Checked(good, cuts, problems, list(_channel_notes(cuts)))


def _duplicate(utterance: Utterance, first: dict[str, Utterance]) -> Problem | None:
    earlier = first.setdefault(utterance.id, utterance)
    if earlier is utterance:
        return None
    detail = f"{utterance.id!r} stands first in {earlier.where}"
    return Problem("duplicated id", utterance.where, detail)


def _fault(utterance: Utterance, recording: Recording | _AudioError) -> Problem | None:
    if isinstance(recording, _AudioError):
        kind, detail = recording.args
        return Problem(kind, utterance.where, detail)
    if not utterance.text:
        return Problem("empty text", utterance.where, f"{utterance.id!r} has no words")
    start_s, end_s = utterance.start_s, _end_s(utterance, recording)
    past = end_s > recording.duration
    if past or not 0 <= start_s < end_s:
        detail = f"{start_s:g} s to {end_s:g} s of {recording.duration:.2f} s"
        return Problem("segment outside its recording", utterance.where, detail)
    return None


def _end_s(utterance: Utterance, recording: Recording) -> float:
    """Give the utterance's end, an end that is past the recording by a rounding error cut back."""
    if utterance.end_s is None:
        return recording.duration
    past = utterance.end_s - recording.duration
    return recording.duration if 0 < past <= END_TOLERANCE_S else utterance.end_s


def _cut(utterance: Utterance, recording: Recording) -> MonoCut:
    duration = round(_end_s(utterance, recording) - utterance.start_s, ndigits=8)
    supervision = SupervisionSegment(
        id=utterance.id,
        recording_id=recording.id,
        start=0.0,
        duration=duration,
        channel=0,
        text=utterance.text,
        speaker=utterance.speaker,
    )
    return MonoCut(
        id=utterance.id,
        start=utterance.start_s,
        duration=duration,
        channel=0,
        recording=recording,
        supervisions=[supervision],
    )


def _channel_notes(cuts: Iterable[MonoCut]) -> Iterator[str]:
    wide = {cut.recording_id for cut in cuts if cut.recording.num_channels > 1}
    if wide:
        yield f"{len(wide)} recordings have more than one channel; the first channel is used."


def _open_all(paths: Iterable[Path]) -> dict[Path, Recording | _AudioError]:
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor() as pool:
        opened = pool.map(_open, unique)
        progress = tqdm(opened, "checking audio", total=len(unique), unit="file", disable=None)
        return dict(zip(unique, progress, strict=True))


def _open(path: Path) -> Recording | _AudioError:
    try:
        return _recording(path)
    except _AudioError as fault:
        return fault


def _recording(path: Path) -> Recording:
    if not path.is_file():
        raise _AudioError("missing audio", f"there is no file {path}")
    try:
        with soundfile.SoundFile(path) as audio:
            frames, rate, channels = audio.frames, audio.samplerate, audio.channels
            complete = frames == 0 or _complete(audio)
    # TypeError: soundfile takes a name in .raw for samples without a header
    except (soundfile.SoundFileError, TypeError) as error:
        raise _AudioError("unreadable audio", f"{path}: {error}") from error
    if frames == 0:
        raise _AudioError("no samples", f"{path} is an audio file without samples")
    if not complete:
        raise _AudioError("unreadable audio", f"{path} ends before its header says it does")
    source = str(path.resolve())
    return Recording(
        id=source,
        sources=[AudioSource(type="file", channels=list(range(channels)), source=source)],
        sampling_rate=rate,
        num_samples=frames,
        duration=frames / rate,
    )


def _complete(audio: soundfile.SoundFile) -> bool:
    """Tell whether the file is as long as it says, without decoding all of it."""
    for stated, found in _SHORT_CHUNK.findall(audio.extra_info):
        if int(found) < int(stated) < _UNKNOWN_LENGTH:
            return False
    try:
        audio.seek(audio.frames - 1)
    except soundfile.SoundFileError:
        return False
    return len(audio.read(1)) == 1
