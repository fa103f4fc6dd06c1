from dataclasses import replace
from pathlib import Path

import pytest

from asr.decoding.options import DecodingOptions, digest, read_options, write_options
from asr.errors import UserError


def test_written_options_are_read_back_from_any_folder(tmp_path: Path, arpa: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("Ann\n")
    options = DecodingOptions(search="beam", lm=arpa, lm_weight=0.7, unk_score=-3, hotwords=names)
    path = tmp_path / "deep" / "decoding.yaml"
    write_options(options, path)
    assert "lm: ../" in path.read_text()
    back = read_options(path)
    assert back.lm is not None and back.lm.samefile(arpa)
    assert back.hotwords is not None and back.hotwords.samefile(names)
    assert back.lm_digest == digest(arpa)
    kept = {"lm": arpa, "hotwords": names, "lm_digest": None}
    assert replace(back, **kept) == options


def test_defaults_survive(tmp_path: Path) -> None:
    write_options(DecodingOptions(), tmp_path / "decoding.yaml")
    assert read_options(tmp_path / "decoding.yaml") == DecodingOptions()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beam_sise: 3", "unknown option 'beam_sise'; did you mean 'beam_size'"),
        ("beam_size: 0", "beam_size: expected at least 1, found 0"),
        ("beam_size: 1.5", "beam_size: expected int, found 1.5"),
        ("beam_size: true", "beam_size: expected int, found True"),
        ("lm_weight: high", "lm_weight: expected float, found 'high'"),
        ("lm_weight: -1", "lm_weight: expected at least 0"),
        ("lm_weight: .nan", "lm_weight: expected at least 0, found nan"),
        ("word_score: .nan", "word_score: expected a finite number, found nan"),
        ("unk_score: -.inf", "unk_score: expected a finite number, found -inf"),
        ("hotword_boost: .inf", "hotword_boost: expected a finite number, found inf"),
        ("search: viterbi", "search: expected greedy or beam, found 'viterbi'"),
        ("confidence_temperature: 0", "confidence_temperature: expected more than 0"),
        ("nbest: 1", "unknown option 'nbest'; did you mean 'lm_digest'"),
        ("lm: no.arpa", "lm: greedy search uses none"),
        ("{search: beam, lm: no.arpa}", "no.arpa: no such language model"),
        ("{search: beam, lm: 3}", "lm: expected .*Path.*, found 3"),
        ("- beam", "expected `option: value` lines"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "decoding.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_options(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_language_model_that_changed_is_refused(tmp_path: Path, arpa: Path) -> None:
    lm = tmp_path / "lm.arpa"
    lm.write_bytes(arpa.read_bytes())
    path = tmp_path / "decoding.yaml"
    write_options(DecodingOptions(search="beam", lm=lm), path)
    read_options(path)
    lm.write_bytes(arpa.read_bytes() + b"\n")
    with pytest.raises(UserError, match=r"not the language model .* run `asr tune` again"):
        read_options(path)


def refuse(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("place", ["asr.decoding.options.digest", "pathlib.Path.is_file"])
def test_a_language_model_that_cannot_be_read_is_refused(
    tmp_path: Path, arpa: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    path = tmp_path / "decoding.yaml"
    write_options(DecodingOptions(search="beam", lm=arpa), path)
    monkeypatch.setattr(place, refuse)
    message = r"lm\.arpa: this language model cannot be read: Permission denied; give one that can"
    with pytest.raises(UserError, match=message):
        read_options(path)


def test_options_in_a_folder_that_is_a_link_find_their_files(tmp_path: Path, arpa: Path) -> None:
    """`runs` is often a link to a larger disk, where `..` is another folder."""
    (tmp_path / "disk" / "runs").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "disk" / "runs")
    (tmp_path / "lm.arpa").write_bytes(arpa.read_bytes())
    options = DecodingOptions(search="beam", lm=tmp_path / "lm.arpa")

    write_options(options, tmp_path / "runs" / "decoding.yaml")

    found = read_options(tmp_path / "runs" / "decoding.yaml").lm
    assert found is not None and found.samefile(tmp_path / "lm.arpa")
