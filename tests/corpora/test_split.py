"""Splits: held out by speaker, by recording or by utterance, and stable as a corpus grows."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from asr.corpora.collection import Utterance
from asr.corpora.split import choose_splits, hold_out


def by_speakers(counts):
    """Make `counts[speaker]` utterances of each speaker."""
    return [
        Utterance(f"{speaker}-{number}", Path("a.wav"), "YES", "t:1", speaker)
        for speaker, count in counts.items()
        for number in range(count)
    ]


def anonymous(count):
    return [Utterance(f"take{number}", Path("a.wav"), "YES", "t:1") for number in range(count)]


def test_speakers_are_held_out_whole():
    utterances = by_speakers({f"speaker{number}": 10 for number in range(20)})
    splits, how = hold_out(utterances)
    assert Counter(splits.values()) == {"train": 160, "dev": 20, "test": 20}
    assert len({(u.speaker, splits[u.id]) for u in utterances}) == 20
    assert "speakers that training does not" in how


def test_a_speaker_of_most_utterances_is_in_train():
    utterances = by_speakers({"much": 100, **{f"little{number}": 5 for number in range(12)}})
    splits, _ = hold_out(utterances)
    assert splits["much-0"] == "train"
    counts = Counter(splits.values())
    assert 0.1 <= counts["test"] / len(utterances) <= 0.2
    assert 0.1 <= counts["dev"] / len(utterances) <= 0.2


def test_with_few_or_unknown_speakers_the_hash_of_the_id_decides():
    for utterances in (
        by_speakers({"ann": 300, "bob": 300}),
        anonymous(600),
        [*by_speakers({"a": 1}), *anonymous(599)],
    ):
        splits, how = hold_out(utterances)
        assert "hash of the id" in how
        counts = Counter(splits.values())
        assert 30 <= counts["dev"] <= 90
        assert 30 <= counts["test"] <= 90


@pytest.mark.parametrize("count", range(3, 40))
def test_no_split_is_empty_by_chance(count):
    for first in range(0, 400, 40):
        utterances = anonymous(first + count)[first:]
        splits, _ = hold_out(utterances)
        assert set(splits.values()) == {"train", "dev", "test"}
        assert hold_out(utterances[::-1])[0] == splits
        splits, _ = hold_out(utterances, ["dev"])
        assert set(splits.values()) == {"train", "dev"}


def test_an_empty_split_takes_the_lowest_hash_of_train():
    splits, _ = hold_out(anonymous(5))  # the hash of take2 is 0.12, that of take4 the next
    expected = {f"take{number}": "train" for number in range(4)}
    assert splits == expected | {"take2": "dev", "take4": "test"}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_utterances_than_splits_are_all_in_train(count):
    splits, how = hold_out(anonymous(count))
    assert set(splits.values()) <= {"train"}
    assert how.startswith(f"too few utterances ({count}) to hold out dev and test, and training ne")


def test_a_few_utterances_without_a_speaker_are_in_train():
    utterances = [
        *by_speakers({f"speaker{number}": 10 for number in range(20)}),
        *anonymous(5),
    ]
    splits, how = hold_out(utterances)
    assert how.endswith("held out for dev and test; 5 utterances without a speaker are in train.")
    assert {splits[f"take{number}"] for number in range(5)} == {"train"}
    assert len({(u.speaker, splits[u.id]) for u in utterances}) == 21


def test_utterances_of_one_recording_are_in_one_split():
    talks = [
        Utterance(f"talk{talk}-{at}", Path(f"{talk}.wav"), "YES", "t:1")
        for talk in range(30)
        for at in range(10)
    ]
    splits, how = hold_out(talks)
    assert "hash of the id" in how
    assert set(splits.values()) == {"train", "dev", "test"}
    assert len({(u.audio, splits[u.id]) for u in talks}) == 30
    splits, _ = hold_out(talks[:20])  # two talks cannot be three splits
    assert set(splits.values()) == {"train", "dev", "test"}


def test_speakers_in_several_given_splits_are_noted():
    named = [replace(u, split=split) for u in by_speakers({"ann": 1}) for split in ("train", "dev")]
    other = [replace(u, split="train") for u in by_speakers({"bob": 2})]
    _, (note,) = choose_splits([*named, *other])
    assert note.startswith("1 of 2 speakers are in several of the corpus's splits (such as 'ann'")


def test_dev_is_held_out_of_train_in_a_corpus_without_dev():
    speakers = {f"speaker{number}": 10 for number in range(20)}
    named = [
        replace(u, split="test" if u.speaker == "speaker3" else "train")
        for u in by_speakers(speakers)
    ]
    splits, (how,) = choose_splits(named)
    assert Counter(splits.values()) == {"train": 170, "dev": 20, "test": 10}
    assert {u.speaker for u in named if splits[u.id] == "test"} == {"speaker3"}
    assert len({(u.speaker, splits[u.id]) for u in named}) == 20
    assert how == "the corpus has no dev: speakers that training does not see are held out for dev."
    given = [replace(u, split="dev" if u.speaker == "speaker4" else u.split) for u in named]
    assert choose_splits(given) == ({u.id: u.split for u in given}, [])


def test_adding_utterances_moves_no_other():
    few, _ = hold_out(anonymous(100))
    many, _ = hold_out(anonymous(1000))
    assert few.items() <= many.items()


def test_splits_do_not_depend_on_the_order_of_utterances():
    utterances = by_speakers({f"speaker{number}": number + 3 for number in range(20)})
    assert hold_out(utterances) == hold_out(utterances[::-1])
