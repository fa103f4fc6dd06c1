"""`asr score` on the files that `asr transcribe` and other tools write: the right rates."""

import io
import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from refusals import refused

from asr.cli import main
from asr.formats import FORMATS, About
from asr.scoring import count_errors, pair_up, read_transcripts
from asr.scoring.alternatives import MOST_READINGS, parse_alternatives
from asr.transcript import Segment, Transcript, Word

pytestmark = pytest.mark.filterwarnings("ignore:.*(taken for utterance ids|scored as one)")

STM = """;; comment
a A ann 0.00 1.00 <o,f0,female> one two
a A bob 2.00 3.00 three
b 1 ann 0.00 2.00 four five
"""
CTM = """;; comment
a A 0.10 0.20 one 0.9
a A 0.70 0.20 too
a A 2.10 0.20 three 0.9
b 1 0.50 0.20 four 0.9
"""
SRT = (
    "1\n00:00:00,000 --> 00:00:01,500\n<i>one</i> two\n\n2\n00:00:02,000 --> 00:00:03,000\nthree\n"
)
VTT = """\ufeffWEBVTT

NOTE nothing

STYLE
::cue { color: red }

intro
00:00.000 --> 00:01.500 align:start
<v Ann>one <c>two</c>

00:02.000 --> 00:03.000
three &amp; four
"""
TEXTGRID = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 3
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 3
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 3
            text = "w"
    item [2]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 3
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1
            text = "one"
        intervals [2]:
            xmin = 1
            xmax = 2
            text = ""
        intervals [3]:
            xmin = 2
            xmax = 3
            text = "two ""three"""
'''
SHORT_GRID = """"ooTextFile"
"TextGrid"
0
3
<exists>
1
"IntervalTier"
"w1"
0
3
2
0
1
"one"
1
3
"two"
"""
ALTERNATIVES = """a 1 * * <ALT_BEGIN>
a 1 0 .5 one
a 1 * * <ALT>
a 1 0 .5 two
a 1 * * <ALT_END>
"""
TSV = "start\tend\ttext\n0\t900\tone\n900\t1800\ttwo\n"
NEMO = '{"audio_filepath": "/x/a.wav", "duration": 1, "text": "one two", "pred_text": "one"}\n'
JSON = json.dumps({"task": "transcribe", "text": "one two", "segments": [{"text": "one two"}]})
SEGMENTS = json.dumps({"segments": [{"text": " one"}, {"text": " two"}]})
NFC, NFD = "münchen_1", unicodedata.normalize("NFD", "münchen_1")


def errors(
    tmp_path: Path, reference: tuple[str, str], hypothesis: tuple[str, str], **options: bool
) -> tuple[int, int]:
    """Count the errors and the reference's words of two files, each a name and a content."""
    paths = []
    for side, (name, text) in (("ref", reference), ("hyp", hypothesis)):
        (tmp_path / side).mkdir()
        (tmp_path / side / name).write_bytes(text.encode())
        paths.append(tmp_path / side / name)
    ((references, hypotheses),) = read_transcripts(*paths, **options)
    words, _ = count_errors(pair_up(references, hypotheses))
    return words.errors, words.reference_length


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        # NIST's formats: names, times, channels, labels and comments are no words
        (("r.stm", STM), ("h.ctm", CTM), (2, 5)),
        (("r", STM), ("h", CTM), (2, 5)),
        (("r.stm", STM), ("h.stm", STM), (0, 5)),
        (("r.stm", STM), ("h.stm", STM.replace("two", "too")), (1, 5)),
        (("r.ctm", CTM), ("h.ctm", CTM.replace("too", "two")), (1, 4)),
        (("r.stm", STM), ("h.txt", "a one two three\nb four five\n"), (0, 5)),
        (("r.stm", STM), ("h.trn", "one two three (a)\nfive (b)\n"), (1, 5)),
        (("r.stm", STM), ("h.tsv", "x/a.wav\tone two three\nx/b.wav\tfour five\n"), (0, 5)),
        (("r.txt", "a one two three\nb four five\n"), ("h.ctm", CTM), (2, 5)),
        # segments of other bounds: by recording
        (("r.stm", STM), ("h.stm", "a A x 0.0 3.0 one two three\nb 1 x 0.0 2.0 four\n"), (1, 5)),
        # a word at a segment's edge belongs where its midpoint is; between segments it is inserted
        (("r.stm", "a 1 x 0 1 one\na 1 x 1 2 two\n"), ("h.ctm", "a 1 0.8 .5 two\n"), (1, 2)),
        (("r.stm", "a 1 x 0 1 one\na 1 x 4 5 two\n"), ("h.ctm", "a 1 2.2 .1 uh\n"), (2, 2)),
        (("r.stm", "a 1 x 0 1 one\n"), ("h.ctm", "a A 0.1 .1 one\n"), (0, 1)),
        # regions that are not scored
        (
            ("r.stm", "a 1 x 0 1 ignore_time_segment_in_scoring\na 1 x 1 2 two\n"),
            ("h.ctm", "a 1 0.2 .1 uh\na 1 1.2 .1 two\n"),
            (0, 1),
        ),
        # alternatives and optional words, in trn, stm and ctm
        (("r.trn", "a { b / c d / @ } (uh) e (u-1)\n"), ("h.trn", "a c d e (u-1)\n"), (0, 4)),
        (("r.trn", "a { b / c d / @ } (uh) e (u-1)\n"), ("h.trn", "a uh e (u-1)\n"), (0, 3)),
        (("r.trn", ";; x\n{ i'm / i am } ok (u-1)\n"), ("h.trn", "i am (u-1)\n;; y\n"), (1, 3)),
        (("r.stm", "a 1 x 0 1 { one / won } (um)\n"), ("h.ctm", "a 1 0 .5 won\n"), (0, 1)),
        (("r.txt", "u-1 a { b / c }\n"), ("h.txt", "u-1 a c\n"), (4, 6)),
        (
            ("r.stm", "a 1 x 0 1 one\n"),
            ("h.ctm", ALTERNATIVES),
            (0, 1),
        ),
        # a brace within a word is no alternative; Kaldi's empty word is no word
        (("r.trn", "m^{me} de (u-1)\n"), ("h.trn", "m^{me} du (u-1)\n"), (1, 2)),
        (("r.stm", "a 1 x 0 1 one\n"), ("h.ctm", "a 1 0 .1 <eps>\na 1 .2 .1 one\n"), (0, 1)),
        # subtitles and JSON, with any reference of one recording
        (("r.txt", "one two three"), ("h.srt", SRT), (0, 3)),
        (("r.txt", "one two three"), ("h.srt", SRT.replace("\n", "\r\n")), (0, 3)),
        (("r.txt", "one two\nthree\n"), ("h", SRT), (0, 3)),
        (("r.txt", "one two three & four"), ("h.vtt", VTT), (0, 5)),
        (("r.srt", SRT), ("h.vtt", VTT), (2, 3)),
        (("r.txt", "one two"), ("h.json", JSON), (0, 2)),
        (("r.txt", "one two"), ("h.json", SEGMENTS), (0, 2)),
        (("r.txt", "a_1 one two"), ("a_1.json", JSON), (0, 2)),
        (("r.txt", "one two"), ("h.tsv", TSV), (0, 2)),
        (("r.txt", 'one two "three"'), ("h.TextGrid", TEXTGRID), (0, 3)),
        (("r.txt", "one two"), ("h.TextGrid", SHORT_GRID), (0, 2)),
        (("r.jsonl", NEMO), ("h.jsonl", NEMO), (1, 2)),
        (("r.txt", "a one two"), ("h.jsonl", NEMO), (1, 2)),
        (("r.json", '{"u1": "a b", "u2": "c"}'), ("h.json", '{"u2": "c", "u1": "a"}'), (1, 3)),
        (("r.json", '[{"path": "a.wav", "sentence": "x y"}]'), ("h.json", '{"a": "x"}'), (1, 2)),
        # one line of reference, several segments of hypothesis
        (("r.txt", "one two three\n"), ("h.txt", "one\ntwo\nthree\n"), (0, 3)),
        (("r.txt", "one two three\n\n"), ("h.txt", "one\n\ntwo\n"), (1, 3)),
        (("r.txt", "one two three\n"), ("h.txt", "one two six\n"), (1, 3)),
        # line ends and forms of Unicode
        (("r.txt", "one two\rsix\r"), ("h.txt", "won two\r\nsix\r\n"), (1, 3)),
        (("r.txt", "one\r\r\nsix\r\r\n"), ("h.txt", "two\nsix\n"), (1, 2)),
        (("r.txt", f"{NFC} one\nu_2 two\n"), ("h.txt", f"u_2 two\n{NFD} one\n"), (0, 2)),
        (("r.trn", f"one ({NFC})\ntwo (u_2)\n"), ("h.trn", f"two (u_2)\none ({NFD})\n"), (0, 2)),
        (("r.txt", f"{NFC} one\nu_2 two\n"), ("h", f"x/{NFD}.wav\tone\nu_2\ttwo\n"), (0, 2)),
        (("r.txt", "one two\n"), ("h.txt", "one\u200b\ufeff t\u00adwo\u200e\n"), (0, 2)),
        # digits that look like times are words
        (("r.txt", "1 2 3 4 5\n6 7 8 8 9\n"), ("h.txt", "9 2 3 4 5\n6 7 8 8 9\n"), (1, 10)),
    ],
)  # fmt: skip
def test_words_alone_are_scored(
    tmp_path: Path,
    reference: tuple[str, str],
    hypothesis: tuple[str, str],
    expected: tuple[int, int],
) -> None:
    assert errors(tmp_path, reference, hypothesis) == expected


def word(text: str, start_s: float) -> Word:
    return Word(text, start_s, start_s + 0.2, 0.9)


TALK = Transcript(
    (
        Segment(0.0, 2.0, "one two", (word("one", 0.1), word("two", 1.5))),
        Segment(9.0, 11.0, "three", (word("three", 9.5),)),
    ),
    12.0,
)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_transcribe_writes_is_read(tmp_path: Path, name: str) -> None:
    suffix = {"textgrid": "TextGrid"}.get(name, name)
    text = FORMATS[name]([TALK], About("talk.wav", "m", {}))
    assert errors(tmp_path, ("r.txt", "one two four"), (f"talk.{suffix}", text)) == (1, 3)


@pytest.mark.parametrize("name", ["ctm", "stm"])
def test_a_silent_recording_is_no_missing_one(tmp_path: Path, name: str) -> None:
    texts = [
        FORMATS[name]([transcript], About(f"{stem}.wav", "m", {}))
        for stem, transcript in (("a", TALK), ("b", Transcript((), 5.0)))
    ]
    reference = ("r.stm", "a A x 0 12 one two three\nb A x 0 5 oh\n")
    assert errors(tmp_path, reference, (f"h.{name}", "".join(texts))) == (1, 4)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        (("r.txt", "u-1 a b\nu-2 c\n"), ("h.txt", "u-1 a b\n"), (1, 3)),
        (("r.stm", STM), ("h.ctm", "a A 0.1 .2 one\n"), (4, 5)),
        (("r.trn", "a b (u-1)\nc (u-2)\n"), ("h.trn", "c (u-2)\n"), (2, 3)),
    ],
)
def test_what_is_missing_is_deleted_where_asked_for(
    tmp_path: Path,
    reference: tuple[str, str],
    hypothesis: tuple[str, str],
    expected: tuple[int, int],
) -> None:
    with refused("1 of 2 are missing"):
        errors(tmp_path, reference, hypothesis)
    (tmp_path / "again").mkdir()
    found = errors(tmp_path / "again", reference, hypothesis, missing_as_deleted=True)
    assert found == expected


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        (("r.stm", "a A x 0\n"), ("h.ctm", CTM), r"r.stm:1: not a line of stm: expected recording"),
        (("r.stm", STM), ("h.ctm", "a A x .2 one\n"), r"h.ctm:1: not a line of ctm: expected"),
        (("r.stm", STM), ("h.ctm", CTM + "c 1 0 1 x\n"), r"1 of 3 are not in .*r.stm \(c\)"),
        (("r.stm", "a A x 0 1 b\na B x 0 1 c\n"), ("h.ctm", "a C 0 1 b\n"), "has a channel C"),
        (("r.txt", "a b\n"), ("h.json", "{"), "h.json: cannot be read as JSON"),
        (("r.txt", "a b\n"), ("h.json", '{"a": 1}'), "expected an object with a text"),
        (("r.txt", "a b\n"), ("h.jsonl", '{"a": 1}\n'), "expected an object|expected a text under"),
        (("r.txt", "a b\n"), ("h.json", '{"segments": null}'), "expected a text under"),
        (("r.txt", "a b\n"), ("h.json", '[{"supervisions": ["x"]}]'), "expected a text under"),
        (("r.stm", STM), ("h.srt", SRT), "the utterance ids differ"),
        (("r.txt", "a b\n"), ("h.ass", "[Script Info]\n"), "in .ass are not read; convert them"),
        (("r.txt", "a b\n"), ("h.lrc", "[00:01.0]a b\n"), "in .lrc are not read; convert them"),
        (("r.txt", f"{NFC} a\nu_2 b\n{NFD} c\n"), ("h.txt", "u_1 a\n"), "stands already in line 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, reference: tuple[str, str], hypothesis: tuple[str, str], message: str
) -> None:
    with refused(message):
        errors(tmp_path, reference, hypothesis)


def test_readings_of_many_optional_words_are_the_first_ones() -> None:
    """Forty such words have 2 ** 40 readings."""
    words = [f"w{number}" for number in range(40)]
    ((first, *rest),) = parse_alternatives(f"{{ ({') ('.join(words)}) / z }}") or []
    assert first == (*words,)
    assert len(rest) + 1 == MOST_READINGS


@pytest.mark.parametrize("standard", ["reference", "hypothesis"])
def test_either_text_may_come_from_standard_input(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    standard: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "a.txt").write_text("one two\nsix\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one two\r\nnine\r\n")))
    paths = ["-", str(tmp_path / "a.txt")]
    assert main(["score", *(paths if standard == "reference" else paths[::-1])]) == 0
    assert re.search(r"1 substituted, 0 deleted, 0 inserted, of 3 words", capsys.readouterr().out)


def test_standard_input_is_read_once() -> None:
    with refused("standard input can be read once"):
        read_transcripts("-", "-")


def test_a_comparison_reads_alternatives_as_is_nearest_to_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("r", "{ i'm / i am }"), ("a", "i'm"), ("b", "i am")):
        (tmp_path / f"{name}.trn").write_text(f"{text} (u-1)\n{text} (u-2)\n")
    paths = [str(tmp_path / f"{name}.trn") for name in "rab"]
    assert main(["score", *paths[:2], "--compare", paths[2]]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"WER of ..trn +(\d+\.\d+)", out) == ["0.00", "0.00"]
