"""Every text is UTF-8, whatever the locale."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "asr").rglob("*.py"))


#: Modules whose `open` reads bytes.
MODULES = {"av", "gzip", "os", "soundfile", "tarfile", "wave"}


def in_the_locales_encoding(path: Path) -> list[int]:
    """List the lines that open a file as text without naming its encoding."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or any(k.arg == "encoding" for k in node.keywords):
            continue
        method = isinstance(node.func, ast.Attribute)
        name = getattr(node.func, "attr" if method else "id", "")
        if method and name in ("read_text", "write_text"):
            lines.append(node.lineno)
        if name == "open" and not (method and getattr(node.func.value, "id", "") in MODULES):
            arguments = node.args if method else node.args[1:]
            mode = ast.unparse(arguments[0]) if arguments else "'r'"
            lines += [node.lineno] if "b" not in mode else []
    return lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_file_is_opened_in_a_named_encoding(path):
    assert in_the_locales_encoding(path) == []


def test_the_check_finds_an_open_without_encoding(tmp_path):
    code = "open('a')\npath.open('w')\npath.read_text()\nopen('a', 'rb')\nopen('a', encoding='x')\n"
    (tmp_path / "a.py").write_text(code, encoding="utf-8")
    assert in_the_locales_encoding(tmp_path / "a.py") == [1, 2, 3]


PROGRAM = """
import locale, sys
from pathlib import Path
assert locale.getpreferredencoding(False).upper() not in ("UTF-8", "UTF8"), "not the locale wanted"
from asr.cli import main
from asr.data.manifests import read_cuts
from asr.text.tokenizer import CharTokenizer
assert main(["prepare", "folder", "own", "--output", "out", "--into", "train"]) == 0
cuts = read_cuts("out/train.jsonl.gz")
tokens = CharTokenizer.from_texts((cut.supervisions[0].text for cut in cuts), "lower").tokens
Path("tokens").write_bytes("".join(tokens[1:]).encode())
"""


def test_texts_and_manifests_are_utf_8_in_another_locale(tmp_path):
    import soundfile

    (tmp_path / "own").mkdir()
    soundfile.write(tmp_path / "own" / "a.wav", [0.0, 0.1] * 4000, 16000)
    rows = "path,text\na.wav,Füße 中\n"
    (tmp_path / "own" / "metadata.csv").write_text(rows, encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "latin-1"}
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, cwd=tmp_path, env=environment)
    assert (tmp_path / "tokens").read_text(encoding="utf-8") == " efßü中"
