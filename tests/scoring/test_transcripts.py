"""Reading reference and hypothesis files, and refusing those that would give a wrong rate."""

import warnings
from pathlib import Path

import pytest
from refusals import refused

from asr.scoring import Layout, read_transcripts
from asr.util.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore:.* taken for utterance ids")


def read(
    tmp_path: Path, reference: str | bytes, hypothesis: str | bytes, layout: Layout = "auto"
) -> tuple[dict[str, str], ...]:
    paths = tmp_path / "ref.txt", tmp_path / "hyp.txt"
    for path, text in zip(paths, (reference, hypothesis), strict=True):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_transcripts(*paths, layout=layout)[0]


def test_kaldi_lines_in_any_order(tmp_path: Path) -> None:
    references, hypotheses = read(
        tmp_path, "u-1 one two\nu-2 three\nu-3 \n", "u-3 oh\nu-2\n\nu-1  one  two\n"
    )
    assert references == {"u-1": "one two", "u-2": "three", "u-3": ""}
    assert hypotheses == {"u-3": "oh", "u-2": "", "u-1": "one  two"}


def test_plain_lines_keep_empty_utterances(tmp_path: Path) -> None:
    references, hypotheses = read(tmp_path, "one two\n\nthree", "one\noh\n\n")
    assert references == {"1": "one two", "2": "", "3": "three"}
    assert hypotheses == {"1": "one", "2": "oh", "3": ""}


def test_lines_of_asr_transcribe_are_read(tmp_path: Path) -> None:
    references, hypotheses = read(
        tmp_path, "my file.wav\tone two\nb.wav\tthree\n", "b.wav\t\nmy file.wav\tone\n"
    )
    assert references == {"my file.wav": "one two", "b.wav": "three"}
    assert hypotheses == {"my file.wav": "one", "b.wav": ""}


def test_one_file_may_have_tabs_and_the_other_spaces(tmp_path: Path) -> None:
    references, hypotheses = read(tmp_path, "a_1 one two\na_2 six\n", "a_1\tone two\na_2\tsix\n")
    assert references == hypotheses


def test_a_stray_tab_within_the_text_is_whitespace(tmp_path: Path) -> None:
    references, _ = read(tmp_path, "u-1 one\ttwo\nu-2 three\n", "u-1 one\nu-2 three\n")
    assert references["u-1"] == "one\ttwo"


def test_windows_files_are_read(tmp_path: Path) -> None:
    references, hypotheses = read(tmp_path, b"\xef\xbb\xbfone two\r\nsix\r\n", "one too\nnine\n")
    assert references == {"1": "one two", "2": "six"}
    assert list(hypotheses) == ["1", "2"]


def test_rare_line_separators_do_not_end_a_line(tmp_path: Path) -> None:
    references, _ = read(tmp_path, "one\u2028two\nsix\n", "a\nb\n")
    assert references == {"1": "one\u2028two", "2": "six"}


def test_words_with_digits_are_no_ids(tmp_path: Path) -> None:
    references, _ = read(tmp_path, "3 1 4\n1 5\n4th of july\n3 8\n", "3 1\n1 5\nnine\n3 8\n")
    assert references["1"] == "3 1 4"


def test_sclite_lines_end_in_their_ids(tmp_path: Path) -> None:
    references, hypotheses = read(
        tmp_path, "one two (u-1)\n\nsix (laughs) (u-2)\n(u-3)\n", "(u-3)\nsix (u-2)\none (u-1)"
    )
    assert references == {"u-1": "one two", "u-2": "six", "u-3": ""}  # (laughs) may be left out
    assert hypotheses == {"u-3": "", "u-2": "six", "u-1": "one"}


def test_a_tab_before_the_last_id_does_not_make_a_file_kaldi(tmp_path: Path) -> None:
    references, _ = read(tmp_path, "ONE TWO\t(u-1)\n\t(u-2)\n", "ONE\t(u-1)\nSIX\t(u-2)\n")
    assert references == {"u-1": "ONE TWO", "u-2": ""}


def test_remarks_at_the_ends_of_lines_are_no_ids(tmp_path: Path) -> None:
    text = "one (noise)\none two (noise)\none six (noise)\n"
    assert read(tmp_path, text, text)[0]["1"] == "one (noise)"


def test_repeated_first_words_are_no_ids(tmp_path: Path) -> None:
    references, _ = read(tmp_path, "the cat\nthe dog\na bird\n", "the cat\nthe dog\na bird\n")
    assert references["1"] == "the cat"


def test_an_explicit_layout_is_never_doubtful(tmp_path: Path) -> None:
    texts = "yes please\nno thanks\n", "yes please\nno thank\n"
    with refused("may be utterance ids or plain text; say --layout"):
        read(tmp_path, *texts)
    assert read(tmp_path, *texts, layout="plain")[0] == {"1": "yes please", "2": "no thanks"}
    assert read(tmp_path, *texts, layout="kaldi")[1] == {"yes": "please", "no": "thank"}


def test_a_repeated_id_does_not_make_a_file_plain(tmp_path: Path) -> None:
    lines = "ann one\nbob two\ncat six\ndee ten\neve two\n"
    message = (
        r"hyp.txt:6: the first words of the lines may be utterance ids, but 'bob' stands already "
        r"in line 2; keep one of them, or say --layout plain"
    )
    with refused(message):
        read(tmp_path, lines, lines + "bob six\n")
    assert len(read(tmp_path, lines + "\n", lines + "bob six\n", layout="plain")[1]) == 6


def test_empty_hypotheses_are_scored(tmp_path: Path) -> None:
    _, hypotheses = read(tmp_path, "one\ntwo\n", "\n\n")
    assert hypotheses == {"1": "", "2": ""}


def test_three_files_have_equal_ids(tmp_path: Path) -> None:
    for name in ("ref", "a", "b"):
        (tmp_path / name).write_text(f"u-1 {name}\n")
    transcripts = read_transcripts(*(tmp_path / name for name in ("ref", "a", "b")))
    reference = {"u-1": "ref"}
    assert transcripts == [(reference, {"u-1": "a"}), (reference, {"u-1": "b"})]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        ("", "one\n", "ref.txt: the file is empty"),
        ("\n \n", "one\n\n", "ref.txt: there is no text in this file"),
        ("one\n", "", "hyp.txt: the file is empty"),
        ("one\ntwo\n", b"one\ntw\xf6\n", "hyp.txt:2: byte 0xf6 is not UTF-8"),
        ("x\none\n", "x\none\n".encode("utf-16-le"), "hyp.txt:1: byte 0x00 is not UTF-8"),
        ("one\ntwo\n", "one\n", "hyp.txt: has 1 lines, but .*ref.txt has 2"),
        ("u-1 a\nu-2 b\n", "u-1 a\nu-1 b\n", "hyp.txt:2: .* 'u-1' stands already in line 1"),
        ("u-1 a\nu-2 b\n", "a\nb\n", "hyp.txt: its lines do not begin with utterance ids"),
        ("a\nb\n", "x.wav\ta\ny.wav\tb\n", "ref.txt: its lines do not begin with utterance ids"),
        ("a (u-1)\nb (u-2)\n", "a\nb\n", "hyp.txt: its lines do not end in utterance ids in"),
        ("u-1 a\nu-2 b\n", "a (u-1)\nb (u-2)\n", "ref.txt: its lines do not end in utterance ids"),
        ("a (u-1)\nb (u-2)\n", "a (u-1)\n", r"hyp.txt: .* 1 of 2 are missing \(u-2\)"),
        ("u-1 a\nu-2 b\n", "u-1 a\n", r"hyp.txt: .* 1 of 2 are missing \(u-2\)"),
        ("u-1 a\n", "u-2 a\n", r"missing \(u-1\) and 1 of 1 are not in .*ref.txt \(u-2\)"),
    ],
)
def test_bad_files_are_refused(
    tmp_path: Path, reference: str, hypothesis: str | bytes, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, reference, hypothesis)


def test_a_line_without_the_id_of_the_others_is_refused(tmp_path: Path) -> None:
    lines = "".join(f"one (u-{number})\n" for number in range(9))
    message = "ref.txt:10: expected an utterance id in parentheses at its end, found 'one u-9'; "
    with refused(message):
        read(tmp_path, lines + "one u-9\n", lines)
    with pytest.raises(UserError, match=r"ref\.txt:1: expected an utterance id in parentheses"):
        read(tmp_path, "one", "one", layout="trn")
    with pytest.raises(
        UserError, match=r"hyp\.txt:10: utterance id 'u-0' stands already in line 1"
    ):
        read(tmp_path, lines, lines + "one (u-0)\n")


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.txt: cannot be read: No such file"):
        read_transcripts(tmp_path / "nowhere.txt", tmp_path / "nowhere.txt")
    with pytest.raises(UserError, match="Is a directory"):
        read_transcripts(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("B2B sales grew\n", "B2B"),
        ("he said (yes)\nshe said (no)\n", "yes"),
        ("B2B\tsales grew\n", None),
        ("".join(f"u-{number} sales grew\n" for number in range(10)), None),
    ],
)
def test_a_warning_tells_that_few_lines_are_taken_to_have_ids(
    tmp_path: Path, text: str, noted: str | None
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read(tmp_path, text, text)
    messages = [str(one.message) for one in caught]
    assert len(messages) == (noted is not None)
    assert all(f"'{noted}' and its like are taken for utterance ids" in one for one in messages)


def test_a_third_of_words_without_digits_is_text(tmp_path: Path) -> None:
    references, _ = read(tmp_path, "1st we met\n2nd we ate\nthen home\n", "a\nb\nc\n")
    assert references["1"] == "1st we met"
