"""The training loop: skipped steps, gradient accumulation, early stopping, logs and models."""

import json
import math
import os
import re
import signal

import pytest
import tiny
import torch

from asr.cli import main
from asr.config import TrainConfig
from asr.data.manifests import read_cuts
from asr.model.ctc_model import ctc_loss
from asr.model.model_file import load_model
from asr.training import dev_scores, objective, recipe, trainer
from asr.training.distributed import DistributedContext
from asr.util.errors import UserError

ALONE = DistributedContext(0, 1, torch.device("cpu"))


@pytest.fixture
def build(tones, tmp_path, monkeypatch):
    """Build trainers of tiny models without training them."""

    def build(*overrides: str, name: str = "run") -> trainer.Trainer:
        configs: list[TrainConfig] = []
        with monkeypatch.context() as patch:
            patch.setattr(recipe, "train", configs.append)
            assert main(tiny.arguments(tones, tmp_path / name, *overrides)) == 0
        (tmp_path / name).mkdir(exist_ok=True)
        return recipe.build_trainer(configs[0], tmp_path / name, ALONE)

    return build


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def scaled(loss, factor):
    return loss._replace(total=loss.total * factor)


def weights(trained):
    return torch.cat([p.detach().flatten() for p in trained.model.parameters()])


def test_training_lowers_the_loss(tones_run):
    losses = [numbers["dev_loss"] for numbers in metrics(tones_run)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("micro_batches", [3, 20])
def test_gradient_accumulation_changes_nothing(build, micro_batches):
    """Twenty micro-batches are more than a batch has utterances."""
    results = []
    for parts in (1, micro_batches):
        trained = build(*tiny.STILL, f"trainer.micro_batches={parts}", name=f"run{parts}")
        trained.settings.epochs = 1
        trained.fit()
        results.append(weights(trained))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)
    one, several = (metrics(trained.run_dir.parent / f"run{n}")[0] for n in (1, micro_batches))
    for key in ("loss", "norm"):
        assert one[key] == pytest.approx(several[key], rel=1e-4)


@pytest.mark.parametrize("micro_batches", [1, 3])
def test_the_gradient_is_that_of_the_mean_loss_of_the_batch(build, micro_batches):
    """Adam and clipping would hide any other scale."""
    trained = build(
        *tiny.STILL, "trainer.epochs=1", "data.batch_s=1000", "trainer.clip_norm=inf",
        f"trainer.micro_batches={micro_batches}",
    )  # fmt: skip
    whole = trained.train.load([*range(len(trained.train))])
    trained.model.train()
    log_probs, lengths = trained.model.log_probs(whole.waveforms, whole.waveform_lengths)
    ctc_loss(log_probs, lengths, whole.targets, whole.target_lengths).mean().backward()
    expected = gradient(trained)
    trained.model.zero_grad()
    found = []
    trained.optimizer.step = lambda: found.append(gradient(trained))
    trained.fit()
    torch.testing.assert_close(found, [expected], rtol=1e-4, atol=1e-5)


def test_every_epoch_augments_and_masks_each_utterance_anew(build):
    trained = build("encoder.dropout=0", "trainer.epochs=2")
    waveforms, masked = record_inputs(trained)
    trained.fit()
    ids = {utterance_id for _, utterance_id in waveforms}
    assert len(ids) == 12
    anew = [not torch.equal(waveforms[1, one], waveforms[2, one]) for one in ids]
    assert sum(anew) > len(ids) / 2  # the others are unchanged, by chance
    assert any(masked)


def test_without_augmentation_nothing_is_changed(build):
    trained = build(*tiny.STILL, "trainer.epochs=2")
    waveforms, masked = record_inputs(trained)
    trained.fit()
    assert all(torch.equal(waveforms[1, one], waveforms[2, one]) for _, one in waveforms)
    assert not any(masked)


def record_inputs(trained):
    """Record the samples of each epoch's utterances, and whether their features were changed."""
    waveforms, changed = {}, []
    loss, mask = trained.gradients.loss, trained.gradients.objective.mask

    def recording_loss(batch, epoch):
        rows = zip(batch.utterance_ids, batch.waveforms, batch.waveform_lengths, strict=True)
        waveforms.update({(epoch, one): row[:length].clone() for one, row, length in rows})
        return loss(batch, epoch)

    def recording_mask(features, lengths, *rest):
        result = mask(features.clone(), lengths, *rest)
        changed.append(not torch.equal(result[: len(features)], features))
        return result

    trained.gradients.loss, trained.gradients.objective.mask = recording_loss, recording_mask
    return waveforms, changed


def gradient(trained):
    return torch.cat([p.grad.flatten().clone() for p in trained.model.parameters()])


def test_a_gradient_that_is_not_finite_is_skipped_and_counted(build, monkeypatch):
    trained = build("trainer.epochs=1", "data.batch_s=2")
    original, calls = trained.gradients.loss, 0

    def loss(batch, epoch):
        nonlocal calls
        calls += 1
        before.append(weights(trained).clone())
        return scaled(original(batch, epoch), float("nan") if calls == 3 else 1)

    before: list[torch.Tensor] = []
    trained.gradients.loss = loss
    trained.fit()
    assert torch.equal(before[2], before[3])  # the third step changed nothing
    assert not torch.equal(before[1], before[2])
    (numbers,) = metrics(trained.run_dir)
    assert numbers["skipped"] == 1
    assert torch.isfinite(weights(trained)).all()
    assert trained.progress.step == calls - 1
    assert 0 < numbers["loss"] < 1000  # finite: the skipped step is no part of it


def test_many_gradients_in_a_row_that_are_not_finite_stop_the_run(
    tones, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(objective, "ctc_loss", lambda p, *_: p.sum(dim=(1, 2)) * float("inf"))
    assert main(tiny.arguments(tones, tmp_path)) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asr: ")]
    assert len(errors) == 1
    assert "the gradient was not finite 5 times in a row: training has diverged" in errors[0]
    assert "begin a new run with a lower optimizer.lr than 0.002" in errors[0]
    assert "init=" not in errors[0]  # no epoch has given weights to start from
    assert errors[0].removeprefix("asr: ") in (tmp_path / "train.log").read_text()


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_learning_rate_far_too_high_ends_in_one_sentence(
    tones, tmp_path, capsys, monkeypatch, epochs
):
    """Weights that overflow: nothing is called best, and no number about nothing is written."""
    overflow = torch.optim.AdamW.step

    def step(self, *args, **keywords):
        overflow(self, *args, **keywords)
        for group in self.param_groups:
            for one in group["params"]:
                one.data.mul_(1e30)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    assert main(tiny.arguments(tones, tmp_path, f"trainer.epochs={epochs}")) == 1
    said = capsys.readouterr().err
    errors = [line for line in said.splitlines() if line.startswith("asr: ")]
    assert len(errors) == 1
    assert re.search(r"epoch 1, batch \d \(step \d, \d skipped\): .* has diverged", errors[0])
    assert "a lower optimizer.lr than 0.002" in errors[0]
    assert "best" not in said
    assert not (tmp_path / "model.safetensors").exists()
    assert not (tmp_path / "metrics.jsonl").exists()


def test_an_epoch_without_an_update_is_never_the_best(build):
    trained = build("trainer.epochs=2", "data.batch_s=6")
    train = trained.train
    plan = len(trainer.plan_batches(train.durations_s, trained.batch_s, train.seed, 1))
    original, calls = trained.gradients.loss, 0

    def loss(batch, epoch):
        nonlocal calls
        calls += 1
        return scaled(original(batch, epoch), float("nan") if calls <= plan else 1)

    trained.gradients.loss = loss
    trained.fit()
    first, second = metrics(trained.run_dir)
    assert plan < trainer.MOST_SKIPPED_IN_ROW
    assert first["loss"] is first["norm"] is None
    assert second["loss"] > 0
    assert trained.progress.best_epoch == 2


def test_a_run_without_any_update_fails(build):
    trained = build("trainer.epochs=1", "data.batch_s=6")
    trained.gradients.loss = lambda *_: objective.Loss(
        *[next(trained.model.parameters()).sum() * math.nan] * 2
    )
    for _ in range(2):
        with pytest.raises(UserError, match=r"epoch 1 .*no epoch had a finite gradient"):
            trained.fit()


def test_diverged_weights_replace_no_state(build):
    """The best weights are a start where some of their words are right."""
    trained = build("trainer.epochs=2")
    trained.fit()
    kept = (trained.run_dir / "state.pt").read_bytes()
    trained.model.head.bias.data[0] = math.inf
    trained.progress.best[0] = 0.5
    best = f"from the best weights, of epoch .* with 50.00 % WER, by init={trained.run_dir}"
    with pytest.raises(UserError, match=f"weights are not finite.* last good state stands.*{best}"):
        trained._save()
    assert (trained.run_dir / "state.pt").read_bytes() == kept


def test_a_signal_while_the_last_dev_is_scored_is_not_forgotten(build, monkeypatch):
    trained = build("trainer.epochs=1")
    original = trainer.score_dev

    def score_dev(*args):
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*args)

    monkeypatch.setattr(trainer, "score_dev", score_dev)
    with pytest.raises(KeyboardInterrupt):
        trained.fit()
    assert len(metrics(trained.run_dir)) == 1  # and nothing is lost
    assert trained.fit() is None


def test_a_good_gradient_ends_the_row(build):
    trained = build("trainer.epochs=4")
    original, calls = trained.gradients.loss, 0

    def loss(batch, epoch):
        nonlocal calls
        calls += 1
        return scaled(original(batch, epoch), float("inf") if calls % 5 else 1)

    trained.gradients.loss = loss
    trained.fit()
    assert trained.progress.epoch == 4
    assert trained.progress.skipped > 2 * trainer.MOST_SKIPPED_IN_ROW


def test_training_stops_early_when_nothing_gets_better(build, monkeypatch):
    trained = build("trainer.epochs=50", "trainer.patience_epochs=2")
    wers = iter([0.9, 0.5, 0.6, 0.5, 0.1, 0.1])
    original = trainer.score_dev

    def score_dev(*args):
        scores = original(*args)
        return type(scores)(loss=1.0, wer=next(wers), cer=0.5, examples=scores.examples)

    monkeypatch.setattr(trainer, "score_dev", score_dev)
    trained.fit()
    assert trained.progress.epoch == 4  # 2 was the best; 4 was as good, which is not better
    assert trained.progress.best_epoch == 2
    assert trained.progress.best == [0.5, 0.5, 1.0]
    assert trained.fit() is None


def test_the_best_model_is_kept_beside_the_last(build, monkeypatch):
    trained = build("trainer.epochs=3")
    wers = iter([0.9, 0.5, 0.6])
    averages = []

    def score_dev(model, *args):
        averages.append(torch.cat([p.flatten().clone() for p in model.parameters()]))
        return original(model, *args).__class__(loss=1.0, wer=next(wers), cer=0.5, examples=[])

    original = trainer.score_dev
    monkeypatch.setattr(trainer, "score_dev", score_dev)
    trained.fit()
    for name, epoch in (("model.safetensors", 1), ("last.safetensors", 2)):
        model, _ = load_model(trained.run_dir / name)
        saved = torch.cat([p.detach().flatten() for p in model.parameters()])
        assert torch.equal(saved, averages[epoch])


def test_the_learning_rate_follows_the_schedule(build):
    trained = build("trainer.epochs=4", "schedule.warmup_fraction=0.5", "optimizer.lr=0.01")
    rates = []
    original = trained._step
    trained._step = lambda *args: (
        rates.append(trained.optimizer.param_groups[0]["lr"]) or original(*args)
    )
    trained.fit()
    assert rates[0] == pytest.approx(0.01 / (len(rates) // 2))
    assert rates[len(rates) // 2 - 1] == pytest.approx(0.01)
    assert rates == [
        *sorted(rates[: len(rates) // 2]),
        *sorted(rates[len(rates) // 2 :], reverse=True),
    ]
    assert {group["lr"] for group in trained.optimizer.param_groups} == {rates[-1]}


def test_gradients_are_clipped(build):
    trained = build("trainer.clip_norm=0.001", "trainer.epochs=1")
    norms = []
    original = trained.optimizer.step

    def step():
        gradients = torch.cat([p.grad.flatten() for p in trained.model.parameters()])
        norms.append(float(gradients.norm()))
        original()

    trained.optimizer.step = step
    trained.fit()
    assert max(norms) <= 0.001 * 1.001
    assert metrics(trained.run_dir)[0]["norm"] > 0.1  # what is logged is the norm before clipping


def test_bf16_trains(build):
    trained = build("trainer.precision=bf16", "trainer.epochs=1")
    trained.fit()
    assert all(p.dtype == torch.float32 for p in trained.model.parameters())
    assert torch.isfinite(weights(trained)).all()


@pytest.mark.parametrize(("has", "warnings"), [(True, 0), (False, 1)])
def test_bf16_without_hardware_is_logged_as_slow(build, monkeypatch, caplog, has, warnings):
    monkeypatch.setattr(recipe, "has_fast_bfloat16", lambda _: has)
    caplog.set_level("INFO", logger="asr")
    build("trainer.precision=bf16")
    assert caplog.text.count("bf16 is slower than 32") == warnings


@pytest.mark.parametrize(("has", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_is_the_faster_precision(build, monkeypatch, has, expected):
    monkeypatch.setattr("asr.training.precision.has_fast_bfloat16", lambda _: has)
    assert build("trainer.precision=auto").gradients.precision is expected


def test_dev_batches_are_no_larger_than_the_micro_batches(build, monkeypatch):
    """Memory that holds a micro-batch need not hold the global batch of many devices."""
    trained = build("trainer.micro_batches=2", "data.batch_s=3", "trainer.epochs=1")
    padded_s = []

    def compute_dataset_log_probs(*args, **keywords):
        for batch, *results in original(*args, **keywords):
            padded_s.append(batch.waveforms.numel() / tiny.RATE)
            yield batch, *results

    original = dev_scores.compute_dataset_log_probs
    monkeypatch.setattr(dev_scores, "compute_dataset_log_probs", compute_dataset_log_probs)
    trained.fit()
    assert 0 < max(padded_s) <= 1.5


def test_an_unknown_precision_is_refused(tones, tmp_path, capsys):
    assert main(tiny.arguments(tones, tmp_path, "trainer.precision=16")) == 1
    assert "trainer.precision: expected 32, bf16 or auto, found '16'" in capsys.readouterr().err


def test_the_model_file_holds_how_often_tokens_were_trained_on(tones_run, tones):
    _, tokenizer = load_model(tones_run)
    texts = "".join(cut.supervisions[0].text for cut in read_cuts(tones / "train.jsonl.gz"))
    assert tokenizer.counts == [0, *(texts.count(token) for token in tokenizer.tokens[1:])]


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_ctc_crf_trains(build, precision):
    trained = build("objective=ctc_crf", "trainer.epochs=2", f"trainer.precision={precision}")
    trained.fit()
    first, second = metrics(trained.run_dir)
    assert second["loss"] < first["loss"]
    assert trained.progress.skipped == 0


def test_the_log_names_parameters_data_and_device(tones_run):
    log = (tones_run / "train.log").read_text()
    assert re.match("run folder: .*\nparameters\nsubsampling", log)
    assert "encoder.0" in log
    assert "train: 12 utterances" in log
    assert "device: cpu, processes: 1" in log
    assert log.count("    reference   ") == 3 * 3


def test_each_epoch_is_one_line_of_metrics(tones_run):
    found = metrics(tones_run)
    assert [numbers["epoch"] for numbers in found] == [1, 2, 3]
    names = "epoch loss dev_loss dev_wer dev_cer lr norm skipped waited speed elapsed_s"
    assert list(found[0]) == names.split()
