"""`asr evaluate --stream`."""

import json
from pathlib import Path

import pytest

from asr.cli import main


def test_streams_are_scored_and_timed(tones: Path, tones_run: Path, tmp_path: Path, capsys) -> None:
    report = tmp_path / "report.json"
    command = ["evaluate", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]
    options = ["--chunk-ms", "200", "--endpoint", "rule4.min_trailing_silence_s=9"]
    assert main([*command, "--stream", *options, "--json", str(report)]) == 0
    printed = capsys.readouterr().out
    assert "Streaming: chunks of 200 ms, right context 500 ms" in printed
    found = json.loads(report.read_text())["streaming"]
    assert found["chunk_ms"] == 200
    assert 0 <= found["word_error_rate"] <= 1
    assert found["real_time_factor"] > 1
    assert f"{found['word_error_rate']:.2%} streamed" in printed


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--chunk-ms", "200"], "--chunk-ms: is of streams; add --stream"),
        (["--stream", "--chunk-ms", "0"], "chunk_ms: expected above 0"),
        (["--stream", "--endpoint", "rule9.x=1"], "--endpoint rule9.x=1: unknown setting"),
        (["--stream", "--endpoint", "rule1.min_trailing_silence_s=x"], "expected a number"),
        (["--stream", "--endpoint", "rule1.must_contain_nonsilence=1"], "expected true or false"),
    ],
)
def test_flags_that_cannot_be_used_are_refused(
    tones: Path, tones_run: Path, capsys, flags, message
):
    command = ["evaluate", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]
    assert main([*command, *flags]) == 1
    assert message in capsys.readouterr().err
