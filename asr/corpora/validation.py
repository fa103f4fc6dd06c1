"""Validate a collection's utterances before training, and name each problem's file and line."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lhotse import MonoCut, MultiCut, Recording, SupervisionSegment
from lhotse.audio import AudioSource
from lhotse.cut import Cut
from tqdm import tqdm

from asr.audio import AudioError, UnknownFormatError, check_samples
from asr.audio.recording import BLOCK_SAMPLES
from asr.audio.samples import SelectionError
from asr.audio.seekable import decode_blocks, open_audio
from asr.audio.selection import find_channel
from asr.corpora.collection import Problem, Utterance
from asr.corpora.convert import Converter
from asr.data.cut_checks import LONGEST_AT_ONCE_S, LONGEST_S, check_amount
from asr.data.cut_schema import CutError, check_words
from asr.util.errors import FileError, contain_errors
from asr.util.threads import map_in_order

OPENED_AHEAD = 4  # threads beyond the processors, since most threads wait for the disk
END_TOLERANCE_S = 0.05  # a segment's end so far past its recording is a rounding error
_LOST = "\ufffd"  # what decoders put for bytes that they could not read
LONG_S = 60.0  # longer utterances take much memory in training: many minutes take gigabytes


@dataclass(frozen=True)
class Validated:
    """The valid utterances with their cuts, in the collection's order, and the others' problems."""

    utterances: list[Utterance]
    cuts: list[Cut]
    problems: list[Problem]
    notes: list[str]


def validate(
    utterances: list[Utterance], converter: Converter, longest_s: float = LONGEST_S
) -> Validated:
    """Decode every recording once, and separate valid from invalid utterances.

    Recordings are decoded whole, a few thousand times as fast as real time, since damage in the
    middle would stop a training. Recordings that libsndfile cannot read are converted to flac. The
    converter's channel is that of utterances whose corpus names none.

    Problems are: a duplicated id (the first valid utterance keeps it); missing or unreadable audio
    (damaged, cut short, or with samples that are not finite); no samples; empty text; a segment or
    a channel outside its recording, or a segment longer than `longest_s` or too long for the
    memory; control characters in names or text; and the problem that the reader found.
    """
    recordings = _open_all((utterance.audio for utterance in utterances), converter)
    valid, cuts, problems = [], [], []
    first: dict[str, Utterance] = {}
    for utterance in utterances:
        recording = recordings[utterance.audio]
        utterance = _with_channel(utterance, recording, converter)
        problem = _duplicate(utterance, first) or _problem(utterance, recording, longest_s)
        if problem is not None:
            problems.append(problem)
            continue
        assert isinstance(recording, Recording)
        first[utterance.id] = utterance
        valid.append(utterance)
        cuts.append(_cut(utterance, recording))
    return Validated(valid, cuts, problems, list(_notes(cuts, converter)))


def _with_channel(
    utterance: Utterance, recording: Recording | AudioError, converter: Converter
) -> Utterance:
    """Take the selected channel of a recording, unless its corpus names one."""
    if isinstance(recording, AudioError) or utterance.channel is not None:
        return utterance
    if recording.id in converter.made:  # which has the selected channel alone
        return utterance
    try:
        number = find_channel(utterance.audio, converter.selection.channel, recording.num_channels)
    except SelectionError as error:
        problem = Problem("channel outside its recording", utterance.where, str(error))
        return replace(utterance, problem=utterance.problem or problem)
    return replace(utterance, channel=number)


def _duplicate(utterance: Utterance, first: dict[str, Utterance]) -> Problem | None:
    earlier = first.get(utterance.id)
    if earlier is None:
        return None
    detail = f"{utterance.id!r} is first in {earlier.where}"
    if utterance.audio != earlier.audio:
        both = f"{utterance.audio} and {earlier.audio} are both called {utterance.id!r}"
        detail = f"{both}; keep one, or rename it"
    return Problem("duplicated id", utterance.where, detail)


def _problem(
    utterance: Utterance, recording: Recording | AudioError, longest_s: float
) -> Problem | None:
    if isinstance(recording, AudioError):
        return Problem(recording.kind, utterance.where, str(recording))
    if utterance.problem is not None:
        return utterance.problem
    try:
        check_words(utterance.id, utterance.speaker, utterance.text)
    except CutError as error:
        return Problem("unreadable text", utterance.where, str(error))
    if _LOST in utterance.text:
        detail = "it has U+FFFD, which stands for a character that was lost; mend the text"
        return Problem("unreadable text", utterance.where, detail)
    if not utterance.text:
        return Problem("empty text", utterance.where, f"{utterance.id!r} has no words")
    start_s, end_s = utterance.start_s, _end_s(utterance, recording)
    samples = round((end_s - start_s) * recording.sampling_rate)
    if end_s > recording.duration or start_s < 0 or samples < 1:
        detail = f"{start_s:g} s to {end_s:g} s of {recording.duration:.2f} s"
        return Problem("segment outside its recording", utterance.where, detail)
    if (utterance.channel or 0) >= recording.num_channels:
        detail = f"channel {(utterance.channel or 0) + 1} of {recording.num_channels}"
        return Problem("channel outside its recording", utterance.where, detail)
    try:
        check_amount(end_s - start_s, samples * recording.num_channels, longest_s)
    except CutError as error:
        detail = f"{utterance.id!r}: {error}; cut it, or give start and end"
        return Problem("too long", utterance.where, detail)
    return None


def _end_s(utterance: Utterance, recording: Recording) -> float:
    """Give the utterance's end; an end past the recording by a rounding error becomes its end."""
    if utterance.end_s is None:
        return recording.duration
    past = utterance.end_s - recording.duration
    return recording.duration if 0 < past <= END_TOLERANCE_S else utterance.end_s


def _cut(utterance: Utterance, recording: Recording) -> Cut:
    """Make the utterance's cut, of one or all channels of its recording; loading mixes them."""
    duration = round(_end_s(utterance, recording) - utterance.start_s, ndigits=8)
    alone = recording.num_channels == 1 or utterance.channel is not None
    channel = (utterance.channel or 0) if alone else recording.channel_ids
    supervision = SupervisionSegment(
        id=utterance.id,
        recording_id=recording.id,
        start=0.0,
        duration=duration,
        channel=channel,
        text=utterance.text,
        speaker=utterance.speaker,
    )
    return (MonoCut if alone else MultiCut)(
        id=utterance.id,
        start=utterance.start_s,
        duration=duration,
        channel=channel,
        recording=recording,
        supervisions=[supervision],
    )


def _notes(cuts: Sequence[Cut], converter: Converter) -> Iterator[str]:
    recordings = {cut.recording_id: cut.recording for cut in cuts}
    several = len({cut.recording_id for cut in cuts if isinstance(cut, MultiCut)})
    if several:
        yield f"{several} recordings have more than one channel; their channels are mixed."
    made = len(converter.made.intersection(recordings))
    if made and not converter.temporary:
        yield (
            f"{made} recordings were converted to flac in {converter.folder}; the manifests name "
            "these."
        )
    long_s = [cut.duration for cut in cuts if cut.duration > LONG_S]
    if long_s:
        yield (
            f"{len(long_s)} utterances are longer than {LONG_S:g} s, one {max(long_s):.0f} s; "
            f"training takes much memory for these, and none longer than {LONGEST_AT_ONCE_S:g} s: "
            f"better cut them, or give start and end."
        )


def _open_all(paths: Iterable[Path], converter: Converter) -> dict[Path, Recording | AudioError]:
    unique = list(dict.fromkeys(paths))
    open_one = partial(_open, converter=converter)
    opened = map_in_order(open_one, unique, (os.cpu_count() or 1) + OPENED_AHEAD)
    progress = tqdm(opened, "checking audio", total=len(unique), unit="file", disable=None)
    return dict(zip(unique, progress, strict=True))


def _open(path: Path, converter: Converter) -> Recording | AudioError:
    try:
        with contain_errors(str(path)):
            try:
                if converter.selection.track in (None, 1):  # libsndfile's files have one
                    return _recording(path)
            except UnknownFormatError:
                pass
            return _recording(converter.to_flac(path))
    except AudioError as problem:
        return problem
    except FileError as error:
        return AudioError("unreadable audio", str(error), "or leave the file out")
    except SelectionError as error:
        return AudioError("channel outside its recording", str(error), "or leave the file out")


def _recording(path: Path) -> Recording:
    with open_audio(path) as audio:
        rate, channels, frames = audio.samplerate, audio.channels, 0
        for block in decode_blocks(audio, path, BLOCK_SAMPLES // channels):
            # counted, since the header of a damaged MP3 may be far off
            frames += len(check_samples(block, str(path)))
    source = str(path.resolve())
    return Recording(
        id=source,
        sources=[AudioSource(type="file", channels=list(range(channels)), source=source)],
        sampling_rate=rate,
        num_samples=frames,
        duration=frames / rate,
    )
