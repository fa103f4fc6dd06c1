import json
import logging

import pytest
import torch

from asr.training.distributed import DistributedContext
from asr.training.metric_logger import MetricLogger, format_epoch, log, open_log

NUMBERS = {
    "epoch": 3, "loss": 1.5, "dev_loss": 2.5, "dev_wer": 0.123, "dev_cer": 0.04,
    "lr": 1e-3, "norm": 4.0, "skipped": 0, "waited": 0.021,
}  # fmt: skip


def metrics(folder, rank=0, finished=0, tensorboard=False, epoch_audio_s=0.0, elapsed_s=0.0):
    context = DistributedContext(rank, 2 if rank else 1, torch.device("cpu"))
    return MetricLogger(
        folder, context, finished_epochs=finished, total_audio_s=10, done_audio_s=0,
        epoch_audio_s=epoch_audio_s, elapsed_s=elapsed_s, tensorboard=tensorboard,
    )  # fmt: skip


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_an_epoch_is_a_line(tmp_path):
    written = metrics(tmp_path)
    written.step(3, 1.5, 4.0)
    written.epoch(dict(NUMBERS), [("reference", "hypothesis")], best=True)
    written.close()
    (found,) = lines(tmp_path)
    assert NUMBERS.items() <= found.items()
    assert found["speed"] == pytest.approx(4.0 / found["elapsed_s"])


def test_numbers_about_nothing_are_null_and_unknown(tmp_path, monkeypatch):
    written = metrics(tmp_path)
    monkeypatch.setattr("asr.training.metric_logger.time.monotonic", lambda: written.started)
    unknown = NUMBERS | {"loss": float("nan"), "dev_loss": float("inf"), "waited": written.waited}
    written.epoch(unknown, [], best=False)
    written.close()
    (text,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert found["loss"] is found["dev_loss"] is found["speed"] is found["waited"] is None
    line = format_epoch(unknown | {"speed": float("nan"), "elapsed_s": 0.0})
    assert "loss unknown  dev unknown" in " ".join(line.split()).replace(
        "unknown dev", "unknown  dev"
    )
    assert "unknown x real time" in line
    assert "waited unknown %" in line


def test_an_interrupted_epoch_counts_whole(tmp_path):
    written = metrics(tmp_path, epoch_audio_s=6.0, elapsed_s=100.0)
    written.step(3, 1.5, 4.0)
    written.epoch(dict(NUMBERS), [], best=True)
    written.epoch(dict(NUMBERS), [], best=True)
    written.close()
    interrupted, whole = lines(tmp_path)
    assert 100 <= interrupted["elapsed_s"] < 101
    assert interrupted["speed"] == pytest.approx(10.0 / interrupted["elapsed_s"])
    assert whole["elapsed_s"] < 1


def test_waiting_is_a_share_of_the_steps(tmp_path, monkeypatch):
    """Dev scoring and the log count neither as waiting nor as work."""
    written, now = metrics(tmp_path), [0.0]
    monkeypatch.setattr("asr.training.metric_logger.time.monotonic", lambda: now[0])

    def batches():
        for number in range(3):
            now[0] += 1.0
            yield number

    def waited(work_s):
        for _ in written.watch(batches()):
            now[0] += work_s
        now[0] += 1000.0
        return written.waited

    assert waited(4.0) == pytest.approx(0.2)
    written.epoch(dict(NUMBERS), [], best=False)
    assert waited(3.0) == pytest.approx(0.25)  # of the second epoch alone
    written.close()


def test_what_came_after_the_state_is_dropped(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1}\n{"epoch": 2}\n{"epoch": 3}\n{"epo')
    metrics(tmp_path, finished=2).close()
    assert [line["epoch"] for line in lines(tmp_path)] == [1, 2]


def test_other_ranks_write_nothing(tmp_path):
    silent = metrics(tmp_path, rank=1, tensorboard=True)
    silent.step(1, 1.0, 1.0)
    silent.epoch(dict(NUMBERS), [], best=False)
    silent.close()
    assert not list(tmp_path.iterdir())


def test_the_log_goes_to_the_file_and_the_terminal_once(tmp_path, capsys):
    context = DistributedContext(0, 1, torch.device("cpu"))
    with open_log(tmp_path / "before", context):  # an earlier job of a sweep
        pass
    with open_log(tmp_path, context):
        written = metrics(tmp_path)
        written.epoch(dict(NUMBERS), [("ab", "ba")], best=True)
        written.close()
    assert (tmp_path / "before" / "train.log").read_text() == ""
    log = (tmp_path / "train.log").read_text()
    assert log == capsys.readouterr().err
    assert log.count("WER  12.30 %") == 1
    assert log.splitlines()[0].endswith("best")
    assert "    reference   ab\n    hypothesis  ba" in log


def test_the_log_holds_any_transcript(tmp_path, capsys):
    """On systems whose files are not UTF-8 unless told so, too."""
    with open_log(tmp_path, DistributedContext(0, 1, torch.device("cpu"))):
        log.info("text %s", "a\x1b[2J\udfff")
        (file,) = (h for h in log.handlers if isinstance(h, logging.FileHandler))
        assert file.encoding == "utf-8"
    written = (tmp_path / "train.log").read_text()
    assert written == capsys.readouterr().err == "text a\\x1b[2J\\udfff\n"


def test_an_epoch_in_words():
    words = format_epoch(NUMBERS | {"speed": 52.4, "elapsed_s": 61.0})
    assert words == (
        "epoch   3  loss   1.500  dev   2.500  WER  12.30 %  CER   4.00 %  lr 1.0e-03  norm 4.00"
        "  52 x real time  61 s  waited 2 %"
    )
