import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from lhotse import CutSet
from tiny import cut

from asr.augment import WaveformAugment
from asr.data import (
    Batch,
    Share,
    SpeechDataset,
    load_waveform,
    plan_batches,
    read_cuts,
    split_batch,
)
from asr.errors import UserError
from asr.loading import load_shares
from asr.text import BLANK, CharTokenizer

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


def test_an_utterance_longer_than_batch_s_stands_alone() -> None:
    batches = plan_batches([1.0, 50.0, 1.0, 60.0], 4.0, seed=0, epoch=0)

    assert sorted(sorted(batch) for batch in batches) == [[0, 2], [1], [3]]


def test_a_plan_is_a_pure_function() -> None:
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


def test_utterances_of_like_length_stand_together() -> None:
    batches = plan_batches(DURATIONS_S, 30.0, seed=1, epoch=0)

    padded = sum(max(DURATIONS_S[i] for i in batch) * len(batch) for batch in batches)
    assert padded < 1.2 * sum(DURATIONS_S)


# Sharing


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 17])
@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("parts", [1, 3])
def test_the_pieces_of_all_ranks_hold_each_utterance_once(
    size: int, ranks: int, parts: int
) -> None:
    batch = list(range(100, 100 + size))

    shares = [split_batch(batch, parts, rank, ranks) for rank in range(ranks)]

    indices = [i for share in shares for piece in share.utterances for i in piece]
    assert sorted(i for i in indices if i >= 0) == batch
    assert all(share.batch_size == size for share in shares)
    assert all(1 <= len(share.utterances) <= parts for share in shares)
    assert all(piece for share in shares for piece in share.utterances)


def test_a_small_batch_is_spread_over_the_ranks_before_it_is_cut_to_pieces() -> None:
    shares = [split_batch([7, 8, 9], 2, rank, 3) for rank in range(3)]

    assert [share.utterances for share in shares] == [[[7]], [[8]], [[9]]]


def test_pieces_are_of_like_size() -> None:
    shares = [split_batch(list(range(17)), 2, rank, 3) for rank in range(3)]

    sizes = [len(piece) for share in shares for piece in share.utterances]
    assert len(sizes) == 6
    assert max(sizes) - min(sizes) == 1


def test_a_rank_without_utterances_repeats_one_with_weight_0(cuts: CutSet) -> None:
    dataset = SpeechDataset(cuts, TOKENIZER, RATE)
    shares = [split_batch([2, 0], 2, rank, 3) for rank in range(3)]

    (idle,) = dataset[shares[2]]
    busy = [piece for share in shares[:2] for piece in dataset[share]]

    assert idle.utterance_ids == ["u2"]
    assert idle.weights.tolist() == [0.0]
    assert torch.equal(torch.cat([piece.weights for piece in busy]), torch.ones(2))


def test_the_first_utterance_can_be_the_one_with_weight_0(cuts: CutSet) -> None:
    batch = SpeechDataset(cuts, TOKENIZER, RATE).load([~0, 0])

    assert batch.utterance_ids == ["u0", "u0"]
    assert batch.weights.tolist() == [0.0, 1.0]


# Loading


def test_a_batch_is_padded_with_zeros_and_says_its_lengths(cuts: CutSet) -> None:
    batch = SpeechDataset(cuts, TOKENIZER, RATE).load([2, 1, 0])

    assert batch.utterance_ids == ["u2", "u1", "u0"]
    assert batch.waveforms.shape == (3, 4000)
    assert batch.waveforms.dtype == torch.float32
    assert batch.waveform_lengths.tolist() == [800, 4000, 1600]
    assert batch.target_lengths.tolist() == [2, 3, 9]
    for row, length in zip(batch.waveforms, batch.waveform_lengths, strict=True):
        assert not row[length:].any()
    assert torch.equal(batch.waveforms[1], torch.from_numpy(load_waveform(cuts["u1"], RATE)))


def test_targets_spell_the_normalised_text_without_unknown_characters(cuts: CutSet) -> None:
    batch = SpeechDataset(cuts, TOKENIZER, RATE).load([0, 3])

    spelt = [
        "".join(TOKENIZER.tokens[i] for i in row[:length])
        for row, length in zip(batch.targets, batch.target_lengths, strict=True)
    ]
    assert spelt == ["a bad cab", "fee "]


def test_audio_at_another_rate_is_resampled(cuts: CutSet) -> None:
    batch = SpeechDataset(cuts, TOKENIZER, RATE // 2).load([1])

    assert batch.waveform_lengths.tolist() == [2000]


def test_augmentation_belongs_to_the_utterance_whatever_the_order(cuts: CutSet) -> None:
    dataset = SpeechDataset(cuts, TOKENIZER, RATE, AUGMENT, seed=3)
    together = waveforms([dataset.load([0, 1, 2, 3])])

    apart = waveforms([dataset.load([i]) for i in (3, 1, 0, 2)])

    for utterance_id, waveform in together.items():
        assert torch.equal(waveform, apart[utterance_id])


def test_augmentation_belongs_to_the_utterance_whatever_its_place_in_the_manifest(
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


def test_workers_change_nothing(cuts: CutSet) -> None:
    dataset = SpeechDataset(cuts, TOKENIZER, RATE, AUGMENT, seed=3)
    dataset.epoch = 2  # a worker must learn it
    shares = [split_batch([0, 3, 1], 2, 0, 1), split_batch([2], 2, 0, 1)]

    alone = list(load_shares(dataset, shares, workers=0, pin=False))
    helped = list(load_shares(dataset, shares, workers=2, pin=False))

    assert [share for share, _ in alone] == [share for share, _ in helped] == shares
    for (_, expected), (_, found) in zip(alone, helped, strict=True):
        for one, other in zip(expected, found, strict=True):
            assert one.utterance_ids == other.utterance_ids
            assert all(torch.equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))


# Reading


def spoil(cuts: CutSet, kind: str, folder: Path) -> CutSet:
    path = folder / "bad.wav"
    soundfile.write(path, np.full(2 * RATE, 0.1), RATE, subtype="FLOAT")
    bad = cut(path, "a")
    if kind == "nan":
        soundfile.write(path, np.full(2 * RATE, np.nan), RATE, subtype="FLOAT")
    elif kind == "cut short":
        path.write_bytes(path.read_bytes()[:1000])
    elif kind == "text":
        path.write_text("hello")
    else:
        path.unlink()
    return CutSet.from_cuts([*cuts, bad])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nan", "32000 samples are NaN or infinite"),
        ("cut short", "its audio cannot be read (The number of declared samples"),
        ("text", "its audio cannot be read (Reading audio from"),
        ("missing", "its audio cannot be read (Reading audio from"),
    ],
)
def test_audio_that_cannot_be_used_names_its_cut(
    cuts: CutSet, tmp_path: Path, kind: str, message: str
) -> None:
    bad = spoil(cuts, kind, tmp_path)["bad"]

    with pytest.raises(UserError) as raised:
        load_waveform(bad, RATE)

    assert str(raised.value).startswith(f"cut bad: {message}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["nan", "missing"])
def test_a_worker_hands_over_a_users_mistake_as_one_sentence(
    cuts: CutSet, tmp_path: Path, kind: str
) -> None:
    dataset = SpeechDataset(spoil(cuts, kind, tmp_path), TOKENIZER, RATE)
    with pytest.raises(UserError) as here:
        dataset.load([4])

    with pytest.raises(UserError) as in_worker:
        list(load_shares(dataset, [Share([[0]], 1), Share([[4]], 1)], workers=1, pin=False))

    assert str(in_worker.value) == str(here.value)


def test_a_manifest_is_read_in_its_order(cuts: CutSet, tmp_path: Path) -> None:
    cuts.to_file(tmp_path / "cuts.jsonl.gz")

    found = read_cuts(tmp_path / "cuts.jsonl.gz")

    assert list(found) == list(cuts)


def write_lines(path: Path, lines: list[Any]) -> Path:
    with gzip.open(path, "wt") as file:
        file.writelines(
            (line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines
        )
    return path


def changed(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps(row)) | changes


BAD_LINES = {
    "broken json": (lambda _: '{"id": ', "not a line of a cut manifest"),
    "another object": (lambda _: {"a": 1}, "not a line of a cut manifest"),
    "a list": (lambda _: [1], "not a line of a cut manifest"),
    "a recording": (lambda row: row["recording"], "a Recording, expected a cut"),
    "no transcript": (lambda row: changed(row, supervisions=[]), "has 0 transcripts, expected 1"),
    "two transcripts": (
        lambda row: changed(row, supervisions=2 * row["supervisions"]),
        "has 2 transcripts, expected 1",
    ),
    "text that is a number": (
        lambda row: changed(row, supervisions=[row["supervisions"][0] | {"text": 5}]),
        "expected 1 with text",
    ),
    "negative duration": (
        lambda row: changed(row, duration=-0.3),
        "duration is -0.3 s, expected more than 0",
    ),
    "repeated id": (lambda row: changed(row, id="u0"), "a second cut with the id u0"),
}


@pytest.mark.parametrize(("damage", "message"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_refused_by_file_and_line(
    cuts: CutSet, tmp_path: Path, damage: Any, message: str
) -> None:
    rows = [one.to_dict() for one in cuts]
    path = write_lines(tmp_path / "cuts.jsonl.gz", [rows[0], damage(rows[1]), rows[2]])

    with pytest.raises(UserError) as raised:
        read_cuts(path)

    assert str(raised.value).startswith(f"{path}:2: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def make_nothing(path: Path) -> None:
    pass


def make_folder(path: Path) -> None:
    path.mkdir()


def make_zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


def make_zero_lines(path: Path) -> None:
    write_lines(path, [])


def make_text(path: Path) -> None:
    path.write_text("hello")


BAD_FILES = {
    make_nothing: "it does not exist; make one with `asr prepare`",
    make_folder: "it is a folder",
    make_zero_bytes: "no utterances in this manifest",
    make_zero_lines: "no utterances in this manifest",
    make_text: "not a line of a cut manifest",
}


@pytest.mark.parametrize(("make", "message"), BAD_FILES.items(), ids=lambda v: str(v)[:20])
def test_a_bad_manifest_is_refused_by_name(tmp_path: Path, make: Any, message: str) -> None:
    path = tmp_path / "cuts.jsonl.gz"
    make(path)

    with pytest.raises(UserError) as raised:
        read_cuts(path)

    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_worker_that_fails_leaves_nothing_else_on_the_terminal(
    cuts: CutSet, tmp_path: Path
) -> None:
    manifest = str(tmp_path / "cuts.jsonl.gz")
    spoil(cuts, "nan", tmp_path).to_file(manifest)
    script = f"""
from asr.data import *
from asr.loading import load_shares
from asr.text import CharTokenizer
dataset = SpeechDataset(read_cuts({manifest!r}), CharTokenizer(["<blank>"]), 16000)
shares = [split_batch([i], 1, 0, 1) for i in (4, 0, 1, 2, 3)]
try:
    list(load_shares(dataset, shares, workers=2, pin=False))
except UserError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert ended.returncode == 0
    assert ended.stderr == ""
    assert Counter(ended.stdout)["\n"] == 1
