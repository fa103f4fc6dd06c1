"""What `import asr` gives: each public name, imported when it is asked for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny

import asr
from asr.data.manifests import read_cuts
from asr.util.errors import UserError


def imported_after(statement: str) -> set[str]:
    code = f"import sys, asr\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tiny.ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_every_public_name_is_there_and_no_other():
    assert all(hasattr(asr, name) for name in asr.__all__)
    assert set(asr.__all__) <= set(dir(asr))
    with pytest.raises(AttributeError, match="module 'asr' has no attribute 'recognize'"):
        _ = asr.recognize


def test_the_package_imports_neither_torch_nor_numpy():
    assert not imported_after("") & {"torch", "numpy"}


@pytest.mark.parametrize(
    "statement",
    [
        "asr.score({'a': 'yes'}, {'a': 'no'})",
        "asr.DecodingOptions(), asr.Segment, asr.Transcript, asr.Word",
    ],
)
def test_scoring_and_transcripts_need_no_torch(statement):
    assert "torch" not in imported_after(statement)


def test_score_counts_errors():
    report = asr.score({"a": "yes please", "b": "no"}, {"a": "yes", "b": "no"})
    assert (report.wer, report.words.deletions) == (1 / 3, 1)


def test_align_takes_a_file_or_samples_and_a_model_or_a_recognizer(tones: Path, tones_run: Path):
    audio, text = tones / "test-00.wav", "ab\na"
    aligned = asr.align(audio, text, model=tones_run)
    assert [segment.text for segment in aligned.segments] == ["ab", "a"]
    assert all(isinstance(word, asr.Word) for word in aligned.words)
    recognizer = asr.load(tones_run)
    assert asr.align(str(audio), text, model=recognizer) == aligned
    samples = recognizer.waveform(audio)
    assert asr.align(samples, text, model=recognizer, sample_rate=tiny.RATE) == aligned
    with pytest.raises(UserError, match=r"^samples: its text has no words"):
        asr.align(np.zeros(8000), "", model=recognizer, sample_rate=tiny.RATE)


def test_evaluate_takes_a_model_with_options_or_a_recognizer(tones: Path, tones_run: Path):
    manifest = tones / "test.jsonl.gz"
    found = asr.evaluate(manifest, tones_run)
    assert found.report.utterances == len(read_cuts(manifest))
    greedy = asr.DecodingOptions()
    assert asr.evaluate(manifest, tones_run, greedy).report == found.report
    recognizer = asr.load(tones_run)
    assert asr.evaluate(manifest, recognizer).report == found.report
    with pytest.raises(UserError, match="decoding: a Recognizer has options of its own"):
        asr.evaluate(manifest, recognizer, greedy)
