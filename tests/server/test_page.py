"""The page of `asr serve`: real Chromium, a started server, real speech."""

import json
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import soundfile
import urllib3
from chromium import OTHER_NAME, Page, open_browser
from selenium.webdriver.common.keys import Keys

from asr.audio.opening import read_audio
from asr.formats import FORMATS, About
from asr.transcript import Segment, Transcript, Word

KEY = "a-key-of-the-tests"
WORDS = {"he", "had", "never", "been", "father", "lover", "husband", "friend"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def speech(shared: Path, folder: Path) -> Path:
    """Four seconds of a speaker who says WORDS."""
    (source,) = (shared / "corpora/librispeech/dev-clean/174/168635").glob("174-168635-0000.*")
    soundfile.write(folder / "speech.wav", read_audio(source, 48_000), 48_000)
    return folder / "speech.wav"


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The address of a server that asks for a key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"--greedy --port {port} --api-key {KEY} --allow-origin http://{OTHER_NAME}:{port}"
    command = [sys.executable, "-m", "asr", "serve", *options.split()]
    server = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    address = f"http://127.0.0.1:{port}"
    try:
        while not _answers(address):
            assert server.poll() is None
            time.sleep(0.05)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _answers(address: str) -> bool:
    try:
        return bool(urlopen(f"{address}/health").status == 200)
    except URLError:
        return False


@pytest.fixture(scope="module")
def browser(folder: Path, speech: Path) -> Iterator[Page]:
    with open_browser(folder, microphone=speech) as page:
        yield page


@pytest.fixture
def page(browser: Page, origin: str) -> Iterator[Page]:
    """The page, freshly loaded, with its key; no test may leave the server or break a rule."""
    enter(browser, origin)
    yield browser
    assert browser.complaints() == []
    allowed = (f"{origin}/", f"{origin.replace('http', 'ws')}/")
    assert [url for url in browser.requests() if not url.startswith(allowed)] == []


def enter(page: Page, address: str) -> None:
    """Load the page and give the key."""
    page.driver.get(address)
    page.wait(lambda: page.shows("#key"))
    page.press(KEY, Keys.ENTER)
    page.wait(lambda: page.shows("#model"))


def choose(page: Page, *files: Path) -> None:
    page.find("#files").send_keys("\n".join(map(str, files)))


@pytest.fixture
def transcribed(page: Page, speech: Path) -> Page:
    """The page with the transcript of a file."""
    choose(page, speech)
    page.wait(lambda: page.shows(".downloads"))
    return page


def play_slowly(page: Page) -> None:
    """Leave time to see what is played."""
    page.run(
        "const play = HTMLMediaElement.prototype.play;"
        "HTMLMediaElement.prototype.play = function () {"
        "  this.playbackRate = 0.1;"
        "  return play.call(this); };"
    )


def shown_words(page: Page) -> list[str]:
    return page.texts("#transcripts .word")


def right_words(words: list[str]) -> int:
    return len(WORDS & {*words})


def test_a_wrong_key_is_told_and_the_key_is_forgotten(page: Page) -> None:
    page.driver.refresh()
    page.wait(lambda: page.focus()["id"] == "key")
    page.press("wrong", Keys.ENTER)
    page.wait(lambda: page.shows("#key-error"))
    page.click("#record")
    assert page.texts("#microphone-error") == ["Enter the API key first."]


def test_a_file_is_transcribed_and_one_that_is_no_audio_is_told(
    page: Page, speech: Path, folder: Path
) -> None:
    notes = folder / "notes.txt"
    notes.write_text("no audio")
    choose(page, speech, notes)
    page.wait(lambda: page.shows(".downloads") and page.shows(".failure"))
    assert page.texts("#transcripts h3") == ["speech.wav", "notes.txt"]
    assert right_words(shown_words(page)) >= 6
    (sentence,) = page.texts(".failure .error")
    assert sentence.startswith("notes.txt") and "\n" not in sentence
    page.click("article:last-child .remove")
    assert page.texts("#transcripts h3") == ["speech.wav"]


def test_files_are_dropped_anywhere(page: Page) -> None:
    page.run(
        "const dataTransfer = new DataTransfer();"
        "dataTransfer.items.add(new File(['no audio'], 'notes.txt'));"
        "for (const kind of ['dragenter', 'drop'])"
        "  document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true }));"
    )
    page.wait(lambda: page.shows(".failure"))
    assert page.texts("#transcripts h3") == ["notes.txt"]
    assert not page.shows("#drop-cover")


def test_a_recording_that_the_browser_cannot_play_still_has_its_words(
    page: Page, speech: Path
) -> None:
    samples, rate = soundfile.read(speech)
    soundfile.write(speech.with_suffix(".aiff"), samples, rate)
    choose(page, speech.with_suffix(".aiff"))
    page.wait(lambda: page.shows(".unplayable"))
    assert right_words(shown_words(page)) >= 6
    assert not page.shows(".player")
    assert not page.shows(".word[role=button]")


def test_what_the_server_noticed_about_a_recording_is_shown(
    page: Page, speech: Path, folder: Path
) -> None:
    half = folder / "half.wav"
    half.write_bytes(speech.read_bytes()[: speech.stat().st_size // 2])
    choose(page, half)
    page.wait(lambda: page.shows(".downloads"))
    (note,) = page.texts(".notes")
    assert note.startswith("half.wav: ends ")
    page.click("[data-format=json]")
    assert json.loads(page.downloaded("half.json"))["notes"]


def test_a_busy_server_is_asked_again(page: Page, speech: Path) -> None:
    page.run(
        "const Real = XMLHttpRequest;"
        "window.XMLHttpRequest = function () {"
        "  window.XMLHttpRequest = Real;"
        "  return { upload: {}, status: 429, responseText: '', getResponseHeader: () => '2',"
        "    open() {}, setRequestHeader() {}, send() { setTimeout(() => this.onload()); } }; };"
    )
    choose(page, speech)
    page.wait(lambda: page.texts(".progress p") == ["The server is busy; next try in 2 s"])
    page.wait(lambda: page.shows(".downloads"))


def test_downloads_equal_what_the_server_writes(
    transcribed: Page, origin: str, speech: Path
) -> None:
    for name in ("txt", "srt", "vtt"):
        fields = {
            "response_format": name.replace("txt", "text"),
            "file": ("speech.wav", speech.read_bytes()),
        }
        url, headers = f"{origin}/v1/audio/transcriptions", {"Authorization": f"Bearer {KEY}"}
        answer = urllib3.request("POST", url, fields=fields, headers=headers)
        transcribed.click(f"[data-format={name}]")
        assert transcribed.downloaded(f"speech.{name}") == answer.data.decode()


def test_json_holds_the_words_that_are_shown(transcribed: Page) -> None:
    transcribed.click("[data-format=json]")
    data = json.loads(transcribed.downloaded("speech.json"))
    assert [word["word"] for word in data["words"]] == shown_words(transcribed)
    assert data["text"] == " ".join(shown_words(transcribed))
    assert {"task", "language", "duration", "segments"} <= set(data)


def random_transcript(seed: int) -> Transcript:
    """Words and pauses of all lengths, in scripts with and without spaces."""
    rng = random.Random(seed)
    time_s, segments = 0.0, []
    for _ in range(rng.randrange(1, 5)):
        words = []
        for _ in range(rng.randrange(1, 40)):
            time_s += rng.choice([0, 0, 0.1, 0.7, 3])
            end_s = time_s + rng.uniform(0.02, 1.5)
            text = rng.choice("aé<&𝄞語") * rng.choice([1, 3, 5, 8, 12, 41, 50, 90])
            words.append(Word(text, round(time_s, 3), round(end_s, 3), 0.5))
            time_s = round(end_s, 3)
        text = rng.choice(["", " "]).join(word.text for word in words)
        segments.append(Segment(words[0].start_s, time_s, text, (*words,)))
    return Transcript((*segments,), round(time_s + rng.uniform(0, 2), 3))


def as_the_page_has_it(transcript: Transcript) -> dict:
    return {
        "duration": transcript.duration_s,
        "segments": [
            {
                "start": segment.start_s,
                "end": segment.end_s,
                "text": segment.text,
                "words": [
                    {"word": word.text, "start": word.start_s, "end": word.end_s}
                    for word in segment.words
                ],
            }
            for segment in transcript.segments
        ],
    }


def test_subtitles_are_cut_as_everywhere_in_the_toolkit(page: Page) -> None:
    transcripts = [random_transcript(seed) for seed in range(40)] + [Transcript((), 1.0)]
    names = ("txt", "srt", "vtt")
    found = page.run(
        'const { FORMATS } = await import("/page/formats.js");'
        "const [transcripts, names] = given;"
        "return transcripts.map((one) => names.map((name) => FORMATS[name](one)));",
        [as_the_page_has_it(one) for one in transcripts],
        names,
    )
    about = About("", "", {})
    assert found == [[FORMATS[name]([one], about) for name in names] for one in transcripts]


def test_the_microphone_is_captioned_live_and_played_again(page: Page) -> None:
    page.click("#record")
    page.wait(lambda: -60 < int(page.find("#level").get_attribute("aria-valuenow")) <= 0)
    page.wait(lambda: page.find("#partial").text + page.find("#finals").text)
    page.wait(lambda: page.find("#live-time").text >= "0:04")
    page.press(Keys.ENTER)  # the focus is where it was clicked
    page.wait(lambda: page.shows(".downloads"))
    assert not page.shows("#live")
    assert right_words(shown_words(page)) >= 6
    assert page.find("#record").accessible_name == "Start transcribing the microphone"
    play_slowly(page)
    page.click(".segment .word:nth-child(4)")
    page.wait(lambda: page.texts(".word.playing") == [shown_words(page)[3]])


def test_everything_is_done_by_keyboard(transcribed: Page) -> None:
    page = transcribed
    page.run("document.getElementById('record').focus();")
    stops = [page.focus(), *(page.tab() for _ in range(13))]
    names = [stop["name"] for stop in stops]
    assert all(names)
    assert [stop["id"] for stop in stops[:4]] == ["record", "files", "hot-words", "show-confidence"]
    assert names[4:8] == [
        "Remove speech.wav", "Play speech.wav", "Position in speech.wav", "Play from 0:00",
    ]  # fmt: skip
    assert stops[8]["class"].startswith("word")
    assert names[9:] == ["Copy", *(f"Download {name}" for name in ("txt", "srt", "vtt", "json"))]
    page.run("document.querySelector('.time').focus();")
    page.tab()
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert not page.shows(".word.playing")
    play_slowly(page)
    page.press(Keys.ENTER)
    (playing,) = page.wait(lambda: page.texts(".word.playing"))
    assert shown_words(page).index(playing) == 3
    page.press(Keys.HOME)
    assert page.focus()["name"].startswith(shown_words(page)[0])


def test_confidence_is_told_by_more_than_color_and_can_be_hidden(transcribed: Page) -> None:
    page = transcribed
    styles = page.run(
        "return [...document.querySelectorAll('.legend .word')].map((word) => {"
        "  const style = getComputedStyle(word);"
        "  return [style.color, style.textDecorationLine, style.textDecorationStyle]; });"
    )
    assert len({tuple(style[1:]) for style in styles}) == len({style[0] for style in styles}) == 3
    text = " ".join(shown_words(page))
    page.click("#show-confidence")
    assert shown_words(page) == []
    assert page.texts(".segment p") == [text]


def test_hot_words_go_with_files_and_with_speech(page: Page, speech: Path) -> None:
    page.find("#hot-words").send_keys("lover", Keys.ENTER, " husband friend ,", Keys.ENTER)
    assert page.run('return (await import("/page/server.js")).settings.hotWords;') == [
        "lover",
        "husband friend",
    ]
    # Greedy search has no use for hot words, and the server says so where they come.
    choose(page, speech)
    page.wait(lambda: page.shows(".failure"))
    page.click("#record")
    page.wait(lambda: len(page.texts(".failure .error")) == 2)
    assert all(sentence.startswith("hot words") for sentence in page.texts(".failure .error"))


def test_the_page_can_ask_nobody_but_its_server(browser: Page, origin: str) -> None:
    enter(browser, origin)
    foreign = f"{origin.replace('127.0.0.1', OTHER_NAME)}/health"
    assert browser.run(f"return fetch('{foreign}');").startswith("failed")
    browser.run("document.body.setAttribute('style', 'color: red');")
    complaints = browser.complaints()
    assert len(complaints) >= 2  # of the address and of the style
    assert all("Content Security Policy" in text for text in complaints)
    assert foreign not in browser.requests()


def test_what_was_spoken_can_be_sent_again_when_the_connection_breaks(page: Page) -> None:
    page.run("WebSocket.prototype.send = function () { this.close(); };")
    page.click("#record")
    (sentence,) = page.wait(lambda: page.texts(".failure .error"))
    assert sentence.startswith("The server ended the connection.")
    page.click(".retry")
    page.wait(lambda: page.shows(".downloads"))
    assert page.shows("#record") and not page.shows("#live")


def test_narrow_screens_show_everything_without_scrolling_sideways(transcribed: Page) -> None:
    page = transcribed
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert page.run("return document.documentElement.scrollWidth;") == 390
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_server_that_is_gone_is_told_and_asked_again(page: Page, speech: Path) -> None:
    def be_offline(value: bool) -> None:
        conditions = {
            "offline": value,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        }
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    page.driver.execute_cdp_cmd("Network.enable", {})
    be_offline(True)
    try:
        choose(page, speech)
        page.wait(lambda: page.shows(".failure"))
    finally:
        be_offline(False)
    page.click(".retry")
    page.wait(lambda: page.shows(".downloads"))


def test_a_page_that_gets_no_microphone_says_why(browser: Page, origin: str) -> None:
    enter(browser, origin.replace("127.0.0.1", OTHER_NAME))
    browser.click("#record")
    (sentence,) = browser.wait(lambda: browser.texts("#microphone-error"))
    assert re.match(r"Browsers give the microphone to https and to localhost alone", sentence)
    assert "--tls-cert" in sentence
