"""Batches: their plan, their shards, and how they are loaded, in this process and in workers."""

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from lhotse import CutSet
from tiny import cut, damaged_cut

from asr.data.augment import WaveformAugment
from asr.data.dataset import (
    Batch,
    Shard,
    SpeechDataset,
    plan_batches,
    split_batch,
)
from asr.data.loading import explain_dead_worker, load_shards
from asr.data.manifests import load_waveform
from asr.text.tokenizer import BLANK, CharTokenizer
from asr.util.errors import UserError

RATE = 16000
SAMPLES = (1600, 4000, 800, 2400)
TEXTS = ("A bad cab!", "bee", "bb", "fee 9")
TOKENIZER = CharTokenizer([BLANK, *" abcdef"], "lower")
AUGMENT = WaveformAugment(
    speeds=(0.9, 1.1), noise_probability=0.5, noise_snr_db=(5.0, 15.0), reverb_probability=0.5,
    reverb_rt60_s=(0.1, 0.2),
)  # fmt: skip
DURATIONS_S = np.random.default_rng(0).uniform(0.5, 9.0, 200).tolist()


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> CutSet:
    """Four utterances, u0 to u3, of different lengths."""
    folder = tmp_path_factory.mktemp("audio")
    made = []
    for i, (samples, text) in enumerate(zip(SAMPLES, TEXTS, strict=True)):
        noise = 0.1 * np.random.default_rng(i).standard_normal(samples)
        soundfile.write(folder / f"u{i}.wav", noise, RATE)
        made.append(cut(folder / f"u{i}.wav", text))
    return CutSet.from_cuts(made)


def waveforms(batches: list[Batch]) -> dict[str, torch.Tensor]:
    return {
        utterance_id: batch.waveforms[i, : batch.waveform_lengths[i]]
        for batch in batches
        for i, utterance_id in enumerate(batch.utterance_ids)
    }


# Planning


def test_every_epoch_holds_each_utterance_once() -> None:
    for epoch in range(3):
        batches = plan_batches(DURATIONS_S, 30.0, seed=1, epoch=epoch)
        assert sorted(i for batch in batches for i in batch) == list(range(200))


@pytest.mark.parametrize("batch_s", [10.0, 30.0, 1000.0])
def test_a_padded_batch_holds_at_most_batch_s(batch_s: float) -> None:
    for epoch in range(5):
        for batch in plan_batches(DURATIONS_S, batch_s, seed=1, epoch=epoch):
            assert max(DURATIONS_S[i] for i in batch) * len(batch) <= batch_s


def test_an_utterance_longer_than_batch_s_is_a_batch_by_itself() -> None:
    batches = plan_batches([1.0, 50.0, 1.0, 60.0], 4.0, seed=0, epoch=0)

    assert sorted(sorted(batch) for batch in batches) == [[0, 2], [1], [3]]


def test_a_plan_ignores_global_generators() -> None:
    torch.manual_seed(1)
    first = plan_batches(DURATIONS_S, 30.0, seed=1, epoch=2)
    np.random.seed(5)
    torch.manual_seed(2)

    assert plan_batches(DURATIONS_S, 30.0, seed=1, epoch=2) == first


def test_a_plan_differs_between_epochs_and_seeds_in_members_and_in_order() -> None:
    plans = [plan_batches(DURATIONS_S, 30.0, *key) for key in [(1, 0), (1, 1), (2, 0)]]

    members = [{frozenset(batch) for batch in plan} for plan in plans]
    assert members[0] != members[1] != members[2] != members[0]
    longest = [[max(DURATIONS_S[i] for i in batch) for batch in plan] for plan in plans]
    assert all(order != sorted(order) for order in longest)


def test_utterances_of_like_length_share_batches() -> None:
    batches = plan_batches(DURATIONS_S, 30.0, seed=1, epoch=0)

    padded = sum(max(DURATIONS_S[i] for i in batch) * len(batch) for batch in batches)
    assert padded < 1.2 * sum(DURATIONS_S)


# Shards


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 17])
@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("count", [1, 3])
def test_the_shards_of_all_ranks_hold_each_utterance_once(
    size: int, ranks: int, count: int
) -> None:
    batch = list(range(100, 100 + size))

    shards = [split_batch(batch, count, rank, ranks) for rank in range(ranks)]

    indices = [i for shard in shards for micro_batch in shard.micro_batches for i in micro_batch]
    assert sorted(i for i in indices if i >= 0) == batch
    assert all(shard.batch_size == size for shard in shards)
    assert all(1 <= len(shard.micro_batches) <= count for shard in shards)
    assert all(micro_batch for shard in shards for micro_batch in shard.micro_batches)


def test_a_small_batch_is_spread_over_ranks_before_micro_batches() -> None:
    shards = [split_batch([7, 8, 9], 2, rank, 3) for rank in range(3)]

    assert [shard.micro_batches for shard in shards] == [[[7]], [[8]], [[9]]]


def test_micro_batches_are_of_like_size() -> None:
    shards = [split_batch(list(range(17)), 2, rank, 3) for rank in range(3)]

    sizes = [len(micro_batch) for shard in shards for micro_batch in shard.micro_batches]
    assert len(sizes) == 6
    assert max(sizes) - min(sizes) == 1


def test_a_rank_without_utterances_repeats_one_with_weight_0(cuts: CutSet) -> None:
    dataset = SpeechDataset(cuts, TOKENIZER, RATE)
    shards = [split_batch([2, 0], 2, rank, 3) for rank in range(3)]

    (repeated,) = dataset[shards[2]]
    loaded = [micro_batch for shard in shards[:2] for micro_batch in dataset[shard]]

    assert repeated.utterance_ids == ["u2"]
    assert repeated.weights.tolist() == [0.0]
    assert torch.equal(torch.cat([micro_batch.weights for micro_batch in loaded]), torch.ones(2))


def test_utterance_0_can_have_weight_0(cuts: CutSet) -> None:
    batch = SpeechDataset(cuts, TOKENIZER, RATE).load([~0, 0])

    assert batch.utterance_ids == ["u0", "u0"]
    assert batch.weights.tolist() == [0.0, 1.0]


# Loading


def test_a_batch_is_padded_with_zeros_and_has_lengths(cuts: CutSet) -> None:
    batch = SpeechDataset(cuts, TOKENIZER, RATE).load([2, 1, 0])

    assert batch.utterance_ids == ["u2", "u1", "u0"]
    assert batch.waveforms.shape == (3, 4000)
    assert batch.waveforms.dtype == torch.float32
    assert batch.waveform_lengths.tolist() == [800, 4000, 1600]
    assert batch.target_lengths.tolist() == [2, 3, 9]
    for row, length in zip(batch.waveforms, batch.waveform_lengths, strict=True):
        assert not row[length:].any()
    assert torch.equal(batch.waveforms[1], torch.from_numpy(load_waveform(cuts["u1"], RATE)))


def test_targets_spell_the_normalized_text_without_unknown_characters(cuts: CutSet) -> None:
    batch = SpeechDataset(cuts, TOKENIZER, RATE).load([0, 3])

    spelled = [
        "".join(TOKENIZER.tokens[i] for i in row[:length])
        for row, length in zip(batch.targets, batch.target_lengths, strict=True)
    ]
    assert spelled == ["a bad cab", "fee "]


def test_audio_at_another_rate_is_resampled(cuts: CutSet) -> None:
    batch = SpeechDataset(cuts, TOKENIZER, RATE // 2).load([1])

    assert batch.waveform_lengths.tolist() == [2000]


def test_augmentation_of_an_utterance_does_not_depend_on_its_batch(cuts: CutSet) -> None:
    dataset = SpeechDataset(cuts, TOKENIZER, RATE, AUGMENT, seed=3)
    batched = waveforms([dataset.load([0, 1, 2, 3])])

    apart = waveforms([dataset.load([i]) for i in (3, 1, 0, 2)])

    for utterance_id, waveform in batched.items():
        assert torch.equal(waveform, apart[utterance_id])


def test_augmentation_of_an_utterance_does_not_depend_on_the_manifest(
    cuts: CutSet,
) -> None:
    before = waveforms([SpeechDataset(cuts, TOKENIZER, RATE, AUGMENT, seed=3).load([0, 1, 2, 3])])
    shuffled = CutSet.from_cuts([cuts["u2"], cuts["u3"], cuts["u1"]])

    after = waveforms([SpeechDataset(shuffled, TOKENIZER, RATE, AUGMENT, seed=3).load([0, 1, 2])])

    assert all(torch.equal(waveform, before[key]) for key, waveform in after.items())


@pytest.mark.parametrize(("seed", "epoch"), [(3, 1), (4, 0)])
def test_augmentation_differs_by_epoch_and_seed(cuts: CutSet, seed: int, epoch: int) -> None:
    before = waveforms([SpeechDataset(cuts, TOKENIZER, RATE, AUGMENT, seed=3).load([0, 1, 2, 3])])
    dataset = SpeechDataset(cuts, TOKENIZER, RATE, AUGMENT, seed=seed)
    dataset.epoch = epoch

    after = waveforms([dataset.load([0, 1, 2, 3])])

    assert not all(torch.equal(waveform, after[key]) for key, waveform in before.items())


def test_workers_load_equal_batches(cuts: CutSet) -> None:
    dataset = SpeechDataset(cuts, TOKENIZER, RATE, AUGMENT, seed=3)
    dataset.epoch = 2  # which a worker must get
    shards = [split_batch([0, 3, 1], 2, 0, 1), split_batch([2], 2, 0, 1)]

    without = list(load_shards(dataset, shards, workers=0, pin=False))
    with_workers = list(load_shards(dataset, shards, workers=2, pin=False))

    assert [shard for shard, _ in without] == [shard for shard, _ in with_workers] == shards
    for (_, expected), (_, found) in zip(without, with_workers, strict=True):
        for one, other in zip(expected, found, strict=True):
            assert one.utterance_ids == other.utterance_ids
            assert all(torch.equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))


@pytest.mark.parametrize("kind", ["nan", "missing"])
def test_a_user_error_in_a_worker_has_the_same_message(
    cuts: CutSet, tmp_path: Path, kind: str
) -> None:
    bad = damaged_cut(tmp_path / "bad.wav", kind)
    dataset = SpeechDataset(CutSet.from_cuts([*cuts, bad]), TOKENIZER, RATE)
    with pytest.raises(UserError) as here:
        dataset.load([4])

    with pytest.raises(UserError) as in_worker:
        list(load_shards(dataset, [Shard([[0]], 1), Shard([[4]], 1)], workers=1, pin=False))

    assert str(in_worker.value) == str(here.value)


def test_a_user_error_in_a_worker_prints_nothing_else(cuts: CutSet, tmp_path: Path) -> None:
    manifest = str(tmp_path / "cuts.jsonl.gz")
    bad = damaged_cut(tmp_path / "bad.wav", "nan")
    CutSet.from_cuts([*cuts, bad]).to_file(manifest)
    script = f"""
from asr.data.manifests import read_cuts
from asr.data.dataset import *
from asr.data.loading import load_shards
from asr.text.tokenizer import CharTokenizer
dataset = SpeechDataset(read_cuts({manifest!r}), CharTokenizer(["<blank>"]), 16000)
shards = [split_batch([i], 1, 0, 1) for i in (4, 0, 1, 2, 3)]
try:
    list(load_shards(dataset, shards, workers=2, pin=False))
except UserError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert ended.returncode == 0
    assert ended.stderr == ""
    assert Counter(ended.stdout)["\n"] == 1


def test_workers_need_no_shared_memory(cuts: CutSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which containers have little; a worker that finds none would wait for ever."""

    def refuse(*_: object) -> None:
        raise RuntimeError("unable to write to file </torch_1_2_3>: No space left on device (28)")

    for name in ("_share_fd_cpu_", "_share_filename_cpu_"):
        monkeypatch.setattr(torch.UntypedStorage, name, refuse)
    dataset = SpeechDataset(cuts, TOKENIZER, RATE)
    shards = [Shard([[0, 1], [2]], 3), Shard([[3]], 1)]
    found = list(load_shards(dataset, shards, workers=1, pin=False))
    assert [shard for shard, _ in found] == shards
    assert [one.utterance_ids for _, batches in found for one in batches] == [
        ["u0", "u1"], ["u2"], ["u3"]
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["killed", "left"])
def test_a_dead_worker_is_an_error_in_one_sentence(cuts: CutSet, end: str) -> None:
    class Dying(SpeechDataset):
        def __getitem__(self, shard: Shard) -> list[Batch] | UserError:
            if shard.micro_batches == [[1]]:
                os.kill(os.getpid(), signal.SIGKILL) if end == "killed" else os._exit(3)
            return super().__getitem__(shard)

    how = "(was ended by the signal Killed|exited unexpectedly)"
    with (
        pytest.raises(UserError, match=f"^epoch 1: a process that loads audio {how}, as where mem"),
        explain_dead_worker("epoch 1"),
    ):
        for _ in load_shards(
            Dying(cuts, TOKENIZER, RATE), [Shard([[0]], 1), Shard([[1]], 1)], workers=1, pin=False
        ):
            pass


def test_workers_that_cannot_be_started_are_an_error_of_the_setting(
    cuts: CutSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", refuse)
    with pytest.raises(
        UserError, match=r"^trainer.workers: 2 processes cannot .*No space left.*=0"
    ):
        list(load_shards(SpeechDataset(cuts, TOKENIZER, RATE), [Shard([[0]], 1)], 2, pin=False))
