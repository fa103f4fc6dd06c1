"""Standard streams that are closed: nothing else takes their place, and nothing fails unsaid."""

import os
import subprocess
import sys
from pathlib import Path

import tiny

SCORE = "exec {python} -m asr score {text} {text} --layout plain "


def run(tmp_path: Path, closed: str, arguments: str = "") -> subprocess.CompletedProcess[str]:
    (tmp_path / "text").write_text("a b\n")
    command = SCORE.format(python=sys.executable, text=tmp_path / "text") + arguments + closed
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=tiny.ROOT)


def test_a_result_that_has_no_place_to_go_is_a_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, ">&-")
    said = "asr: standard output is closed; give the result a place to go\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_what_is_asked_for_besides_is_written(tmp_path: Path) -> None:
    done = run(tmp_path, ">&- 2>&- <&-", f"--json {tmp_path}/report ")
    assert done.returncode == 1
    assert (tmp_path / "report").read_text().startswith("{")


def test_a_result_needs_no_messages(tmp_path: Path) -> None:
    done = run(tmp_path, "2>&-")
    assert done.returncode == 0 and done.stdout.startswith("WER ")


def test_training_needs_none(tones: Path, tmp_path: Path) -> None:
    def close() -> None:
        sys.stdin = sys.stdout = sys.stderr = None  # as Python does where it finds them closed
        os.closerange(0, 3)

    command = tiny.arguments(tones, tmp_path / "run", "trainer.epochs=1")
    assert tiny.wait(tiny.start(command, tmp_path / "stderr", close)) == 0
    assert (tmp_path / "stderr").read_text() == ""
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_names_and_texts_are_utf8_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "ü.txt").write_text("grüße\n", encoding="utf-8")
    (tmp_path / "ä.txt").write_text("grüsse\n", encoding="utf-8")
    score = [sys.executable, "-m", "asr", "score", "--layout", "plain", tmp_path / "ü.txt"]
    ascii_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = {**os.environ, **ascii_locale, "PYTHONPATH": str(tiny.ROOT)}
    done, failed = (
        subprocess.run([*score, tmp_path / name], capture_output=True, env=environment)
        for name in ("ä.txt", "ö.txt")
    )
    assert "grüße -> grüsse" in done.stdout.decode()
    assert failed.returncode == 1 and f"asr: {tmp_path}/ö.txt: " in failed.stderr.decode()
