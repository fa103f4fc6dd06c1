"""What a page shows besides words: sound within bounds, links beyond, levels, pictures."""

import base64
import io
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import soundfile
from random_models import random_model, random_tokenizer
from tiny import cut

from asr.engine.torch_engine import TorchEngine
from asr.inference import utterance_media
from asr.inference.recognizer import Recognizer
from asr.inference.utterance_media import collect_utterance_media
from asr.scoring import format_html, score
from asr.util.errors import UserError

RATE = 8000


@pytest.fixture
def cuts(tmp_path: Path) -> list:
    made = []
    for index, name in enumerate(["a b", "ü#c", "d"]):
        folder = tmp_path / "wav files"
        folder.mkdir(exist_ok=True)
        noise = np.random.default_rng(index).normal(size=RATE, scale=0.1)
        soundfile.write(folder / f"{name}.wav", noise, RATE)
        made.append(cut(folder / f"{name}.wav", "x"))
    return made


@pytest.fixture
def report(cuts):
    ids = [one.id for one in cuts]
    hypotheses = dict(zip(ids, ["x", "y y y", "y"], strict=True))
    return score(dict.fromkeys(ids, "x"), hypotheses)


def test_sound_is_part_of_the_page_to_the_last_bit(report, cuts, tmp_path):
    found = collect_utterance_media(report, cuts, tmp_path / "page.html")
    assert set(found) == {one.id for one in cuts}
    for one in cuts:
        media_item = found[one.id]
        head, data = media_item.audio.split(",")
        assert head == "data:audio/flac;base64"
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="int16")
        original, _ = soundfile.read(one.recording.sources[0].source, dtype="int16")
        assert rate == RATE
        np.testing.assert_array_equal(samples, original)
        assert media_item.duration_s == 1.0
        assert media_item.picture is None


def test_beyond_the_bound_sound_is_a_link_and_the_worst_stay(report, cuts, tmp_path, monkeypatch):
    one = len(collect_utterance_media(report, cuts, tmp_path / "page.html")["d"].audio)
    monkeypatch.setattr(utterance_media, "SOUND_BYTES", one + 500)
    page = tmp_path / "deep" / "er" / "page.html"
    found = collect_utterance_media(report, cuts, page)
    assert found["ü#c"].audio.startswith("data:")  # the one with most errors
    for name in ("a b", "d"):
        link = urlsplit(found[name].audio)
        assert link.fragment == "t=0.000,1.000"
        assert (page.parent / unquote(link.path)).resolve() == Path(
            next(one for one in cuts if one.id == name).recording.sources[0].source
        )


def test_a_link_plays_a_cut_from_its_start(cuts, tmp_path, monkeypatch):
    part = cuts[0].truncate(offset=0.25, duration=0.5, preserve_id=True)
    result = score({part.id: "x"}, {part.id: "x"})
    found = collect_utterance_media(result, [part], tmp_path / "page.html")[part.id]
    data = base64.b64decode(found.audio.split(",")[1])
    assert soundfile.info(io.BytesIO(data)).frames == RATE // 2
    monkeypatch.setattr(utterance_media, "SOUND_BYTES", 0)
    found = collect_utterance_media(result, [part], tmp_path / "page.html")[part.id]
    assert found.audio.endswith("#t=0.250,0.750")


def test_sound_of_a_rate_that_flac_has_not_is_a_link(tmp_path):
    path = tmp_path / "bat.wav"
    soundfile.write(path, np.zeros(7040), 704_000)
    found = collect_utterance_media(
        score({"bat": "x"}, {"bat": "x"}), [cut(path, "x")], tmp_path / "p"
    )
    assert found["bat"].audio == "bat.wav#t=0.000,0.010"


def test_sound_that_is_no_file_is_kept_within_the_bound_too(report, cuts, tmp_path, monkeypatch):
    kept = [one.move_to_memory(audio_format="wav") for one in cuts]
    one = len(collect_utterance_media(report, kept, tmp_path / "page.html")["d"].audio)
    monkeypatch.setattr(utterance_media, "SOUND_BYTES", one + 500)
    found = collect_utterance_media(report, kept, tmp_path / "page.html")
    assert found["ü#c"].audio.startswith("data:")
    assert found["a b"].audio is found["d"].audio is None
    assert format_html(report, "x", found).count("data-audio=") == 1


def test_a_page_on_another_drive_has_whole_links(report, cuts, tmp_path, monkeypatch):
    def other_drive(*_):
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr(utterance_media, "SOUND_BYTES", 0)
    monkeypatch.setattr("os.path.relpath", other_drive)
    link = urlsplit(collect_utterance_media(report, cuts, tmp_path / "page.html")["ü#c"].audio)
    assert (link.scheme, link.fragment) == ("file", "t=0.000,1.000")
    assert Path(unquote(link.path)).is_file()


def test_the_worst_are_drawn(report, cuts, tmp_path):
    recognizer = Recognizer(TorchEngine(random_model()), random_tokenizer())
    found = collect_utterance_media(report, cuts, tmp_path / "page.html", recognizer, pictures=1)
    drawn = {key: one.picture for key, one in found.items() if one.picture}
    assert set(drawn) == {"ü#c"}
    head, data = drawn["ü#c"].split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG")


def test_a_manifest_of_something_else_is_refused(report, cuts, tmp_path):
    with pytest.raises(UserError, match="1 of 3 utterances are not in it, such as d;"):
        collect_utterance_media(report, cuts[:2], tmp_path / "page.html")
