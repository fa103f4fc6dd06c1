import json
import math
import os
import random
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from random_models import noise, random_model, random_tokenizer
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from asr.config import EncoderConfig, FeaturesConfig, values_before
from asr.engine.onnx_engine import OnnxEngine
from asr.engine.torch_engine import TorchEngine
from asr.inference.recognizer import Recognizer
from asr.model.ctc_model import CTCModel
from asr.model.mel import NORMALIZATIONS
from asr.model.model_file import export_model, load_model, read_model, save_model
from asr.model.quantize import quantize, restore
from asr.model.tensor_file import read_tensors, write_tensors
from asr.text.bpe import BPETokenizer
from asr.text.packed_lexicon import PackedLexicon
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import BLANK
from asr.util.errors import UserError
from asr.util.paths import MODEL_NAME, find_model, shipped_models

Metadata = dict[str, Any]


def save(path: Path, model: CTCModel | None = None) -> Path:
    model = model or random_model()
    about = {"recipe": "test", "dev_wer": 0.5}
    save_model(path, model.state_dict(), model.settings, random_tokenizer(), about)
    return path


def read_metadata(path: Path) -> Metadata:
    with safe_open(path, framework="pt") as opened:
        assert list(opened.metadata()) == ["asr"], "one key: several are written in random order"
    return read_tensors(path)[1]


def rewrite(path: Path, metadata: Metadata) -> None:
    """Give a model file other metadata, as anybody can, in format 1, which had no digest."""
    save_file(load_file(path), path, {"asr": json.dumps({"format": 1, **metadata})})


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return save(tmp_path / MODEL_NAME)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_model_comes_back_bit_equal(tmp_path: Path, normalization: str) -> None:
    model = random_model(normalization, factor=3)
    waveforms, lengths = noise(2, 4000), torch.tensor([4000, 2500])

    loaded, tokenizer = load_model(save(tmp_path / "a.safetensors", model))

    assert not loaded.training
    assert loaded.settings == model.settings
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    expected, found = (m.log_probs(waveforms, lengths) for m in (model, loaded))
    assert torch.equal(expected[0], found[0])
    assert tokenizer.tokens == random_tokenizer().tokens
    assert tokenizer.normalizer == "lower"


def test_subwords_come_back_with_their_sentencepiece_model(tmp_path: Path) -> None:
    subwords = [BLANK, "▁ab", "▁", *"abcdef"]
    written, model = BPETokenizer(subwords, "upper", bytes(range(256))), random_model()

    save_model(tmp_path / "a.safetensors", model.state_dict(), model.settings, written, {})
    tokenizer = load_model(tmp_path / "a.safetensors")[1]

    assert isinstance(tokenizer, BPETokenizer)
    assert (tokenizer.tokens, tokenizer.normalizer) == (subwords, "upper")
    assert tokenizer.model == written.model
    read_metadata(tmp_path / "a.safetensors")  # still one key


def test_how_often_tokens_were_trained_on_comes_back(tmp_path: Path) -> None:
    written, model = random_tokenizer(), random_model()
    written.count(["ab a", "a"])

    save_model(tmp_path / "a.safetensors", model.state_dict(), model.settings, written, {})
    tokenizer = load_model(tmp_path / "a.safetensors")[1]

    assert tokenizer.counts is not None
    counts = dict(zip(tokenizer.tokens, tokenizer.counts, strict=True))
    assert {token: count for token, count in counts.items() if count} == {"a": 3, "b": 1, " ": 1}
    assert load_model(save(tmp_path / "b.safetensors"))[1].counts is None


def test_a_model_from_before_a_setting_was_there_is_read(model_file: Path) -> None:
    metadata = read_metadata(model_file)
    for group, schema in (("features", FeaturesConfig), ("encoder", EncoderConfig)):
        for later in values_before(schema):
            metadata[group].pop(later)
    rewrite(model_file, metadata)

    settings = load_model(model_file)[0].settings
    assert settings.encoder["zoneout"] == 0.0
    assert settings.features["top_db"] is None
    assert settings.features["remove_dc_offset"] is False
    assert settings.features["amin"] == 1e-9


def test_a_model_with_names_and_statistics_of_before_is_read_and_exported(
    tmp_path: Path, model_file: Path
) -> None:
    weights, metadata = read_tensors(model_file)
    metadata["normaliser"] = metadata.pop("normalizer")
    metadata["features"]["normalisation"] = metadata["features"].pop("normalization")
    metadata["encoder"]["variational"] = metadata["encoder"].pop("variational_dropout")
    statistics = {"log_mel.mean": np.zeros(16, np.float32), "log_mel.std": np.ones(16)}
    write_tensors(tmp_path / "old.safetensors", weights | statistics, metadata)

    export_model([tmp_path / "old.safetensors"], tmp_path / "new.safetensors", 32)

    found, kept = read_tensors(tmp_path / "new.safetensors")
    assert kept == read_metadata(model_file)
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], weights[name]) for name in weights)


def test_the_same_model_makes_the_same_file(tmp_path: Path) -> None:
    first, second = (save(tmp_path / name).read_bytes() for name in ("a.x", "b.x"))

    assert first == second


@pytest.mark.parametrize("name", shipped_models())
def test_no_start_parses_the_lexicon_of_a_shipped_model(name: str) -> None:
    """It must be the last of the metadata, or each start takes a second more."""
    assert isinstance(read_model(name).tokenizer.pronunciations, PackedLexicon)


def test_facts_for_people_are_stored(model_file: Path) -> None:
    assert read_metadata(model_file)["about"] == {"recipe": "test", "dev_wer": 0.5}


def test_a_failed_save_leaves_the_old_model_and_no_other_file(model_file: Path) -> None:
    old = model_file.read_bytes()
    model = random_model()

    with pytest.raises(TypeError):  # json cannot write it
        save_model(model_file, model.state_dict(), model.settings, random_tokenizer(), {"a": set()})
    with pytest.raises(SafetensorError):  # safetensors cannot write it
        weights = {"a": torch.ones(3, dtype=torch.complex128)}
        save_model(model_file, weights, model.settings, random_tokenizer(), {})

    assert model_file.read_bytes() == old
    assert list(model_file.parent.iterdir()) == [model_file]


def refused(path: Path) -> str:
    """Give the one sentence with which a model file is refused."""
    with pytest.raises(UserError) as raised:
        load_model(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def put(*keys: str, value: object) -> Callable[[Metadata], object]:
    """Set metadata[key][key]... to a value."""

    def change(metadata: Metadata) -> None:
        *parents, last = keys
        for parent in parents:
            metadata = metadata[parent]
        metadata[last] = value

    return change


def drop(*keys: str) -> Callable[[Metadata], object]:
    def change(metadata: Metadata) -> None:
        *parents, last = keys
        for parent in parents:
            metadata = metadata[parent]
        del metadata[last]

    return change


HOSTILE = [
    (put("encoder", "name", value="os.system"), "unknown encoder 'os.system'"),
    (put("encoder", "_target_", value="os.system"), "encoder should have the keys"),
    (put("features", "_target_", value="os.system"), "features should have the keys"),
    (put("encoder", value={"_target_": "os.system"}), "encoder should have the keys"),
    (put("encoder", value="os.system"), "encoder should have the keys"),
    (put("encoder", "name", value={"_target_": "os.system"}), "encoder.name should be"),
    (put("encoder", "name", value=["blstm"]), "encoder.name should be"),
    (put("encoder", "layers", value="2"), "encoder.layers should be"),
    (put("encoder", "layers", value=2.5), "encoder.layers should be"),
    (put("encoder", "layers", value=True), "encoder.layers should be"),
    (put("encoder", "layers", value=None), "encoder.layers should be"),
    (put("encoder", "layers", value=1), "not a model"),
    (put("encoder", "layers", value=3), "not a model"),
    (put("encoder", "hidden_size", value=9), "not a model"),
    (put("encoder", "hidden_size", value=-1), "encoder.hidden_size: expected 1 to 16384"),
    (
        put("encoder", "hidden_size", value=12000),
        "'encoder.last_norm.bias' is of shape (16,)",
    ),
    (put("encoder", "layers", value=100), "'encoder.layers.10."),
    (put("encoder", "layers", value=10**9), "encoder.layers: expected 1 to 100, found 1000000000"),
    (put("encoder", "dropout", value=7.0), "encoder.dropout: expected 0 to 1, found 7.0"),
    (put("encoder", "dropout", value=math.nan), "encoder.dropout: expected 0 to 1, found nan"),
    (put("subsampling", "channels", value=10**9), "subsampling.channels: expected 1 to 4096"),
    (put("features", "mel_bins", value=17), "not a model"),
    (put("features", "mel_bins", value=0), "features.mel_bins: expected 1 to 512, found 0"),
    (put("features", "mel_bins", value=10**9), "features.mel_bins: expected 1 to 512"),
    (put("features", "mel_bins", value=10**400), "features.mel_bins: expected 1 to 512"),
    (put("features", "sample_rate", value=0), "features.sample_rate: expected 1000 to 192000"),
    (put("features", "sample_rate", value=-16000), "features.sample_rate: expected 1000"),
    (put("features", "hop_ms", value=0), "features.hop_ms: expected 1 to 1000, found 0"),
    (put("features", "hop_ms", value=0.0625), "features.hop_ms: expected 1 to 1000"),
    (put("features", "hop_ms", value=math.inf), "features.hop_ms: expected 1 to 1000, found inf"),
    (put("features", "window_ms", value=math.nan), "features.window_ms: expected 1 to 250"),
    (put("features", "low_hz", value=math.nan), "features.low_hz: expected 0 to 96000, found nan"),
    (put("features", "remove_dc_offset", value=1), "features.remove_dc_offset should be"),
    (put("features", "amin", value=0), "features.amin: expected 1.2e-38 to 1, found 0"),
    (put("features", "top_db", value=-60), "top_db: expected 1 to 1000"),
    (put("features", "top_db", value="60"), "features.top_db should be"),
    (put("features", "normalization", value="eval"), "unknown kind 'eval'"),
    (put("features", "normalization", value="global"), "unknown kind 'global'; choose one of"),
    (put("subsampling", "factor", value=5), "factor"),
    (put("subsampling", "name", value="os.system"), "unknown subsampling 'os.system'"),
    (put("subsampling", "name", value="tree_lstm"), "not a model"),
    (put("subsampling", value=[]), "subsampling should have the keys"),
    (put("tokens", value=5), "not a model"),
    (put("tokens", value={}), "not a model"),
    (put("tokens", value=["a", "b"]), "the first token must be"),
    (put("tokens", value=["<blank>", ["a"]]), "not a model"),
    (put("tokens", value=["<blank>", "a"]), "not a model"),
    (
        put("tokens", value=["<blank>", *" abcdef", "\ud800"]),
        r"expected characters of text, found '\ud800'",
    ),
    (put("tokens", value=["<blank>", *"abcdefgh"]), "no token starts with the word boundary"),
    (put("tokens", value=["<blank>", *" abcdef\0"]), r"expected characters of text, found '\x00'"),
    (put("tokens", value=["<blank>", *" abcdef\n"]), r"expected characters of text, found '\n'"),
    (put("sentencepiece", value="not base 64"), "not a model"),
    (put("sentencepiece", value=7), "not a model"),
    (put("counts", value=[1, 2]), "counts should be 9 whole numbers"),
    (put("counts", value=[-1] * 9), "counts should be 9 whole numbers"),
    (put("counts", value=[10**400] * 9), "counts should be 9 whole numbers from 0 to 9007199254"),
    (put("counts", value=[math.nan] * 9), "counts should be 9 whole numbers"),
    (put("counts", value={"a": 1}), "counts should be 9 whole numbers"),
    (put("normalizer", value="builtins.eval"), "unknown normalizer 'builtins.eval'"),
    (put("normalizer", value=["lower"]), "not a model"),
    (put("format", value=3), "model format 3, expected 2 at most"),
    (put("format", value="1"), "model format '1', expected 2 at most"),
    (put("format", value=10**400), "model format 1000"),
    (drop("features"), "features should have the keys"),
    (drop("encoder", "layers"), "encoder should have the keys"),
    (drop("tokens"), "tokens"),
    (drop("normalizer"), "normalizer"),
]


@pytest.mark.parametrize(("change", "message"), HOSTILE)
def test_metadata_that_is_not_the_schemas_is_refused(
    model_file: Path, change: Callable[[Metadata], object], message: str
) -> None:
    metadata = read_metadata(model_file)
    change(metadata)
    rewrite(model_file, metadata)

    assert message in refused(model_file)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "not a model written by this toolkit"),
        ({"format": "pt"}, "not a model written by this toolkit"),
        ({"asr": "null"}, "not a model written by this toolkit"),
        ({"asr": "[1]"}, "not a model written by this toolkit"),
        ({"asr": "{"}, "not a readable .safetensors model"),
        ({"asr": "[" * 100_000}, "not a readable .safetensors model"),
        ({"asr": "{}"}, "model format None"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_safetensors_files_are_refused(
    model_file: Path, metadata: dict[str, str] | None, message: str
) -> None:
    save_file(load_file(model_file), model_file, metadata)

    assert message in refused(model_file)


def test_weights_that_do_not_fit_are_refused_by_name(model_file: Path) -> None:
    weights, metadata = read_tensors(model_file)
    del weights["head.bias"]
    write_tensors(model_file, weights, metadata)

    assert "'head.bias' is missing in the file, and of shape (9,) by" in refused(model_file)


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_a_file_cut_short_is_refused(model_file: Path, size: int) -> None:
    model_file.write_bytes(model_file.read_bytes()[:size])

    assert "not a readable .safetensors model" in refused(model_file)


def test_a_file_of_another_kind_is_refused_and_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    torch.save({"a": 1}, path)

    assert "not a readable .safetensors model" in refused(path)


def test_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_text("hello")

    assert "not a readable .safetensors model" in refused(path)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused_by_name(model_file: Path, value: float) -> None:
    model = random_model()
    model.head.weight.data[1, 2] = value
    save_model(model_file, model.state_dict(), model.settings, random_tokenizer(), {})

    assert "head.weight has values that are not finite" in refused(model_file)


def test_a_weight_beyond_half_precision_is_not_exported_to_it(
    tmp_path: Path, model_file: Path
) -> None:
    model = random_model()
    model.head.weight.data[1, 2] = 7e4
    save_model(model_file, model.state_dict(), model.settings, random_tokenizer(), {})

    with pytest.raises(UserError, match=r"head.weight has a weight too large for 16 bits"):
        export_model([model_file], tmp_path / "small.safetensors", 16)
    assert not (tmp_path / "small.safetensors").exists()
    export_model([model_file], tmp_path / "small.safetensors", 8)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_an_exported_model_has_the_same_settings_and_fewer_bits(
    tmp_path: Path, model_file: Path, bits: int
) -> None:
    small = tmp_path / "small.safetensors"
    export_model([model_file], small, bits)
    assert read_metadata(small) == read_metadata(model_file)
    assert small.stat().st_size < model_file.stat().st_size or bits == 32
    weights, _ = read_tensors(model_file)
    expected = restore(quantize(weights, bits))
    for name, tensor in load_model(small)[0].state_dict().items():
        np.testing.assert_array_equal(tensor, expected[name], name)


def test_what_people_noted_is_passed_on_whatever_it_is(tmp_path: Path, model_file: Path) -> None:
    metadata = read_metadata(model_file)
    metadata["about"] = {"recipe": '\ud800 "" \0', "dev_wer": math.inf}
    rewrite(model_file, metadata)

    export_model([model_file], tmp_path / "again.safetensors", 32)

    assert read_metadata(tmp_path / "again.safetensors") == metadata
    load_model(tmp_path / "again.safetensors")


def other_model(path: Path, seed: int, **encoder: object) -> Path:
    settings = random_model().settings
    torch.manual_seed(seed)
    model = CTCModel(replace(settings, encoder={**settings.encoder, **encoder}), 9)
    save_model(path, model.state_dict(), model.settings, random_tokenizer(), {"seed": seed})
    return path


def test_the_mean_of_models_is_of_their_weights(tmp_path: Path) -> None:
    one = other_model(tmp_path / "1.safetensors", 1)
    two = other_model(tmp_path / "2.safetensors", 2, dropout=0.4)
    mean = tmp_path / "mean.safetensors"
    first, second = (load_model(path)[0].state_dict() for path in (one, two))
    for mean_weights, of_second in (((), 0.5), ((3.0, 1.0), 0.25)):
        export_model([one, two], mean, 32, mean_weights)
        for name, tensor in load_model(mean)[0].state_dict().items():
            expected = torch.lerp(first[name], second[name], of_second)
            torch.testing.assert_close(tensor, expected, msg=name)
        assert read_metadata(mean) == read_metadata(one)


def test_models_that_have_no_mean_are_refused(tmp_path: Path, model_file: Path) -> None:
    for name, setting in (("wide", {"hidden_size": 16}), ("forward", {"bidirectional": False})):
        other = other_model(tmp_path / f"{name}.safetensors", 1, **setting)
        with pytest.raises(UserError, match=rf"{name}.safetensors: another network than .*"):
            export_model([model_file, other], tmp_path / "mean.safetensors", 32)
    for mean_weights in ((1.0,), (1.0, 0.0), (1.0, math.inf), (1.0, math.nan)):
        with pytest.raises(UserError, match="for 2 models; give one per model, each more than 0"):
            export_model([model_file, model_file], tmp_path / "mean.safetensors", 32, mean_weights)
    assert not (tmp_path / "mean.safetensors").exists()


def test_a_file_from_before_there_was_a_digest_is_read(model_file: Path) -> None:
    expected = load_model(model_file)[0].state_dict()
    rewrite(model_file, read_metadata(model_file))

    for name, tensor in load_model(model_file)[0].state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_model_with_a_flipped_bit_is_refused(model_file: Path) -> None:
    content = model_file.read_bytes()
    for bit in random.Random(0).sample(range(8 * len(content)), 400):
        model_file.write_bytes(flipped(content, bit))
        refused(model_file)


def test_a_model_that_lost_its_digest_is_refused(model_file: Path) -> None:
    content = model_file.read_bytes()
    model_file.write_bytes(content.replace(b"sha256", b"sha255", 1))

    assert "damaged: its content is not what was written" in refused(model_file)


@pytest.mark.parametrize("name", shipped_models())
def test_models_that_come_with_the_toolkit_have_a_digest(name: str, tmp_path: Path) -> None:
    content = bytearray(find_model(name).read_bytes())
    content[-1] ^= 1
    (tmp_path / MODEL_NAME).write_bytes(content)

    assert "damaged: its content is not what was written" in refused(tmp_path / MODEL_NAME)


@pytest.mark.skipif(sys.platform == "win32", reason="counts memory as Linux and macOS do")
@pytest.mark.parametrize(
    "change",
    [
        put("encoder", "hidden_size", value=16_384),
        put("encoder", "layers", value=100),
        put("subsampling", "channels", value=4096),
        put("tokens", value=[BLANK, *map(chr, range(0x4E00, 0x9000))]),
    ],
)
def test_settings_of_a_network_that_the_file_does_not_hold_take_no_memory(
    model_file: Path, change: Callable[[Metadata], object]
) -> None:
    metadata = read_metadata(model_file)
    change(metadata)
    rewrite(model_file, metadata)
    before = peak_bytes()

    assert " in the file, and of shape" in refused(model_file)
    assert peak_bytes() - before < 100e6


def peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / MODEL_NAME)
    for path in (tmp_path, tmp_path / MODEL_NAME, Path("/dev/zero")):
        with pytest.raises(UserError, match=r"is no ordinary file; give a run folder"):
            load_model(path)


def test_weights_too_large_to_compute_with_are_not_silence(model_file: Path) -> None:
    model = random_model()
    model.head.weight.data *= 3e38 / model.head.weight.abs().max()
    save_model(model_file, model.state_dict(), model.settings, random_tokenizer(), {})
    model, tokenizer = load_model(model_file)

    for engine in (TorchEngine(model), OnnxEngine(read_model(model_file))):
        recognizer = Recognizer(engine, tokenizer)
        with pytest.raises(UserError, match=r"not a number \(NaN\), as of weights"):
            recognizer.transcribe(noise(16000).numpy() / 10, 16000)
        with pytest.raises(UserError, match=r"not a number \(NaN\)"):
            recognizer.log_probs(noise(16000).numpy() / 10)


def phones_file(path: Path, **changes: object) -> Path:
    """Save a model of phones, and sign a changed copy of its metadata."""
    tokenizer = PhoneTokenizer([BLANK, " ", *"abcdefg"], "lower", {"bad": ["b a d", "d"]})
    model = random_model()
    save_model(path, model.state_dict(), model.settings, tokenizer, {"recipe": "test"})
    if changes:
        weights, metadata = read_tensors(path)
        write_tensors(path, weights, metadata | changes)
    return path


def test_a_lexicon_is_parsed_when_a_word_is_first_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASR_CACHE", str(tmp_path / "cache"))
    path = phones_file(tmp_path / "a.safetensors")
    parsed: list[object] = []
    monkeypatch.setattr(
        "asr.model.model_file.check_lexicon", lambda value: parsed.append(value) or value
    )
    stored = read_model(path)
    assert not parsed
    assert stored.tokenizer.pronunciations is not None
    assert stored.tokenizer.pronunciations["bad"] == ["b a d", "d"]
    assert dict(stored.tokenizer.pronunciations) == {"bad": ["b a d", "d"]}
    assert type(load_model(path)[1].pronunciations) is dict
    assert len(parsed) == 1


@pytest.mark.parametrize(
    ("lexicon", "message"),
    [
        ({"bad": [5]}, "expected lists of pronunciations by word"),
        ({"bad": ["b x"]}, "phones that are no token: ['x']"),
        ({"bad": ["b" + " b" * 255]}, "has 256 phones"),
        ({"b\0": ["b"]}, "characters that are no text"),
        ({"b}": [5]}, "expected lists of pronunciations by word"),
        (7, "expected lists of pronunciations by word"),
        ({}, ""),
    ],
)
def test_a_lexicon_of_another_shape_is_refused_at_the_latest_at_its_first_use(
    tmp_path: Path, lexicon: object, message: str
) -> None:
    path = phones_file(tmp_path / "a.safetensors", lexicon=lexicon)
    if not message:
        assert load_model(path)[1].pronunciations == lexicon
        return
    assert message in refused(path)
    with pytest.raises(UserError, match=f"^{path}: its settings or weights are not a model"):
        dict(read_model(path).tokenizer.pronunciations or {})


def test_keys_behind_the_lexicon_and_braces_in_it_are_read(tmp_path: Path) -> None:
    path = phones_file(tmp_path / "a.safetensors", counts=[1] * 9)
    assert read_model(path).tokenizer.counts == [1] * 9
    path = phones_file(tmp_path / "b.safetensors", lexicon={"}": ["b"]}, more={"a": "}"})
    assert dict(read_model(path).tokenizer.pronunciations or {}) == {"}": ["b"]}


def test_the_digest_is_of_the_content(tmp_path: Path, model_file: Path) -> None:
    first = read_model(model_file)
    assert first.about == {"recipe": "test", "dev_wer": 0.5}
    assert not first.has_8_bits
    rewrite(model_file, read_metadata(model_file))
    export_model([model_file], tmp_path / "8.safetensors", 8)
    digests = [read_model(path).digest for path in (model_file, tmp_path / "8.safetensors")]
    assert len({first.digest, *digests}) == 3
    assert read_model(tmp_path / "8.safetensors").has_8_bits
