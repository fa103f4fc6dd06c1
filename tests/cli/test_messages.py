"""What is shown goes through one place, which lets nothing through that a terminal obeys."""

import ast
import warnings
from pathlib import Path

import pytest

import asr
from asr import cli
from asr.cli import main
from asr.cli.messages import complain, show

PACKAGE = Path(asr.__file__).parent


def test_nothing_else_prints() -> None:
    printing = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert set(printing) == {"cli/messages.py"}


def test_results_keep_their_lines_and_messages_their_lists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show("a\tb\nc\x1b[2J")
    complain("2 bad:\n  a\x9b\n  b\nasr: done")
    printed = capsys.readouterr()
    assert printed.out == "a\tb\nc\\x1b[2J\n"
    assert printed.err == "asr: 2 bad:\n  a\\x9b\n  b\\nasr: done\n"


def test_a_report_has_no_lines_of_an_utterances_making(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ref").write_text("u-1\ta b\x1b[2J\n")
    (tmp_path / "hyp").write_text("u-1\ta \x9bc\n")
    assert main(["score", str(tmp_path / "ref"), str(tmp_path / "hyp")]) == 0
    shown = capsys.readouterr().out
    assert "b\\x1b[2J" in shown and "\\x9bc" in shown
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_a_note_is_a_line_as_any_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import warnings

    from asr.cli import score

    monkeypatch.setattr(score, "run", lambda _: warnings.warn("a\nb", stacklevel=1))
    assert main(["score", "a", "b"]) == 0
    assert capsys.readouterr().err == "asr: note: a\\nb\n"


def test_the_syntax_of_a_library_is_no_note(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.12 and later warn of escapes such as lhotse's when they compile it."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", cli._show_warning)
        warnings.warn("invalid escape sequence", SyntaxWarning, stacklevel=1)
        warnings.warn("a file is short", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "asr: note: a file is short\n"
