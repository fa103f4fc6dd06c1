"""Utterances that cannot be trained on, at the fastest speed that augmentation gives them."""

from types import SimpleNamespace

import pytest
import soundfile
import tiny
import torch
from lhotse import CutSet
from random_models import noise, random_model, random_tokenizer

from asr.decoding.tokens import frames_needed
from asr.training.validation import keep_valid
from asr.util.errors import UserError

RATE = 16000


@pytest.fixture
def just_fits(tmp_path) -> CutSet:
    """One utterance, with no frame more than its text needs."""
    text, model = "abcdefg" * 7, random_model()
    frames, samples = frames_needed(random_tokenizer().encode(text)), 2 * RATE
    while model.output_frames(torch.tensor([samples])).item() > frames:
        samples -= 80
    soundfile.write(tmp_path / "a.wav", 0.1 * noise(samples).numpy(), RATE)
    return CutSet.from_cuts([tiny.cut(tmp_path / "a.wav", text)])


@pytest.mark.parametrize(("speeds", "refused"), [([0.9, 1.0], False), ([1.1, 1.0], True)])
def test_a_text_must_fit_at_the_fastest_speed(just_fits, speeds, refused):
    data = SimpleNamespace(train="train.jsonl.gz", skip_invalid=False)
    config = SimpleNamespace(data=data, augment=SimpleNamespace(speeds=speeds))
    if not refused:
        assert len(keep_valid(just_fits, random_tokenizer(), random_model(), config)) == 1
        return
    with pytest.raises(UserError, match=r"train.jsonl.gz:1: cut a: too short for its text \("):
        keep_valid(just_fits, random_tokenizer(), random_model(), config)
