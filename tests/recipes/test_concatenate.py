"""Splices lose and double nothing, and cuts lie in pauses."""

import random
import sys
from collections import Counter
from types import ModuleType

import numpy as np
import pytest

from asr.corpora import write_cuts
from asr.data.manifests import load_waveform, read_cuts
from asr.util.paths import RECIPES

RATE = 1000


@pytest.fixture
def splice(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(RECIPES)
    monkeypatch.delitem(sys.modules, "splice", raising=False)
    import splice

    return splice


def utterance(splice: ModuleType, seed: int, pause_s: float = 0.3):
    """Ten words of a second each, loud; the middle of every pause between them is silent."""
    starts_s = [number * (1 + pause_s) for number in range(10)]
    waveform = np.random.default_rng(seed).normal(1, 0.1, round(10 * (1 + pause_s) * RATE))
    for start_s in starts_s[1:]:
        middle = round((start_s - pause_s / 2) * RATE)
        waveform[middle - 30 : middle + 30] = 0
    words = tuple(f"{seed}-{number}" for number in range(10))
    return splice.Aligned(waveform, words, tuple((start, start + 1) for start in starts_s))


def test_pieces_put_together_are_the_utterance_and_begin_and_end_in_silence(splice):
    whole = utterance(splice, seed=1)
    counts = set()
    for seed in range(20):
        pieces = splice.cut_at_pauses(whole, RATE, splice.Cutting(), random.Random(seed))
        counts.add(len(pieces))
        assert np.array_equal(np.concatenate([piece.waveform for piece in pieces]), whole.waveform)
        assert tuple(word for piece in pieces for word in piece.words) == whole.words
        for piece in pieces[:-1]:
            assert len(piece.waveform) >= splice.Cutting().micro_batch_s[0] * RATE
            assert abs(piece.waveform[-1]) == 0
            assert len(piece.waveform) == pytest.approx(1300 * len(piece.words), abs=200)
    assert len(counts) > 1


def test_nobody_is_cut_short(splice):
    whole = utterance(splice, seed=1, pause_s=0.1)
    assert len(splice.cut_at_pauses(whole, RATE, splice.Cutting(), random.Random(1))) == 1


def test_every_word_is_heard_so_often_and_in_new_company(splice):
    said = [utterance(splice, seed) for seed in (1, 2)]
    made = list(splice.concatenated(said, RATE, splice.Cutting(times=3), random.Random(1)))
    heard = Counter(word for one in made for word in one.words)
    assert set(heard.values()) == {3}
    assert len(heard) == 20
    assert any({word[0] for word in one.words} == {"1", "2"} for one in made)
    assert all(len(one.waveform) <= splice.LONGEST_S * RATE for one in made)


@pytest.mark.parametrize("whole", [False, True])
def test_a_corpus_becomes_flac_and_a_manifest(
    splice, tones, tones_run, tmp_path, monkeypatch, whole
):
    command = [
        "concatenate.py",
        f"{tones}/train.jsonl.gz",
        "--model",
        str(tones_run),
        "--times",
        "2",
    ]
    flags = ["--one-speaker", *(["--whole"] if whole else [])]
    monkeypatch.setattr(sys, "argv", [*command, "--output", str(tmp_path), *flags])
    splice.main()
    originals, made = read_cuts(tones / "train.jsonl.gz"), read_cuts(tmp_path / "train.jsonl.gz")
    times = 3 if whole else 2
    said, heard = (
        Counter(word for cut in cuts for word in cut.supervisions[0].text.split())
        for cuts in (originals, made)
    )
    assert heard == {word: times * count for word, count in said.items()}
    duration_s = sum(cut.duration for cut in originals)
    assert sum(cut.duration for cut in made) == pytest.approx(times * duration_s)
    new = [cut for cut in made if cut.id not in originals]
    assert all(load_waveform(cut, 16000).any() for cut in new)
    assert len(made) - len(new) == (len(originals) if whole else 0)


def test_only_what_one_person_says_is_put_together(splice, tones, tones_run, tmp_path, monkeypatch):
    cuts = [*read_cuts(tones / "train.jsonl.gz")][:2]
    for cut, speaker in zip(cuts, ("a/b", None), strict=True):
        cut.supervisions[0].speaker = speaker
    write_cuts(cuts, tmp_path / "two.jsonl.gz")
    command = ["concatenate.py", str(tmp_path / "two.jsonl.gz"), "--model", str(tones_run)]
    monkeypatch.setattr(sys, "argv", [*command, "--output", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"two.jsonl.gz: cut .* has no speaker, and only"):
        splice.main()
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--one-speaker"])
    splice.main()
    write_cuts(cuts[:1], tmp_path / "two.jsonl.gz")
    monkeypatch.setattr(sys, "argv", sys.argv[:-1])
    splice.main()
    assert list(tmp_path.glob("splice-a%2Fb-*.flac"))


def test_an_mp3_loses_no_speech_and_holds_nothing_above_six_kilohertz(splice):
    noise = np.random.default_rng(1).normal(0, 0.1, 32000).astype("float32")

    heard = splice.through_mp3(noise, 16000)

    power = np.abs(np.fft.rfft(heard[:32000])) ** 2  # bins of half a hertz
    assert power[13000:].sum() < 1e-4 * power[:11000].sum()
    assert len(noise) <= len(heard) < len(noise) + 3000
    assert heard.dtype == np.float32
