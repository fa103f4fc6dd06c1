"""The page of `asr serve` in a real Chromium, driven by selenium."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")

#: A name that leads to this machine and yet is no `localhost`, to which browsers make exceptions.
OTHER_NAME = "laptop.test"
FLAGS = (
    "--headless",
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",  # allows the microphone without a question
    f"--host-resolver-rules=MAP {OTHER_NAME} 127.0.0.1",
    "--window-size=1280,800",
)


class Page:
    """A page in the browser; elements are named by CSS selectors."""

    def __init__(self, driver: webdriver.Chrome, downloads: Path) -> None:
        self.driver, self.downloads = driver, downloads

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        """Texts of all elements that are shown."""
        found = self.driver.find_elements("css selector", selector)
        return [element.text for element in found if element.is_displayed()]

    def shows(self, selector: str) -> bool:
        return bool(self.texts(selector))

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab(self) -> dict[str, str]:
        """Press Tab; give the id, the class and the name of what has the focus now."""
        self.press(Keys.TAB)
        return self.focus()

    def focus(self) -> dict[str, str]:
        element = self.driver.switch_to.active_element
        return {
            "id": element.get_attribute("id") or "",
            "class": element.get_attribute("class") or "",
            "name": element.accessible_name,
        }

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of an asynchronous function in the page; give what it returns."""
        return self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async (...given) => {{ {script} }})(...arguments)"
            ".then(done, (error) => done(`failed: ${error}`));",
            *arguments,
        )

    def wait(self, condition: Callable[[], T], at_most_s: float = 30) -> T:
        """Wait until a condition holds; give its value."""
        end = time.monotonic() + at_most_s
        while not (value := condition()):
            assert time.monotonic() < end, f"{at_most_s} s, and the page is at\n{self.text}"
            time.sleep(0.05)
        return value

    @property
    def text(self) -> str:
        return self.find("body").text

    def downloaded(self, name: str) -> str:
        """Wait for a file that the browser saves; give its text."""
        path = self.downloads / name
        self.wait(path.exists)
        return path.read_text(encoding="utf-8")

    def requests(self) -> list[str]:
        """Addresses in the network that the browser asked since the last call."""
        methods = ("Network.requestWillBeSent", "Network.webSocketCreated")
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [message["params"] for message in messages if message["method"] in methods]
        urls = [one.get("url") or one["request"]["url"] for one in sent]
        return [url for url in urls if url.startswith(("http", "ws"))]

    def complaints(self) -> list[str]:
        """What the console has since the last call, but for refusals by the server."""
        entries = [entry for entry in self._log("browser") if entry["source"] != "network"]
        return [entry["message"] for entry in entries]

    def _log(self, name: str) -> list[dict[str, Any]]:
        log: list[dict[str, Any]] = self.driver.get_log(name)
        return log


@contextmanager
def open_browser(folder: Path, microphone: Path) -> Iterator[Page]:
    """Start Chromium; it downloads into `folder`, and the microphone gives a wav file, once."""
    chromium, driver = which("chromium"), which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs Chromium: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    profile = f"--user-data-dir={folder / 'profile'}"
    for flag in (*FLAGS, profile, f"--use-file-for-fake-audio-capture={microphone}%noloop"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield Page(browser, folder)
    finally:
        browser.quit()
