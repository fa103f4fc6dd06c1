"""Texts and cuts that are kept in one buffer are what they were."""

import pickle
from array import array
from pathlib import Path

import numpy as np
import pytest
import tiny
from lhotse import CutSet

from asr.data.dataset import SpeechDataset
from asr.data.manifests import read_cuts
from asr.data.packed import Packed, pack_cuts, pack_texts
from asr.text.tokenizer import CharTokenizer

TEXTS = ["ab", "", "größer ß 😀", "a\nb"]


def test_texts_are_read_as_any_sequence_of_them() -> None:
    packed = pack_texts(iter(TEXTS))

    assert list(packed) == TEXTS and len(packed) == 4
    assert (packed[2], packed[-4], packed[1:3]) == (TEXTS[2], "ab", TEXTS[1:3])
    assert "" in packed and any(packed) and not any(pack_texts(["", ""]))
    assert list(pickle.loads(pickle.dumps(packed))) == TEXTS
    for index in (4, -5):
        with pytest.raises(IndexError):
            packed[index]


def test_cuts_of_all_kinds_are_equal_to_what_was_packed(tones: Path) -> None:
    whole = list(read_cuts(tones / "train.jsonl.gz"))
    mixed = whole[0].append(whole[1]).with_id("both")
    mixed.tracks[0].cut.supervisions += [whole[1].supervisions[0]]
    cuts = [*whole, whole[2].truncate(offset=0.1, duration=0.3), mixed, whole[3].pad(duration=9.0)]
    cuts.append(whole[4].move_to_memory(audio_format="wav"))

    packed = pack_cuts(cuts)

    assert list(packed) == cuts
    for cut, other in zip(cuts, packed, strict=True):
        np.testing.assert_array_equal(cut.load_audio(), other.load_audio())


def test_a_dataset_holds_no_object_for_an_utterance(tones: Path) -> None:
    cuts = read_cuts(tones / "train.jsonl.gz")
    tokenizer = CharTokenizer.from_texts(("ab",), "lower")

    few, many = (
        SpeechDataset(CutSet.from_cuts(chosen), tokenizer, tiny.RATE)
        for chosen in (list(cuts)[:2], cuts)
    )

    pairs = zip(vars(few).values(), vars(many).values(), strict=True)
    grown = [more for less, more in pairs if hasattr(more, "__len__") and len(more) != len(less)]
    assert {type(one) for one in grown} == {Packed, array}
    assert list(many.references) == [cut.id for cut in cuts]
    assert list(many.durations_s) == [cut.duration for cut in cuts]
