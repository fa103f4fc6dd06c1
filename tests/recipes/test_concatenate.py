"""Concatenation augmentation loses and repeats nothing, and cuts in pauses."""

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
def script(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(RECIPES)
    monkeypatch.delitem(sys.modules, "concatenate", raising=False)
    import concatenate

    return concatenate


def utterance(script: ModuleType, seed: int, pause_s: float = 0.3):
    """Ten words of a second each, loud; the middle of every pause between them is silent."""
    starts_s = [number * (1 + pause_s) for number in range(10)]
    waveform = np.random.default_rng(seed).normal(1, 0.1, round(10 * (1 + pause_s) * RATE))
    for start_s in starts_s[1:]:
        middle = round((start_s - pause_s / 2) * RATE)
        waveform[middle - 30 : middle + 30] = 0
    words = tuple(f"{seed}-{number}" for number in range(10))
    return script.Aligned(waveform, words, tuple((start, start + 1) for start in starts_s))


def test_joined_segments_are_the_utterance_and_begin_and_end_in_silence(script):
    whole = utterance(script, seed=1)
    counts = set()
    for seed in range(20):
        segments = script.cut_at_pauses(whole, RATE, script.Options(), random.Random(seed))
        counts.add(len(segments))
        assert np.array_equal(
            np.concatenate([segment.waveform for segment in segments]), whole.waveform
        )
        assert tuple(word for segment in segments for word in segment.words) == whole.words
        for segment in segments[:-1]:
            assert len(segment.waveform) >= script.Options().segment_s[0] * RATE
            assert abs(segment.waveform[-1]) == 0
            assert len(segment.waveform) == pytest.approx(1300 * len(segment.words), abs=200)
    assert len(counts) > 1


def test_an_utterance_without_pauses_is_not_cut(script):
    whole = utterance(script, seed=1, pause_s=0.1)
    assert len(script.cut_at_pauses(whole, RATE, script.Options(), random.Random(1))) == 1


def test_every_word_is_used_equally_often_and_in_new_sequences(script):
    utterances = [utterance(script, seed) for seed in (1, 2)]
    made = list(script.join_segments(utterances, RATE, script.Options(times=3), random.Random(1)))
    counts = Counter(word for one in made for word in one.words)
    assert set(counts.values()) == {3}
    assert len(counts) == 20
    assert any({word[0] for word in one.words} == {"1", "2"} for one in made)
    assert all(len(one.waveform) <= script.LONGEST_S * RATE for one in made)


@pytest.mark.parametrize("whole", [False, True])
def test_a_corpus_becomes_flac_and_a_manifest(
    script, tones, tones_run, tmp_path, monkeypatch, whole
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
    script.main()
    originals, made = read_cuts(tones / "train.jsonl.gz"), read_cuts(tmp_path / "train.jsonl.gz")
    times = 3 if whole else 2
    before, after = (
        Counter(word for cut in cuts for word in cut.supervisions[0].text.split())
        for cuts in (originals, made)
    )
    assert after == {word: times * count for word, count in before.items()}
    duration_s = sum(cut.duration for cut in originals)
    assert sum(cut.duration for cut in made) == pytest.approx(times * duration_s)
    new = [cut for cut in made if cut.id not in originals]
    assert all(load_waveform(cut, 16000).any() for cut in new)
    assert len(made) - len(new) == (len(originals) if whole else 0)


def test_only_segments_of_one_speaker_are_joined(script, tones, tones_run, tmp_path, monkeypatch):
    cuts = [*read_cuts(tones / "train.jsonl.gz")][:2]
    for cut, speaker in zip(cuts, ("a/b", None), strict=True):
        cut.supervisions[0].speaker = speaker
    write_cuts(cuts, tmp_path / "two.jsonl.gz")
    command = ["concatenate.py", str(tmp_path / "two.jsonl.gz"), "--model", str(tones_run)]
    monkeypatch.setattr(sys, "argv", [*command, "--output", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"two.jsonl.gz: cut .* has no speaker, and only"):
        script.main()
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--one-speaker"])
    script.main()
    write_cuts(cuts[:1], tmp_path / "two.jsonl.gz")
    monkeypatch.setattr(sys, "argv", sys.argv[:-1])
    script.main()
    assert list(tmp_path.glob("splice-a%2Fb-*.flac"))


def test_an_mp3_loses_no_speech_and_holds_nothing_above_six_kilohertz(script):
    noise = np.random.default_rng(1).normal(0, 0.1, 32000).astype("float32")

    decoded = script.encode_as_mp3(noise, 16000)

    power = np.abs(np.fft.rfft(decoded[:32000])) ** 2  # bins of half a hertz
    assert power[13000:].sum() < 1e-4 * power[:11000].sum()
    assert len(noise) <= len(decoded) < len(noise) + 3000
    assert decoded.dtype == np.float32
