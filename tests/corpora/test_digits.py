"""The corpus of synthetic digits: its plan, its rendering, and its acoustics."""

import json
from itertools import combinations

import numpy as np
import pytest
import soundfile
from lhotse import CutSet

from asr.corpora import digits, prepare
from asr.data import acoustics
from asr.text import espeak
from asr.util.errors import UserError

pytest.importorskip("espeakng_loader", reason="needs the extra asr[espeak]")
SIZE = 30


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    return prepare("digits", None, folder, size=SIZE), folder


@pytest.fixture(scope="module")
def synthesizer():
    return espeak.Synthesizer()


def test_a_small_corpus_is_complete(small):
    summary, folder = small
    assert {name: split.utterances for name, split in summary.splits.items()} == {
        "train": 30,
        "dev": 3,
        "test": 3,
    }
    for split in summary.splits.values():
        for cut in CutSet.from_file(split.path):
            samples, rate = soundfile.read(folder / "audio" / f"{cut.id}.wav")
            assert rate == 16000
            words = cut.supervisions[0].text.split()
            assert set(words) <= set(digits.WORDS)
            assert 0.05 < np.max(np.abs(samples)) <= 0.9
            assert 0.15 < cut.duration / len(words) < 1.6


def test_another_fresh_process_renders_the_same_samples(small, tmp_path):
    _, folder = small
    prepare("digits", None, tmp_path, size=SIZE)
    records = [
        json.loads((place / "audio/digits.json").read_text()) for place in (folder, tmp_path)
    ]
    assert records[0] == records[1]
    names = sorted(path.name for path in (folder / "audio").iterdir())
    assert len(names) == 37
    for name in names:
        assert (folder / "audio" / name).read_bytes() == (tmp_path / "audio" / name).read_bytes()


def test_a_finished_corpus_is_reused_and_a_damaged_one_is_not(small, monkeypatch):
    summary, folder = small
    path = folder / "audio/train-0007.wav"
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(digits, "_render_in_fresh_process", None)
        assert prepare("digits", None, folder, size=SIZE) == summary
    path.write_bytes(before[:-2] + b"\x01\x01")
    assert prepare("digits", None, folder, size=SIZE) == summary
    assert path.read_bytes() == before


def test_a_folder_of_other_recordings_is_left_unchanged(tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "mine.wav").write_bytes(b"mine")
    with pytest.raises(UserError, match="exists and is not of this corpus"):
        prepare("digits", None, tmp_path, size=1)
    assert (tmp_path / "audio" / "mine.wav").read_bytes() == b"mine"


def test_the_plan_has_many_voices_and_splits_share_none():
    variants = {split: set(names.split()) for split, names in digits.VARIANTS.items()}
    for one, other in combinations(variants.values(), 2):
        assert not one & other
    prompts = digits.plan(2000)
    counts = {split: sum(p.split == split for p in prompts) for split in variants}
    assert counts == {"train": 2000, "dev": 200, "test": 200}
    found = {split: {p.voice for p in prompts if p.split == split} for split in variants}
    assert len(found["train"]) >= 40
    assert {voice.name.partition("+")[0] for voice in found["train"]} == set(digits.ACCENTS)
    names = [voice.name for voices in found.values() for voice in voices]
    assert len(set(names)) == len(names)


def test_prompts_have_1_to_7_words():
    prompts = digits.plan(500)
    assert {len(prompt.words.split()) for prompt in prompts} == set(range(1, 8))
    for prompt in prompts:
        assert prompt.spoken.replace(",", "").upper() == prompt.words


def test_every_voice_exists_and_differs_from_the_others(synthesizer):
    names = {voice.name for split in digits.VARIANTS for voice in digits.voices(split)}
    settings = {"pitch": 50, "pitch_range": 50, "words_per_minute": 160}
    rendered = {name: synthesizer.render("seven", name, **settings).tobytes() for name in names}
    assert len(names) >= 70
    assert len(set(rendered.values())) == len(names)


@pytest.mark.parametrize(
    ("voice", "message"),
    [("en-us+nosuch", "no variant 'nosuch'"), ("xx-none+f1", "SetVoiceByName.*failed with status")],
)
def test_unknown_voices_are_refused(synthesizer, voice, message):
    with pytest.raises(UserError, match=message):
        synthesizer.render("one", voice, pitch=50, pitch_range=50, words_per_minute=160)


def test_speed_and_pitch_change_the_samples(synthesizer):
    def render(pitch, words_per_minute):
        return synthesizer.render(
            "one two three",
            "en-us+m3",
            pitch=pitch,
            pitch_range=0,
            words_per_minute=words_per_minute,
        )

    assert len(render(50, 120)) > 1.3 * len(render(50, 200))
    assert render(30, 160).tobytes() != render(70, 160).tobytes()


def test_without_espeakng_loader_the_error_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install espeakng-loader"):
        prepare("digits", None, tmp_path)


def test_a_failure_of_the_rendering_process_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(digits.sys, "executable", "/bin/false")
    with pytest.raises(UserError, match="rendering ended with 1: it printed nothing"):
        prepare("digits", None, tmp_path, size=1)
    assert not (tmp_path / "audio").exists()


@pytest.mark.parametrize("options", [{"size": 0}, {"size": -3}])
def test_a_size_below_1_is_refused(tmp_path, options):
    with pytest.raises(UserError, match="expected 1 or more"):
        prepare("digits", None, tmp_path, **options)


def test_a_source_is_refused(tmp_path):
    with pytest.raises(UserError, match="made, not read"):
        prepare("digits", tmp_path, tmp_path)


def test_noise_has_its_signal_to_noise_ratio():
    tone = np.sin(np.arange(16000) / 10)
    for slope in (0.0, 1.5):
        generator = np.random.default_rng(1)
        noise = acoustics.add_noise(tone, snr_db=20, slope=slope, generator=generator) - tone
        assert np.mean(tone**2) / np.mean(noise**2) == pytest.approx(100)


def test_reverberation_of_an_impulse_is_the_impulse_response():
    impulse = np.zeros(8000)
    impulse[0] = 1.0
    response = acoustics.reverberate(
        impulse,
        16000,
        decay_s=0.4,
        direct_to_reverberant_db=6,
        generator=np.random.default_rng(1),
    )
    assert response[0] == pytest.approx(1.0)
    assert np.sum(response[1:] ** 2) == pytest.approx(10**-0.6)
    # it falls by 60 dB in 0.4 s, so by 30 dB in 0.2 s
    fall_db = 10 * np.log10(np.mean(response[1:1001] ** 2) / np.mean(response[3201:4201] ** 2))
    assert fall_db == pytest.approx(30, abs=1.5)
    assert np.abs(response[6402:]).max() < 1e-12
