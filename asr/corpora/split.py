"""Hold out utterances for choosing (dev) and for reporting (test), the same ones every time."""

import hashlib
from collections import Counter

from asr.corpora.collection import Utterance

HELD_OUT = 0.1  # of the utterances go to test, and as many to dev
MOST_HELD_OUT = 0.2  # a speaker who would fill test or dev beyond this stays in training


def hold_out(utterances: list[Utterance]) -> tuple[dict[str, str], str]:
    """Give each utterance id its split, and one sentence that says how it was chosen.

    Where every speaker is known and there are enough of them, whole speakers are held out, so
    that test says how well unheard people are recognised. Speakers added later can move others.
    Otherwise the hash of the id decides: about a tenth each, and an utterance added later never
    moves another one.
    """
    if all(utterance.speaker is not None for utterance in utterances):
        splits = _by_speaker(utterances)
        if {"dev", "test"} <= set(splits.values()):
            return splits, "dev and test hold speakers that training does not."
    splits = {utterance.id: _by_hash(utterance.id) for utterance in utterances}
    return splits, (
        "dev and test are drawn by a hash of the id, since speakers are unknown or too few: "
        "expect a higher error rate on unheard people."
    )


def _by_hash(utterance_id: str) -> str:
    fraction = _hash(utterance_id) / 2**64
    return "test" if fraction < HELD_OUT else "dev" if fraction < 2 * HELD_OUT else "train"


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _by_speaker(utterances: list[Utterance]) -> dict[str, str]:
    """Go through the speakers in the order of their hash; fill test, then dev, then train."""
    spoken = Counter(str(utterance.speaker) for utterance in utterances)
    taken = {"test": 0, "dev": 0}
    split_of: dict[str, str] = {}
    for speaker in sorted(spoken, key=_hash):
        for name, count in taken.items():
            after = count + spoken[speaker]
            if count < HELD_OUT * len(utterances) and after <= MOST_HELD_OUT * len(utterances):
                split_of[speaker] = name
                taken[name] = after
                break
    return {u.id: split_of.get(str(u.speaker), "train") for u in utterances}
