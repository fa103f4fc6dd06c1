"""json, txt, tsv and textgrid, and what holds for every format."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import tiny
from made_transcripts import one_segment, segment, talk

from asr.formats import FORMATS, About, parse_formats
from asr.transcript import AlignedTranscript, Segment, Transcript, Word
from asr.util.errors import UserError

ABOUT = About("dir/talk.wav", "runs/an4", {"beam_size": 64, "lm": None})
BOTH = [talk(1, channel="left"), talk(2, channel="right")]
ALIGNED = AlignedTranscript(
    (segment([("ab", 0.1, 0.3), ('c"', 0.5, 0.6)]),),
    1.0,
    tokens=(
        Word("a", 0.1, 0.2, 0.5), Word("b", 0.2, 0.3, 0.5),
        Word("c", 0.5, 0.55, 0.5), Word('"', 0.55, 0.6, 0.5),
    ),
)  # fmt: skip


def test_json_has_all_of_the_transcript():
    transcript = talk(3)
    data = json.loads(FORMATS["json"]([transcript], ABOUT))
    assert data["text"] == transcript.text
    assert data["duration"] == pytest.approx(transcript.duration_s, abs=6e-4)
    assert [one["id"] for one in data["segments"]] == list(range(len(transcript.segments)))
    for one, original in zip(data["segments"], transcript.segments, strict=True):
        assert one["text"] == original.text
        times = original.start_s, original.end_s
        assert (one["start"], one["end"]) == pytest.approx(times, abs=6e-4)
    for one, original in zip(data["words"], transcript.words, strict=True):
        assert (one["word"], one["confidence"]) == (original.text, original.confidence)
        times = original.start_s, original.end_s
        assert (one["start"], one["end"]) == pytest.approx(times, abs=6e-4)
    assert (data["path"], data["model"]) == (ABOUT.path, ABOUT.model)
    assert data["settings"] == ABOUT.settings


def test_json_has_the_fields_of_verbose_json():
    data = json.loads(FORMATS["json"]([talk(0)], ABOUT))
    assert {"task", "language", "duration", "text", "segments", "words"} <= set(data)
    assert (data["task"], data["language"]) == ("transcribe", None)
    assert {"id", "start", "end", "text"} <= set(data["segments"][0])
    assert {"word", "start", "end"} <= set(data["words"][0])
    assert "characters" not in data


def test_json_of_channels_names_them_in_order_of_time():
    data = json.loads(FORMATS["json"](BOTH, ABOUT))
    for name in ("segments", "words"):
        starts = [one["start"] for one in data[name]]
        assert starts == sorted(starts)
        assert {one["channel"] for one in data[name]} == {"left", "right"}
    assert data["duration"] == pytest.approx(max(one.duration_s for one in BOTH), abs=6e-4)


@pytest.mark.parametrize("kind", ["character", "phone", "subword"])
def test_tokens_of_an_alignment_are_named_by_their_kind(kind):
    aligned = replace(ALIGNED, kind=kind)
    data = json.loads(FORMATS["json"]([aligned], ABOUT))
    assert data["task"] == "align"
    assert "".join(one[kind] for one in data[f"{kind}s"]) == 'abc"'
    assert [*tiers(FORMATS["textgrid"]([aligned], ABOUT))] == ["words", f"{kind}s"]


def test_txt_has_a_segment_a_line():
    assert FORMATS["txt"]([talk(0)], ABOUT).splitlines() == [s.text for s in talk(0).segments]
    lines = FORMATS["txt"](BOTH, ABOUT).splitlines()
    assert {line.split()[0] for line in lines} == {"left:", "right:"}
    assert len(lines) == 60


def test_jsonl_is_a_manifest_of_the_segments():
    entries = [json.loads(line) for line in FORMATS["jsonl"]([talk(0)], ABOUT).splitlines()]
    for entry, original in zip(entries, talk(0).segments, strict=True):
        assert list(entry) == ["audio_filepath", "offset", "duration", "text", "confidence"]
        assert entry["audio_filepath"] == str(Path("dir/talk.wav").absolute())
        assert entry["offset"] == pytest.approx(original.start_s, abs=6e-4)
        assert entry["offset"] + entry["duration"] == pytest.approx(original.end_s, abs=6e-4)
        assert (entry["text"], entry["confidence"]) == (original.text, 0.9)
    entries = [json.loads(line) for line in FORMATS["jsonl"](BOTH, ABOUT).splitlines()]
    assert {entry["channel"] for entry in entries} == {"left", "right"}


def test_tsv_has_the_columns_of_whisper():
    written = FORMATS["tsv"]([one_segment(("hello", 1.2345, 2), ("you", 2, 2.5))], ABOUT)
    assert written == "start\tend\ttext\n1234\t2500\thello you\n"  # 1234.5 is rounded to even
    rows = [line.split("\t") for line in FORMATS["tsv"](BOTH, ABOUT).splitlines()]
    assert rows[0] == ["start", "end", "text", "channel"]
    assert {row[3] for row in rows[1:]} == {"left", "right"}


def test_only_json_names_a_channel_that_is_alone():
    for name in ("txt", "tsv"):
        assert FORMATS[name](BOTH[:1], ABOUT) == FORMATS[name]([talk(1)], ABOUT)
    data = json.loads(FORMATS["json"](BOTH[:1], ABOUT))
    assert {one["channel"] for one in data["segments"]} == {"left"}


def tiers(written: str) -> dict[str, list[tuple[float, float, str]]]:
    """Read a TextGrid as Praat does: by its numbers and quoted texts alone."""
    values = re.findall(r'"(?:[^"]|"")*"|(?<== )[\d.]+|<exists>', written)
    texts = [value[1:-1].replace('""', '"') if value[0] == '"' else value for value in values]
    assert texts[:2] == ["ooTextFile", "TextGrid"]
    xmin, xmax, exists, size, *rest = texts[2:]
    assert (float(xmin), exists) == (0.0, "<exists>")
    found = {}
    for _ in range(int(size)):
        kind, name, low, high, count, *rest = rest
        assert (kind, float(low), high) == ("IntervalTier", 0.0, xmax)
        cells = [rest[3 * place : 3 * place + 3] for place in range(int(count))]
        found[name] = [(float(a), float(b), text) for a, b, text in cells]
        rest = rest[3 * int(count) :]
    assert not rest
    return found


@pytest.mark.parametrize("transcripts", [[talk(0)], BOTH, [ALIGNED], [Transcript((), 2.0)]])
def test_textgrid_tiers_fill_the_recording(transcripts):
    found = tiers(FORMATS["textgrid"](transcripts, ABOUT))
    end_s = max(one.duration_s for one in transcripts)
    for intervals in found.values():
        assert intervals[0][0] == 0
        assert intervals[-1][1] == pytest.approx(end_s, abs=6e-4)
        assert all(a[1] == b[0] for a, b in pairwise(intervals))
        assert all(low < high for low, high, _ in intervals)


def test_textgrid_has_words_and_characters():
    found = tiers(FORMATS["textgrid"]([ALIGNED], ABOUT))
    assert found["words"] == [
        (0.0, 0.1, ""), (0.1, 0.3, "ab"), (0.3, 0.5, ""), (0.5, 0.6, 'c"'), (0.6, 1.0, ""),
    ]  # fmt: skip
    assert [text for _, _, text in found["characters"] if text] == ["a", "b", "c", '"']
    assert set(tiers(FORMATS["textgrid"](BOTH, ABOUT))) == {"left words", "right words"}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_any_transcript(name):
    for transcripts in ([talk(0)], BOTH, [ALIGNED], [Transcript((), 0.0)], []):
        written = FORMATS[name](transcripts, ABOUT)
        assert written == FORMATS[name](transcripts, ABOUT)
        assert not written or written.endswith("\n")


ODD = "".join(map(chr, [*range(32), *range(127, 160)])) + "\u2028\u202e\u2066\udfff\ud800"


@pytest.mark.parametrize("name", FORMATS)
def test_no_word_or_name_adds_a_line_or_controls_a_terminal(name):
    """The file has as many lines as with plain words, and only printable characters."""

    def lines(odd):
        word = Word(f"a{odd}b", 0.1, 0.3, 0.5)
        only = Segment(0.1, 0.3, word.text, (word,))
        one = AlignedTranscript((only,), 1.0, tokens=(word,))
        written = FORMATS[name]([one], About(f"/dir/x{odd}.wav", "m", {}, recording=f"id{odd}"))
        return written.encode().decode().split("\n")

    found = lines(ODD)
    assert len(found) == len(lines("")) or name in ("srt", "vtt")  # which split long words
    allowed = "\t" if name == "tsv" else ""
    assert all(character.isprintable() or character in allowed for character in "".join(found))


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_json_keeps_any_word(name):
    word = Word(ODD, 0.1, 0.3, 0.5)
    one = Transcript((Segment(0.1, 0.3, ODD, (word,)),), 1.0)
    assert json.loads(FORMATS[name]([one], ABOUT))["text"] == ODD


def test_formats_are_parsed_by_name():
    assert parse_formats("srt, JSON,srt") == ("srt", "json")
    with pytest.raises(UserError, match=r"unknown format 'strt'; did you mean srt\?"):
        parse_formats("json,strt")
    with pytest.raises(UserError, match="choose one of txt, json"):
        parse_formats("docx")


def test_formats_do_not_import_torch():
    code = "import sys, asr.formats; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tiny.ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
