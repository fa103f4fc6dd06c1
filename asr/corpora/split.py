"""Split utterances into train, dev and test; the split depends on ids and speakers alone."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from asr.corpora.collection import Utterance

HELD_OUT = 0.1  # of the utterances go to test, and as many to dev
MOST_UNKNOWN = 0.05  # of the utterances may lack a speaker if whole speakers are held out
MOST_HELD_OUT = 0.2  # a speaker who would fill test or dev beyond this fraction stays in train


def choose_splits(utterances: list[Utterance]) -> tuple[dict[str, str], list[str]]:
    """Give each utterance id its split, and notes on the splits that were chosen here.

    In a corpus without splits, dev and test are held out; in a corpus without dev, dev is held out
    of train.
    """
    named = {u.id: u.split for u in utterances if u.split is not None}
    if not named:
        splits, how = hold_out(utterances)
        return splits, [how]
    notes = _note_shared_speakers(utterances)
    if "dev" in named.values() or "train" not in named.values():
        return named, notes
    splits, how = hold_out([u for u in utterances if u.split == "train"], ["dev"])
    return named | splits, [*notes, f"the corpus has no dev: {how}"]


def _note_shared_speakers(utterances: list[Utterance]) -> list[str]:
    """Note speakers that the corpus has in several splits."""
    splits: dict[str, set[str | None]] = {}
    for utterance in utterances:
        if utterance.speaker is not None:
            splits.setdefault(utterance.speaker, set()).add(utterance.split)
    several = [speaker for speaker, found in splits.items() if len(found) > 1]
    if not several:
        return []
    return [
        f"{len(several)} of {len(splits)} speakers are in several of the corpus's splits (such "
        f"as {several[0]!r}): expect a higher error rate on other speakers."
    ]


def hold_out(
    utterances: list[Utterance], held_out: Sequence[str] = ("test", "dev")
) -> tuple[dict[str, str], str]:
    """Give each utterance id its split, and one sentence that says how splits were chosen.

    With enough known speakers, whole speakers are held out, so that test measures new speakers; the
    few utterances without a speaker are in train. Speakers added later can move others.

    Otherwise, with enough recordings, the hash of a recording's first id decides on all of its
    utterances, and with few recordings each utterance's own hash. About a tenth goes to each split,
    and utterances added later move no others, unless chance left a split empty. Fewer utterances
    than splits are all in train.
    """
    names = " and ".join(sorted(held_out))
    if len(utterances) <= len(held_out):
        return {utterance.id: "train" for utterance in utterances}, (
            f"too few utterances ({len(utterances)}) to hold out {names}, and training needs dev: "
            f"give at least {len(held_out) + 1}."
        )
    unknown = sum(utterance.speaker is None for utterance in utterances)
    if unknown <= MOST_UNKNOWN * len(utterances):
        splits = _by_speaker(utterances, held_out)
        if set(held_out) <= set(splits.values()):
            how = f"speakers that training does not see are held out for {names}"
            few = f"; {unknown} utterances without a speaker are in train" if unknown else ""
            return splits, f"{how}{few}."
    splits = _by_recording(utterances, held_out)
    if not set(held_out) <= set(splits.values()):
        splits = {utterance.id: _by_hash(utterance.id, held_out) for utterance in utterances}
    return _fill_empty(splits, held_out), (
        f"a hash of the id draws {names} out of train, since speakers are unknown or too few: "
        "expect a higher error rate on other speakers."
    )


def _by_recording(utterances: list[Utterance], held_out: Sequence[str]) -> dict[str, str]:
    """Choose by the hash of a recording's first id, so that its utterances are in one split."""
    first: dict[Path, str] = {}
    for utterance in utterances:
        first[utterance.audio] = min(utterance.id, first.get(utterance.audio, utterance.id))
    return {u.id: _by_hash(first[u.audio], held_out) for u in utterances}


def _by_hash(utterance_id: str, held_out: Sequence[str]) -> str:
    fraction = _hash(utterance_id) / 2**64
    for place, name in enumerate(held_out, start=1):
        if fraction < place * HELD_OUT:
            return name
    return "train"


def _fill_empty(splits: dict[str, str], held_out: Sequence[str]) -> dict[str, str]:
    """Give each split that chance left empty the utterance of lowest hash of the fullest split."""
    filled = dict(splits)
    for name in ("train", *held_out):
        sizes = Counter(filled.values())
        if not sizes[name]:
            fullest = max(("train", *held_out), key=sizes.__getitem__)
            filled[min((i for i in filled if filled[i] == fullest), key=_hash)] = name
    return filled


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _by_speaker(utterances: list[Utterance], held_out: Sequence[str]) -> dict[str, str]:
    """Take speakers in the order of their hash; fill test, then dev, then train."""
    counts = Counter(u.speaker for u in utterances if u.speaker is not None)
    taken = dict.fromkeys(held_out, 0)
    split_of: dict[str, str] = {}
    for speaker in sorted(counts, key=_hash):
        for name, count in taken.items():
            after = count + counts[speaker]
            if count < HELD_OUT * len(utterances) and after <= MOST_HELD_OUT * len(utterances):
                split_of[speaker] = name
                taken[name] = after
                break
    return {u.id: split_of.get(u.speaker or "", "train") for u in utterances}
