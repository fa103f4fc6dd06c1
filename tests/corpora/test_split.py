from collections import Counter
from pathlib import Path

from asr.corpora.collection import Utterance
from asr.corpora.split import hold_out


def spoken(counts):
    """Give so many utterances by each speaker."""
    return [
        Utterance(f"{speaker}-{number}", Path("a.wav"), "YES", "t:1", speaker)
        for speaker, count in counts.items()
        for number in range(count)
    ]


def unknown(count):
    return [Utterance(f"take{number}", Path("a.wav"), "YES", "t:1") for number in range(count)]


def test_speakers_are_held_out_whole():
    utterances = spoken({f"speaker{number}": 10 for number in range(20)})
    splits, how = hold_out(utterances)
    assert Counter(splits.values()) == {"train": 160, "dev": 20, "test": 20}
    assert len({(u.speaker, splits[u.id]) for u in utterances}) == 20
    assert "speakers that training does not" in how


def test_a_speaker_of_most_utterances_trains():
    utterances = spoken({"much": 100, **{f"little{number}": 5 for number in range(12)}})
    splits, _ = hold_out(utterances)
    assert splits["much-0"] == "train"
    counts = Counter(splits.values())
    assert 0.1 <= counts["test"] / len(utterances) <= 0.2
    assert 0.1 <= counts["dev"] / len(utterances) <= 0.2


def test_too_few_or_unknown_speakers_leave_it_to_the_hash_of_the_id():
    for utterances in (
        spoken({"ann": 300, "bob": 300}),
        unknown(600),
        [*spoken({"a": 1}), *unknown(599)],
    ):
        splits, how = hold_out(utterances)
        assert "hash of the id" in how
        counts = Counter(splits.values())
        assert 30 <= counts["dev"] <= 90
        assert 30 <= counts["test"] <= 90


def test_adding_utterances_moves_no_other():
    few, _ = hold_out(unknown(100))
    many, _ = hold_out(unknown(1000))
    assert few.items() <= many.items()


def test_the_order_of_utterances_does_not_matter():
    utterances = spoken({f"speaker{number}": number + 3 for number in range(20)})
    assert hold_out(utterances) == hold_out(utterances[::-1])
