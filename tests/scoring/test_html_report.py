"""The HTML page of a report, parsed back."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from asr.scoring import UtteranceMedia, format_html, score, worst_first

VOID = {"meta", "img", "br", "link", "input"}
NASTY = "<script>alert(1)</script>"
REFERENCES = {"u-1": "enter six two", "u-2": "yes", "u-3": "go on then please now", "u-4": ""}
HYPOTHESES = {"u-1": "enter sick two", "u-2": "yes", "u-3": "go then now", "u-4": "oh"}
SPEAKERS = {"u-1": "ann", "u-2": "ann", "u-3": "bob", "u-4": "bob"}


class Page(HTMLParser):
    """Elements and text of a page whose elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def report(**more):
    return score(REFERENCES, HYPOTHESES, speakers=SPEAKERS, **more)


def articles(html: str) -> list[str]:
    return re.findall(r"<article.*?</article>", html, re.DOTALL)


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_totals_with_their_intervals():
    found = report(vocabulary=["enter", "two"])
    text = plain(format_html(found, "test set by model"))
    assert text.count("test set by model") == 2
    assert f"Word error rate {100 * found.wer:.2f} %" in text
    low, high = found.word_interval
    assert f"{100 * low:.2f} to {100 * high:.2f} %" in text
    low, high = found.word_interval_by_speaker
    assert f"{100 * low:.2f} to {100 * high:.2f} % by speaker" in text
    assert f"Character error rate {100 * found.cer:.2f} %" in text
    assert "3 of 4 utterances" in text
    assert "Words outside the vocabulary 77.78 % 7 of 9 words" in text


def test_groups_add_up_to_the_whole():
    media = {
        key: UtteranceMedia(2.0, level, "x.wav#t=0,2")
        for key, level in zip(REFERENCES, (-31.0, -30.0, -12.5, float("-inf")), strict=True)
    }
    html = format_html(report(), "t", media)
    tables = re.findall(r"<table>.*?</table>", html, re.DOTALL)
    groups = {}
    for table in tables[:3]:
        (name,) = re.search(r'<th scope="col">(.*?)</th>', table).groups()
        rows = re.findall(r'<tr><th scope="row".*?</tr>', table, re.DOTALL)
        groups[name] = [plain(row.replace("</t", " </t")) for row in rows]
    assert groups["Speaker"] == ["ann 2 4 25.00 %", "bob 2 5 60.00 %"]
    assert groups["Length"] == ["0 to 2 2 1 100.00 %", "3 to 5 2 8 37.50 %"]
    assert groups["Level"] == [
        "silent 1 0 ∞", "−35 to −30 dB 1 3 33.33 %", "−30 to −25 dB 1 1 0.00 %",
        "−15 to −10 dB 1 5 40.00 %",
    ]  # fmt: skip


def test_every_utterance_is_aligned_worst_first():
    found = report()
    html = format_html(found, "t")
    shown = articles(html)
    assert [re.search(r"<h3 .*?>(.*?)</h3>", one).group(1) for one in shown] == [
        result.utterance_id for result in worst_first(found)
    ]
    assert [result.words.errors for result in worst_first(found)] == [2, 1, 1, 0]
    by_id = {re.search(r"<h3 .*?>(.*?)</h3>", one).group(1): one for one in shown}
    assert "<del>six</del><ins>sick</ins>" in by_id["u-1"]
    assert 'class="substitution"' in by_id["u-1"]
    assert "<del>on</del><ins>&nbsp;</ins>" in by_id["u-3"]
    assert "<del>&nbsp;</del><ins>oh</ins>" in by_id["u-4"]
    assert plain(by_id["u-2"]) == "u-2 ann · 0 errors in 1 word · 0.00 % yes"


def test_marks_tell_errors_without_color():
    shown = "".join(articles(format_html(report(), "t")))
    for kind, mark in (("substitution", "S"), ("deletion", "D"), ("insertion", "I")):
        counted = shown.count(f'<span class="{kind}">')
        assert counted == shown.count(f'<abbr title="{kind}">{mark}</abbr>')
        assert counted > 0


@pytest.mark.parametrize("where", ["reference", "hypothesis", "id", "speaker", "title", "audio"])
def test_text_is_never_markup(where):
    references, hypotheses = dict(REFERENCES), dict(HYPOTHESES)
    speakers, media, title, key = dict(SPEAKERS), {}, "t", "u-1"
    nasty = NASTY + "\"' onload=x &amp;"
    if where == "reference":
        references[key] = nasty
    elif where == "hypothesis":
        hypotheses[key] = nasty
    elif where == "id":
        for one in (references, hypotheses, speakers):
            one[nasty] = one.pop(key)
    elif where == "speaker":
        speakers[key] = nasty
    elif where == "title":
        title = nasty
    else:
        media[key] = UtteranceMedia(1.0, -20.0, nasty, nasty)
    html = format_html(score(references, hypotheses, speakers=speakers), title, media)
    page = Page(html)
    assert len(page.of("script")) == 1
    assert "alert" not in "".join(page.texts["script"])
    assert not any("onload" in attributes for _, attributes in page.elements)
    if where == "audio":
        assert page.of("button")[0]["data-audio"] == nasty
        assert page.of("img")[0]["src"] == nasty
    else:
        words = [text for name, texts in page.texts.items() for text in texts if name != "script"]
        assert any("<script>alert(1)</script>" in text for text in words)


def test_the_page_needs_no_other_file():
    media = {
        "u-1": UtteranceMedia(1.5, -20.0, "data:audio/flac;base64,AA", "data:image/png;base64,AA")
    }
    page = Page(format_html(report(), "t", media))
    assert not page.of("link")
    assert not any("src" in attributes for attributes in page.of("script"))
    urls = [attributes.get("src") for _, attributes in page.elements if "src" in attributes]
    assert urls == ["data:image/png;base64,AA"]
    assert page.of("button")[0]["data-audio"] == "data:audio/flac;base64,AA"
    assert all(image["alt"] for image in page.of("img"))
    assert page.of("meta")[2]["content"].startswith("width=device-width")


def test_only_the_pages_own_script_and_style_pass_its_policy():
    media = {
        key: UtteranceMedia(1.5, -20.0, "a.wav", "data:image/png;base64,AA") for key in REFERENCES
    }
    page = Page(format_html(report(), "t", media))
    policy = dict(one.strip().split(" ", 1) for one in page.of("meta")[1]["content"].split(";"))
    for directive in ("default-src", "base-uri", "form-action"):
        assert policy.pop(directive) == "'none'"
    assert policy.pop("img-src") == "data:"
    assert policy.pop("media-src") == "data: file: 'self'"
    for tag in ("style", "script"):
        (text,) = page.texts[tag]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert not policy
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name == "style" or name.startswith("on")]


@pytest.mark.parametrize(
    ("character", "shown"),
    [("\x1b", r"\x1b"), ("\x00", r"\x00"), ("\x9b", r"\x9b"), ("\u202e", r"\u202e"),
     ("\u2066", r"\u2066"), ("\udcff", r"\udcff"), ("\u200c", "\u200c"), ("é", "é")],
)  # fmt: skip
def test_control_characters_are_escaped(character, shown):
    text = f"a{character}b"
    found = score({text: text}, {text: f"{text}c"}, speakers={text: text})
    html = format_html(found, text, {text: UtteranceMedia(1.0, -20.0, "a.wav", "data:,")})
    Page(html.encode().decode())
    places = (
        f"<title>a{shown}b</title>", f"<h1>a{shown}b</h1>", f'data-name="a{shown}b"',
        f'data-speaker="a{shown}b"', f">a{shown}b</h3>", f"<bdi>a{shown}b</bdi>",
        f"<del>a{shown}b</del><ins>a{shown}bc</ins>", f'aria-label="Play a{shown}b"',
        f'posteriors of a{shown}b"', f">a{shown}b</th>", f">a{shown}b</td>", f">a{shown}bc</td>",
    )  # fmt: skip
    assert [place for place in places if place not in html] == []


def test_lines_in_a_name_are_escaped():
    html = format_html(score({"a\nb": "x"}, {"a\nb": "x"}), "one\ttwo")
    assert r"<title>one\ttwo</title>" in html
    assert r'data-name="a\nb"' in html


def test_a_browser_lays_out_only_visible_utterances():
    media = {
        key: UtteranceMedia(1.5, -20.0, "a.wav", "data:image/png;base64,AA") for key in REFERENCES
    }
    page = Page(format_html(report(), "t", media))
    assert not page.of("audio")
    assert len(page.of("button")) == len(REFERENCES)
    assert all(image["loading"] == "lazy" for image in page.of("img"))
    assert re.search(
        r"^article {[^}]*content-visibility: auto", page.texts["style"][0], re.MULTILINE
    )


def test_names_of_speakers_wrap():
    (style,) = Page(format_html(report(), "t")).texts["style"]
    unbroken = re.findall(r"([^{}]+){[^{}]*white-space: nowrap", style)
    assert [selector.strip() for selector in unbroken] == ["td", "thead th"]


def test_a_browser_reads_the_sort_keys_as_numbers():
    media = {key: UtteranceMedia(1.5, float("-inf"), "a.wav") for key in REFERENCES}
    page = Page(format_html(report(), "t", media))
    found = {one["data-name"]: one for one in page.of("article")}
    assert set(found) == set(REFERENCES)
    assert found["u-4"]["data-rate"] == "Infinity"
    assert found["u-4"]["data-level"] == "-Infinity"
    assert found["u-3"]["data-errors"] == "2"
    assert float(found["u-3"]["data-rate"]) == pytest.approx(0.4)
    assert found["u-1"]["data-speaker"] == "ann"


def test_a_perfect_report_says_so():
    html = format_html(score({"u": "yes"}, {"u": "yes"}), "t")
    Page(html)
    assert "There are none." in html
    assert "Speaker" not in plain(html).split("Utterances")[0]


def test_an_empty_reference_has_no_rate():
    text = plain(format_html(score({"u": ""}, {"u": "oh"}), "t"))
    assert "Word error rate unknown interval unknown" in text
