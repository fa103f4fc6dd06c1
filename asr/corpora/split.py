"""Hold out utterances for choosing (dev) and for reporting (test), the same ones every time."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from asr.corpora.collection import Utterance

HELD_OUT = 0.1  # of the utterances go to test, and as many to dev
MOST_UNKNOWN = 0.05  # of the utterances may lack a speaker where whole speakers are held out
MOST_HELD_OUT = 0.2  # a speaker who would fill test or dev beyond this stays in training


def choose(utterances: list[Utterance]) -> tuple[dict[str, str], list[str]]:
    """Give each utterance id its split, and say which ones the corpus left to us.

    A corpus that names no split has dev and test held out, and one that names no dev has that
    held out of train.
    """
    named = {u.id: u.split for u in utterances if u.split is not None}
    if not named:
        splits, how = hold_out(utterances)
        return splits, [how]
    notes = _heard_in_several(utterances)
    if "dev" in named.values():
        return named, notes
    splits, how = hold_out([u for u in utterances if u.split == "train"], ["dev"])
    return named | splits, [*notes, f"the corpus has no dev: {how}"]


def _heard_in_several(utterances: list[Utterance]) -> list[str]:
    """Warn of speakers that the corpus has in several splits."""
    splits: dict[str, set[str | None]] = {}
    for utterance in utterances:
        if utterance.speaker is not None:
            splits.setdefault(utterance.speaker, set()).add(utterance.split)
    several = [speaker for speaker, found in splits.items() if len(found) > 1]
    if not several:
        return []
    return [
        f"{len(several)} of {len(splits)} speakers stand in several of the corpus's splits (such "
        f"as {several[0]!r}): expect a higher error rate on unheard people."
    ]


def hold_out(
    utterances: list[Utterance], held_out: Sequence[str] = ("test", "dev")
) -> tuple[dict[str, str], str]:
    """Give each utterance id its split, and one sentence that says how it was chosen.

    Where speakers are known and there are enough of them, whole speakers are held out, so that
    test says how well unheard people are recognised; a few utterances without one train. Speakers
    added later can move others. Otherwise the hash of the id decides, for all of a recording alike
    where there are enough of them: about a tenth each, and an utterance added later moves no other
    one, unless chance had left a split empty. Fewer utterances than splits all train.
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
            how = f"speakers that training does not hear are held out for {names}"
            few = f"; {unknown} utterances without a speaker train" if unknown else ""
            return splits, f"{how}{few}."
    splits = _by_recording(utterances, held_out)
    if not set(held_out) <= set(splits.values()):
        splits = {utterance.id: _by_hash(utterance.id, held_out) for utterance in utterances}
    return _none_empty(splits, held_out), (
        f"a hash of the id draws {names} out of train, since speakers are unknown or too few: "
        "expect a higher error rate on unheard people."
    )


def _by_recording(utterances: list[Utterance], held_out: Sequence[str]) -> dict[str, str]:
    """Go by the hash of the first id of each recording: what is said in one stays together."""
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


def _none_empty(splits: dict[str, str], held_out: Sequence[str]) -> dict[str, str]:
    """Give each split that chance left empty the lowest hash of the fullest one."""
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
    """Go through the speakers in the order of their hash; fill test, then dev, then train."""
    spoken = Counter(u.speaker for u in utterances if u.speaker is not None)
    taken = dict.fromkeys(held_out, 0)
    split_of: dict[str, str] = {}
    for speaker in sorted(spoken, key=_hash):
        for name, count in taken.items():
            after = count + spoken[speaker]
            if count < HELD_OUT * len(utterances) and after <= MOST_HELD_OUT * len(utterances):
                split_of[speaker] = name
                taken[name] = after
                break
    return {u.id: split_of.get(u.speaker or "", "train") for u in utterances}
