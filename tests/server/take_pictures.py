"""Make the pictures of docs/page.md: `python tests/server/take_pictures.py ADDRESS DEV_CLEAN`.

The page of the server at ADDRESS transcribes two utterances of LibriSpeech's folder dev-clean,
which are then spoken into the microphone. It needs Chromium, selenium and Pillow.
"""

import base64
import io
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from chromium import Page, open_browser
from PIL import Image

from asr.audio.opening import read_audio

DOCS = Path(__file__).parents[2] / "docs"
UTTERANCES = ("174/168635/174-168635-0004.*", "174/168635/174-168635-0007.*")
HOT_WORDS = "cosette"
RATE = 48_000


def main(address: str, dev_clean: str) -> None:
    files = [str(path) for name in UTTERANCES for path in Path(dev_clean).glob(name)]
    with TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        soundfile.write(spoken, join(files), RATE)
        with open_browser(Path(folder), microphone=spoken) as page:
            page.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
            page.driver.get(address)
            transcribe(page, files)
            take(page, "page.png", 1280, 680)
            page.driver.refresh()
            speak(page)
            take(page, "page-narrow.png", 390, 690)


def join(files: list[str]) -> np.ndarray:
    """Join recordings by pauses of two seconds."""
    parts = [part for file in files for part in (read_audio(file, RATE), np.zeros(2 * RATE))]
    return np.concatenate(parts)


def transcribe(page: Page, files: list[str]) -> None:
    """Transcribe the files, and play the first from its seventh word."""
    page.find("#hot-words").send_keys(HOT_WORDS)
    page.find("#files").send_keys("\n".join(files))
    page.wait(lambda: len(page.texts(".downloads")) == len(files), at_most_s=120)
    page.click("article:first-child .segment .word:nth-child(7)")
    page.wait(lambda: page.texts(".word.playing"))


def speak(page: Page) -> None:
    """Speak until some words are final and others under way."""
    page.click("#record")
    page.wait(lambda: page.find("#finals").text and len(page.find("#partial").text) > 30)


def take(page: Page, name: str, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    time.sleep(0.3)  # to be laid out
    taken = page.driver.execute_cdp_cmd("Page.captureScreenshot", {})
    picture = Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB")
    few_colors = picture.quantize(128, dither=Image.Dither.NONE)
    few_colors.save(DOCS / name, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
