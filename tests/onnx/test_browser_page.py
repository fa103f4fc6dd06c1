"""docs/browser.html writes a model's greedy text, in headless Chromium."""

import http.server
import json
import shutil
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest

import asr
from asr.model.model_file import read_model
from asr.onnx.export import export_onnx

ROOT = Path(__file__).parents[2]
#: Sends the page's texts of a.wav, b.wav... to the server.
SCRIPT = """<script>
(async () => {
  const texts = [];
  for (const name of NAMES) {
    const bytes = await (await fetch(name)).arrayBuffer();
    texts.push(await transcribe(bytes));
  }
  await fetch("/texts", {method: "POST", body: JSON.stringify(texts)});
})();
</script>"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what the page sends."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.texts = json.loads(body)
        self.send_response(204)
        self.end_headers()
        self.server.sent.set()


@pytest.mark.slow
def test_the_page_writes_the_greedy_text(letters, recordings, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or shutil.which("npm") is None:
        pytest.skip("needs Chromium, and npm")
    command = ["npm", "install", "onnxruntime-web"]
    if subprocess.run(command, cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("npm cannot install onnxruntime-web here")
    export_onnx(read_model(letters), tmp_path / "model", "onnx", 8)
    for recording in recordings:
        shutil.copy(recording, tmp_path)
    page = (ROOT / "docs" / "browser.html").read_text(encoding="utf-8")
    script = SCRIPT.replace("NAMES", json.dumps([recording.name for recording in recordings]))
    (tmp_path / "index.html").write_text(page + script, encoding="utf-8")
    texts = texts_of_page(chromium, tmp_path)
    recognizer = asr.load(letters, asr.DecodingOptions())
    own = [recognizer.transcribe(recording).text for recording in recordings]
    assert len(own) == len(texts) == 130
    same = sum(one == other for one, other in zip(own, texts, strict=True))
    print(f"{same} of 130 texts are the same")
    assert same >= 128


def texts_of_page(chromium, folder):
    """Open the folder's page until it has sent its texts."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=folder)
    ) as server:
        server.sent = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/index.html"
        flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/user"]
        with subprocess.Popen(
            [chromium, *flags, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as browser:
            try:
                assert server.sent.wait(600), "the page sent nothing"
            finally:
                browser.terminate()
                server.shutdown()
        return server.texts
