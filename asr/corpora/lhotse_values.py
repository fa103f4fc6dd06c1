"""The return values of lhotse's recipes, and its manifests, as utterances.

Recipes return recordings and supervisions as a pair, as a dictionary, or as dictionaries of these
by part (``train``, ``dev-clean``), by language, or by both. Some return cuts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lhotse import CutSet, Recording, SupervisionSegment
from lhotse.audio import AudioSource
from lhotse.cut import MixedCut

from asr.corpora.collection import SPLIT_OF, SPLITS, Collection, Utterance
from asr.text.visible import visible_words
from asr.util.errors import UserError

#: An utterance that ends so near to its recording's end has all of the recording: some headers of
#: mp3 files are off by as much.
_WHOLE_S = 0.05
_LEAF = {"recordings", "supervisions", "cuts"}


@dataclass(frozen=True)
class Part:
    """A part of a corpus: the keys that lead to it; its recordings and supervisions, or cuts."""

    names: tuple[str, ...]
    recordings: Iterable[Recording] = ()
    supervisions: Iterable[SupervisionSegment] = ()
    cuts: Iterable[Any] = ()

    def __str__(self) -> str:
        return "/".join(self.names)


def parts_of(value: object, names: tuple[str, ...] = ()) -> Iterator[Part]:
    """Give the parts of a recipe's return value, at any depth.

    Raises:
        UserError: the value has another shape.
    """
    if isinstance(value, CutSet):
        yield Part(names, cuts=value)
    elif isinstance(value, tuple) and len(value) == 2:
        yield Part(names, recordings=value[0], supervisions=value[1])
    elif not isinstance(value, Mapping):
        raise UserError(
            f"lhotse's recipe gives {type(value).__name__}, which is no part of a corpus; use "
            "`lhotse prepare`, then `asr prepare manifests`"
        )
    elif "supervisions" in value:
        yield Part(names, value.get("recordings") or (), value["supervisions"] or ())
    elif "cuts" in value:
        yield Part(names, cuts=value["cuts"])
    elif not _LEAF & value.keys():  # recordings alone, of noise say, have no words
        for name, below in value.items():
            yield from parts_of(below, (*names, str(name)))


def collect(parts: Iterable[Part], place: str) -> Collection:
    """Make utterances of parts, in the splits that the parts' names tell.

    An utterance that several parts of a split have counts once. Where a recording has a file for
    each of several channels, and the supervision has all, the first is taken.

    Args:
        parts: of one corpus.
        place: what the parts are of, for messages.

    Raises:
        UserError: no utterance has text, or a recording is no file.
    """
    parts = list(parts)
    splits, notes = _choose_splits(parts)
    found: dict[tuple[str, str | None, str, float], Utterance] = {}
    repeated = 0
    for part in parts:
        if part.names not in splits:
            continue
        for one in _utterances(part, place):
            one = replace(one, split=splits[part.names])
            kept = found.setdefault((one.id, one.split, str(one.audio), one.start_s), one)
            repeated += kept is not one
    utterances = list(found.values())
    if not any(one.text for one in utterances):
        raise UserError(
            f"{place}: {len(utterances)} utterances and no text; recognition needs transcripts"
        )
    if repeated:
        notes.append(f"{repeated} utterances are in several parts of a split and count once.")
    return Collection(utterances, notes)


def _choose_splits(parts: list[Part]) -> tuple[dict[tuple[str, ...], str | None], list[str]]:
    """Give each part its split, and notes; parts that belong to no split are left out.

    Where no name tells a split, all have None. ``eval`` is dev where there is a test and no dev, as
    in AliMeeting. Parts without a split's name are train where there is no train, as the sizes of
    GigaSpeech, and are left out otherwise.
    """
    words = {part.names: _split_word(part.names) for part in parts}
    splits = {names: SPLIT_OF[word] if word else None for names, word in words.items()}
    if not any(splits.values()):
        return splits, []
    if "dev" not in splits.values() and "test" in words.values():
        splits |= {names: "dev" for names, word in words.items() if word.startswith("eval")}
    if "train" not in splits.values():
        splits = {names: split or "train" for names, split in splits.items()}
    left_out = ["/".join(names) for names, split in splits.items() if split is None]
    splits = {names: split for names, split in splits.items() if split}
    notes = [f"{', '.join(left_out)} is left out: no split's name."] if left_out else []
    for split in SPLITS:
        of_it = ["/".join(names) for names in splits if splits[names] == split]
        if of_it and of_it != [split]:
            notes.append(f"{split}: {', '.join(of_it)}")
    return splits, notes


def _split_word(names: tuple[str, ...]) -> str:
    """Find the last word of a part's name that names a split; empty without one."""
    words = re.split(r"[\W\d_]+", " ".join(names).lower())
    return next((word for word in reversed(words) if word in SPLIT_OF), "")


def _utterances(part: Part, place: str) -> Iterator[Utterance]:
    recordings = {recording.id: recording for recording in part.recordings}
    where = f"{place} {part}".rstrip()
    for one in part.supervisions:
        recording = recordings.get(one.recording_id)
        if recording is None:
            raise UserError(
                f"{where}: {one.id!r} is of the recording {one.recording_id!r}, which is missing; "
                "give both manifests of one corpus"
            )
        yield _utterance(one, recording, one.start, where)
    for cut in part.cuts:
        if isinstance(cut, MixedCut):
            raise UserError(
                f"{where}: the cut {cut.id!r} mixes recordings; write mixed audio first, by "
                "lhotse's `CutSet.save_audios`"
            )
        for one in cut.supervisions:
            yield _utterance(one, cut.recording, cut.start + one.start, where)


def _utterance(
    supervision: SupervisionSegment, recording: Recording, start_s: float, where: str
) -> Utterance:
    source, channel = _source(supervision, recording)
    if source.type != "file":
        raise UserError(
            f"{where}: the recording {recording.id!r} is of type {source.type}, which is never "
            "opened here; write files of all, by lhotse's `CutSet.save_audios`"
        )
    end_s = start_s + supervision.duration
    whole = start_s == 0 and abs(end_s - recording.duration) <= _WHOLE_S
    text = (supervision.custom or {}).get("normalized_text") or supervision.text or ""
    return Utterance(
        id="_".join(supervision.id.split()),
        audio=Path(source.source),
        text=visible_words(text),
        where=f"{where}: {supervision.id}",
        speaker=supervision.speaker or None,
        start_s=max(start_s, 0.0),
        end_s=None if whole else end_s,
        channel=channel,
    )


def _source(
    supervision: SupervisionSegment, recording: Recording
) -> tuple[AudioSource, int | None]:
    """Find the file that a supervision's channel is in, and the channel's place in that file.

    The place is None where all channels of the file are meant.
    """
    channels = supervision.channel
    wanted = [channels] if isinstance(channels, int) else list(channels)
    source = next(
        (one for one in recording.sources if wanted and wanted[0] in one.channels),
        recording.sources[0],
    )
    if len(wanted) > 1 or len(source.channels) == 1 or wanted[0] not in source.channels:
        return source, None
    return source, source.channels.index(wanted[0])
