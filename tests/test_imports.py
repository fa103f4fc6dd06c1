"""Imports go down only, and help is instant."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from asr.cli import make_parser

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "asr").rglob("*.py"))

# From the top. A room may import from lower layers and from itself, never from a higher one.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"server", "training"},
    {"inference"},
    {"engine"},
    {"corpora", "formats", "scoring"},
    {"data", "model", "onnx"},
    {"decoding"},
    {"lm"},
    {"audio", "encoders", "text"},
    {"config", "transcript"},
    {"util"},
]
LEVEL = {room: len(LAYERS) - height for height, rooms in enumerate(LAYERS) for room in rooms}
HEAVY = {"torch", "torchaudio", "lhotse", "numba", "jiwer", "librosa", "matplotlib", "hydra"}
HEAVY |= {"fastapi", "uvicorn", "pydantic"}


def room_of(path: Path) -> str:
    """asr/data/loading.py is `data`, asr/config.py is `config`, asr/__init__.py is ``."""
    parts = path.relative_to(ROOT / "asr").with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imported(path: Path) -> set[str]:
    """List the modules that a file imports anywhere in it, those for type checkers left out."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported(path: Path) -> set[str]:
    modules = (name.split(".") for name in imported(path))
    return {parts[1] for parts in modules if parts[0] == "asr" and len(parts) > 1} - {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path):
    room = room_of(path)
    if not room:  # the package's door gives what lies behind it when asked, and only then
        return
    assert room in LEVEL, f"say in LAYERS where {room} stands"
    up = {other for other in rooms_imported(path) - {room} if LEVEL[other] > LEVEL[room]}
    assert not up


def test_every_layer_is_there():
    assert {room_of(path) for path in FILES} - {""} == set(LEVEL)


def module_of(path: Path) -> str:
    """asr/data/loading.py is asr.data.loading, asr/data/__init__.py is asr.data."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_module_is_in_a_circle():
    """Lazy imports included: a circle is two modules that cannot be understood one by one."""
    modules = {module_of(path): path for path in FILES}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        names = {name if name in modules else name.rpartition(".")[0] for name in imported(path)}
        graph[module] = names & set(modules) - {module}
    while leaves := [module for module, others in graph.items() if not others]:
        for leaf in leaves:
            del graph[leaf]
        for others in graph.values():
            others.difference_update(leaves)
    assert not graph, "these import each other, or what does"


def test_decoding_takes_arrays():
    for path in (ROOT / "asr" / "decoding").glob("*.py"):
        assert not rooms_imported(path) & {"model", "data", "training", "inference"}


def test_library_classes_never_take_the_config():
    allowed = {"training", "model"}
    takers = {room_of(path) for path in FILES if "config" in rooms_imported(path)}
    assert takers <= allowed


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_help_imports_nothing_heavy():
    found = modules_after(
        "from asr.cli import make_parser\nmake_parser().format_help()\nimport asr"
    )
    assert not found & (HEAVY | {"numpy", "scipy", "soundfile"})


@pytest.fixture(scope="module")
def commands(tones_run, tones, tmp_path_factory) -> dict[str, list[str]]:
    """A command of each kind."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "a.txt").write_text("a b")
    (folder / "a.trn").write_text("a b (one)\n")
    audio, model = str(tones / "test-00.wav"), ["--model", str(tones_run)]
    return {
        "transcribe": ["transcribe", audio, *model],
        "transcribe with a beam": ["transcribe", audio, *model, "--beam", "4"],
        "align": ["align", audio, str(folder / "a.txt"), *model],
        "score": ["score", str(folder / "a.trn"), str(folder / "a.trn")],
    }


@pytest.mark.parametrize("kind", ["transcribe", "transcribe with a beam", "align", "score"])
def test_commands_import_no_more_than_they_need(commands, kind):
    found = modules_after(f"from asr.cli import main\nassert main({commands[kind]!r}) == 0")
    unused = {"torch", "torchaudio", "lhotse", "matplotlib", "hydra", "librosa", "fastapi"}
    if kind == "transcribe":  # a start takes half a second, of which each of these takes a part
        unused |= {"numba", "jiwer", "rapidfuzz", "tqdm", "yaml", "multiprocessing", "email"}
    if "numba" not in found:  # numba looks at the version of scipy
        unused |= {"scipy"}
    assert not found & unused


def test_the_second_pass_imports_no_compiler():
    assert not modules_after("import asr.onnx.language_model") & {"torch", "numba", "scipy"}


def test_torch_is_imported_where_it_is_asked_for(commands):
    command = [*commands["transcribe"], "--device", "auto"]
    assert "torch" in modules_after(f"from asr.cli import main\nassert main({command!r}) == 0")


def test_a_command_imports_its_own_verb_alone():
    code = (
        "import sys\nfrom asr.cli import VERBS, main\nsys.stdout = sys.stderr\n"
        "try:\n    main(['cache', '--help'])\nfinally:\n    sys.stdout = sys.__stdout__\n"
        "    print(*(name for name in VERBS if f'asr.cli.{name}' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "cache\n"
    assert "usage: asr cache" in done.stderr


def test_every_verb_has_help():
    verbs = make_parser()._subparsers._group_actions[0]
    described = {action.dest for action in verbs._choices_actions if action.help}
    assert described == set(verbs.choices)
