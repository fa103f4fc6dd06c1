from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet
from random_models import noise, random_model, random_tokenizer
from tiny import cut

from asr.data.dataset import SpeechDataset
from asr.engine.torch_engine import TorchEngine
from asr.inference import evaluation as evaluation
from asr.inference.evaluation import evaluate, held_out_log_probs
from asr.inference.recognizer import Recognizer
from asr.scoring import format_report
from asr.util.errors import UserError

RATE = 16000
SAMPLES = (16000, 3000, 9000, 200, 7000, 12000)


def recognizer() -> Recognizer:
    return Recognizer(TorchEngine(random_model()), random_tokenizer())


def audio(folder: Path) -> list[Path]:
    paths = [folder / f"u{i}.wav" for i in range(len(SAMPLES))]
    for i, (path, samples) in enumerate(zip(paths, SAMPLES, strict=True)):
        soundfile.write(path, 0.1 * noise(samples, seed=i).numpy(), RATE)
    return paths


def manifest(folder: Path, texts: list[str], speakers: list[str] | list[int] | None = None) -> str:
    cuts = [cut(path, text) for path, text in zip(audio(folder), texts, strict=True)]
    for one, speaker in zip(cuts, speakers or [], strict=False):
        one.supervisions[0].speaker = speaker
    CutSet.from_cuts(cuts).to_file(folder / "cuts.jsonl.gz")
    return str(folder / "cuts.jsonl.gz")


def transcripts(folder: Path) -> list[str]:
    return [recognizer().transcribe(path).text for path in audio(folder)]


def test_what_a_model_writes_itself_scores_no_error(tmp_path: Path) -> None:
    texts = transcripts(tmp_path)
    assert len(set(texts)) > 3, "a model that always writes the same would say little"

    report = evaluate(manifest(tmp_path, texts), recognizer()).report

    assert report.words.errors == 0
    assert report.words.reference_length == sum(len(text.split()) for text in texts) > 0


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch_s", [0.1, 1.0, 120.0])
def test_transcripts_do_not_depend_on_the_batches_and_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_s: float, workers: int
) -> None:
    monkeypatch.setattr(evaluation, "BATCH_S", batch_s)

    texts = ["a"] * len(SAMPLES)
    report = evaluate(manifest(tmp_path, texts), recognizer(), workers=workers).report

    found = {utterance.utterance_id: utterance.hypothesis for utterance in report.results}
    assert found == {f"u{i}": text for i, text in enumerate(transcripts(tmp_path))}


def test_references_are_normalized_and_keep_what_the_model_cannot_write(tmp_path: Path) -> None:
    texts = ["Abba, a BAD zoo!"] + ["a"] * (len(SAMPLES) - 1)

    report = evaluate(manifest(tmp_path, texts), recognizer()).report

    first = next(one for one in report.results if one.utterance_id == "u0")
    assert first.reference == "abba a bad zoo"


def test_rates_by_speaker_are_given_when_every_speaker_is_known(tmp_path: Path) -> None:
    texts = ["a"] * len(SAMPLES)

    known = evaluate(manifest(tmp_path, texts, ["ann", "bob"] * 3), recognizer()).report
    partly = evaluate(manifest(tmp_path, texts, ["ann"] * 3), recognizer()).report

    assert sorted(known.speakers) == ["ann", "bob"]
    assert partly.speakers is None


def test_speakers_that_are_numbers_are_named_by_them(tmp_path: Path) -> None:
    found = evaluate(manifest(tmp_path, ["a"] * len(SAMPLES), [0, 17] * 3), recognizer()).report

    assert sorted(found.speakers) == ["0", "17"]
    assert "\n17 " in format_report(found)


@pytest.mark.parametrize("batch_s", [0.1, 120.0])
def test_audio_that_cannot_be_read_is_left_out_and_its_cut_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_s: float
) -> None:
    monkeypatch.setattr(evaluation, "BATCH_S", batch_s)
    texts = transcripts(tmp_path)
    path = manifest(tmp_path, texts)
    soundfile.write(tmp_path / "u2.wav", np.full(9000, np.nan), RATE, subtype="FLOAT")
    (tmp_path / "u4.wav").unlink()

    found = evaluate(path, recognizer())

    assert sorted(found.left_out) == ["u2", "u4"]
    assert "cut u2: 9000 samples are NaN" in str(found.left_out["u2"])
    hypotheses = {one.utterance_id: one.hypothesis for one in found.report.results}
    assert hypotheses == {f"u{i}": texts[i] for i in (0, 1, 3, 5)}


def test_of_a_test_set_without_audio_one_reason_is_given(tmp_path: Path) -> None:
    path = manifest(tmp_path, ["a"] * len(SAMPLES))
    for name in tmp_path.glob("*.wav"):
        name.unlink()

    with pytest.raises(UserError, match=r"cut u[0-5]: its audio cannot be read"):
        evaluate(path, recognizer())


def test_an_error_nobody_foresaw_is_that_of_one_utterance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = manifest(tmp_path, ["a"] * len(SAMPLES))
    load = SpeechDataset._waveform

    def failing(dataset: SpeechDataset, index: int) -> object:
        return load(dataset, index) if dataset.cuts[index].id != "u3" else 1 / 0

    monkeypatch.setattr(SpeechDataset, "_waveform", failing)

    found = evaluate(path, recognizer())

    assert "u3: ZeroDivisionError (" in str(found.left_out["u3"])
    assert found.report.utterances == len(SAMPLES) - 1


def test_held_out_log_probs_are_those_of_each_utterance_beside_its_reference(
    tmp_path: Path,
) -> None:
    texts = [f"{letter}!" for letter in "abcdef"]
    path = manifest(tmp_path, texts)

    rows, references = held_out_log_probs(recognizer(), path)

    assert sorted(references) == list("abcdef")
    for row, reference in zip(rows, references, strict=True):
        audio_path = tmp_path / f"u{'abcdef'.index(reference)}.wav"
        alone = recognizer().log_probs(recognizer().waveform(audio_path))
        np.testing.assert_allclose(row, alone, rtol=0, atol=1e-4)


def test_the_cross_entropy_holds_confidence_against_what_was_right(tmp_path: Path) -> None:
    texts = transcripts(tmp_path)
    wrong = ["gg" for _ in texts[:3]] + texts[3:]
    words = [word for path in audio(tmp_path) for word in recognizer().transcribe(path).words]
    right = [index >= 3 for index, text in enumerate(texts) for _ in text.split()]

    found = evaluate(manifest(tmp_path, wrong), recognizer())

    confidence = np.clip([word.confidence for word in words], 1e-6, 1 - 1e-6)
    told = np.where(right, np.log(confidence), np.log(1 - confidence)).mean()
    share = np.mean(right)
    untold = share * np.log(share) + (1 - share) * np.log(1 - share)
    assert 0 < share < 1
    assert found.normalized_cross_entropy == pytest.approx(1 - told / untold, rel=1e-3)
