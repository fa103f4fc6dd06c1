from dataclasses import replace
from pathlib import Path

import pytest

from asr.decoding.options import DecodingOptions, digest, read_options, write_options
from asr.util.errors import UserError


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


def test_a_file_of_before_names_its_vocabulary_a_lexicon(tmp_path: Path) -> None:
    path = tmp_path / "decoding.yaml"
    path.write_text("search: beam\nlexicon: words.txt\n")
    assert read_options(path).vocabulary == tmp_path / "words.txt"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nbeam_sise: 3", ":2: unknown option 'beam_sise'; did you mean 'beam_size'"),
        ("beam_size: 0", "beam_size: expected 1 to 10000, found 0"),
        ("beam_size: 100000000", "beam_size: expected 1 to 10000, found 100000000"),
        ("beam_size: 1.5", "beam_size: expected int, found 1.5"),
        ("beam_size: true", "beam_size: expected int, found True"),
        ("lm_weight: high", "lm_weight: expected float, found 'high'"),
        ("lm_weight: -1", "lm_weight: expected 0 to 100, found -1"),
        ("lm_weight: .nan", "lm_weight: expected 0 to 100, found nan"),
        (f"lm_weight: {'9' * 400}", r"lm_weight: expected float, found 9+\.\.\.9+$"),
        (f"lm_weight: {'9' * 5000}", ":1: lm_weight is no value"),
        ("beam_threshold: -1", "beam_threshold: expected 0 or more, found -1"),
        ("word_score: .nan", "word_score: expected -100 to 100, found nan"),
        ("unk_score: -.inf", "unk_score: expected -1000 to 1000, found -inf"),
        ("hotword_boost: 1.0e+300", r"hotword_boost: expected 0 to 100, found 1e\+300"),
        ("search: viterbi", "search: expected greedy or beam, found 'viterbi'"),
        ("search: 2020-99-99", "search: expected greedy or beam, found '2020-99-99'"),
        ("search: greedy\n\nsearch: beam", ":3: search stands already in line 1"),
        ("confidence_temperature: 0", "confidence_temperature: expected 0.001 to 1000"),
        ("nbest: 1", "unknown option 'nbest'; choose one of search, beam_size"),
        (f"{'x' * 900}: 1", r"unknown option 'x+\.\.\.x+'; choose one of"),
        ("lm: no.arpa", "lm: greedy search uses none"),
        ("{search: beam, lm: no.arpa}", "no.arpa: no such language model"),
        ('search: beam\nlm: "a\\0b"', ":2: .*: no such language model"),
        ('search: beam\nlm: "\\ud800"', ":2: .*: no such language model"),
        ("{search: beam, lm: 3}", "lm: expected .*Path.*, found 3"),
        ("", "expected `option: value` lines, found none"),
        ("- beam", ":1: expected `option: value` lines, found a list"),
        ("beam", ":1: expected `option: value` lines, found a single value"),
        ("search: beam\nlm_weight: [1]", ":2: expected `option: value` lines, found a list"),
        ("search: beam\nlm_weight: {1: 2}", ":2: expected `option: value` lines, found a mapping"),
        ("search: beam\n---\nlm_weight: 1", ":3: expected .* lines, found a mapping"),
        (f"search: {'[' * 5000}{']' * 5000}", "expected `option: value` lines, found a list"),
        ("lm_weight: &a [x]\nlm: [*a,*a]", ":1: expected `option: value` lines, found a list"),
        ("lm_weight: &a 1\nunk_score: *a", ":2: expected `option: value` lines, found an alias"),
        ("lm_weight: !!int x", ":1: expected `option: value` lines, found a tag"),
        ("!!python/object/apply:os.system [ls]", ":1: expected .* lines, found a tag"),
        ("search: beam\na: 'b", ":2: cannot be read as YAML: "),
        ("search: beam\na: \x07", ":2: cannot be read as YAML: "),
        ("a: b\n" * 20_000, "100,000 characters, expected 50,000 at most"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "decoding.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_options(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_a_date_is_read_as_a_file_name(tmp_path: Path) -> None:
    (tmp_path / "2020-01-01").write_text("ann")
    (tmp_path / "decoding.yaml").write_text("search: beam\nhotwords: 2020-01-01\n")
    assert read_options(tmp_path / "decoding.yaml").hotwords == tmp_path / "2020-01-01"


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


def test_a_vocabulary_by_its_former_and_its_present_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "decoding.yaml"
    path.write_text("search: beam\nvocabulary: words.txt\nlexicon: others.txt\n")
    said = "decoding.yaml:3: lexicon is the former name of vocabulary, which line 2 gives too"
    with pytest.raises(UserError, match=said):
        read_options(path)
