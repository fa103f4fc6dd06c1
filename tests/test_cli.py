"""The verbs as they are typed: what they print, where, and with which exit status."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import torch

from asr import __version__, cli
from asr.cli import main, make_parser
from asr.data.manifests import read_cuts
from asr.util.errors import UserError


def stopped(arguments: list[str]) -> int:
    """Give the exit status of a command line that argparse itself ends."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    return int(exit_.value.code or 0)


def test_python_m_asr_is_asr():
    done = subprocess.run(
        [sys.executable, "-m", "asr", "--version"], cwd=tiny.ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"asr {__version__}\n")


def test_help_names_every_verb(capsys):
    assert stopped(["--help"]) == 0
    said = capsys.readouterr().out
    for verb in ("prepare", "train", "evaluate", "transcribe", "score"):
        assert re.search(rf"^    {verb}\b", said, re.MULTILINE)


@pytest.mark.parametrize(("set_by_user", "spins"), [(None, cli.SPINS), ("7", "7")])
def test_threads_wait_briefly_unless_the_user_says_otherwise(monkeypatch, set_by_user, spins):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    if set_by_user:
        monkeypatch.setenv("GOMP_SPINCOUNT", set_by_user)
    stopped(["--version"])
    assert os.environ["GOMP_SPINCOUNT"] == spins


@pytest.mark.parametrize("verb", sorted(make_parser()._subparsers._group_actions[0].choices))
def test_every_verb_explains_itself(capsys, verb):
    assert stopped([verb, "--help"]) == 0
    assert f"usage: asr {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["recognize"],
        ["evaluate", "--model", "m"],
        ["prepare", "an4"],
        ["score", "a.txt"],
        ["score", "a.txt", "b.txt", "--worst", "-1"],
        ["score", "a.txt", "b.txt", "--worst", "few"],
        ["transcribe", "a.wav", "--model", "m", "--no-such-flag"],
        ["tune", "dev.jsonl.gz", "--output", "decoding.yaml", "--greedy"],
    ],
)
def test_wrong_usage_is_status_2(capsys, arguments):
    assert stopped(arguments) == 2
    assert "usage: asr" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (UserError("a.wav: bad; mend it"), 1, "asr: a.wav: bad; mend it\n"),
        (KeyboardInterrupt(), 130, "asr: stopped\n"),
    ],
)
def test_what_a_verb_raises_becomes_a_status(capsys, monkeypatch, raised, status, said):
    def run(args):
        raise raised

    monkeypatch.setattr(cli.score, "run", run)
    assert main(["score", "a", "b"]) == status
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("command", "goes_on"),
    [
        ("train an4", True),
        ("transcribe a.wav --output-dir out", True),
        ("transcribe a.wav --output-dir out --overwrite", False),
        ("transcribe a.wav", False),
        ("align a.wav a.txt --model m --output-dir out", True),
        ("align a.wav a.txt --model m", False),
        ("prepare an4 --output out", True),  # the download
        ("prepare an4 --output out --source an4", False),
        ("prepare digits --output out", False),
        ("prepare folder mine --output out", False),
        ("evaluate a.jsonl --model m", False),
    ],
)
def test_after_ctrl_c_only_what_goes_on_is_said_to(capsys, monkeypatch, command, goes_on):
    def run(args):
        raise KeyboardInterrupt

    verb, *arguments = command.split()
    monkeypatch.setattr(getattr(cli, verb), "run", run)
    assert main([verb, *arguments]) == 130
    hint = "; the same command goes on from here" if goes_on else ""
    assert capsys.readouterr().err == f"asr: stopped{hint}\n"


@pytest.mark.parametrize("error", [ZeroDivisionError, OSError("a bug")])
def test_an_error_of_our_own_keeps_its_traceback(monkeypatch, error):
    def run(args):
        raise error

    monkeypatch.setattr(cli.score, "run", run)
    with pytest.raises((ZeroDivisionError, OSError)):
        main(["score", "a", "b"])


def test_running_out_of_memory_is_one_sentence(monkeypatch, capsys):
    def run(args):
        torch.empty(1 << 60, dtype=torch.int8)

    monkeypatch.setattr(cli.score, "run", run)
    assert main(["score", "a", "b"]) == 1
    assert capsys.readouterr().err == (
        "asr: there is not enough memory; free some, or give less at once\n"
    )


def test_text_beyond_the_terminals_encoding_is_escaped(tmp_path):
    reference, hypothesis = tmp_path / "reference", tmp_path / "hypothesis"
    reference.write_text("\u306f\u3044\n", encoding="utf-8")
    hypothesis.write_text("no\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "asr", "score", reference, hypothesis, "--layout", "plain"],
        cwd=tiny.ROOT, env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "REF \\u306f\\u3044" in done.stdout


@pytest.mark.parametrize(
    ("package", "command", "whole"),
    [
        ("hydra", ["train", "an4"], " in place of this part of it"),
        ("lhotse", ["prepare", "an4", "--output", "x"], " in place of this part of it"),
        ("lhotse", ["evaluate", "x.jsonl.gz"], " in place of this part of it"),
        (
            "numba",
            ["lm", "info", "x.arpa"],
            " or asr-toolkit-runtime in place of asr-toolkit-compiled",
        ),
    ],
)
def test_a_verb_whose_packages_are_missing_says_so(tmp_path, package, command, whole):
    """As where a part of the toolkit is installed; before a download begins."""
    (tmp_path / "x.arpa").touch()
    code = f"import sys; sys.modules[{package!r}] = None\nfrom asr.cli import main; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}sys.exit(main({command!r}))"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tiny.ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        f"asr: {command[0]}: needs the package {package}, which is not installed; install "
        f"asr-toolkit{whole}\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_sentence(tmp_path):
    text = tmp_path / "text"
    text.write_text("YES\n")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "asr", "score", str(text), str(text), "--layout", "plain"],
            cwd=tiny.ROOT, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        "asr: standard output or a temporary file: No space left on device; "
        "make room, then try again\n",
    )


def test_transcribe_prints_a_line_a_file(tones, tones_run, capsys):
    files = [str(tones / f"test-0{i}.wav") for i in range(3)]
    assert main(["transcribe", "--model", str(tones_run / "model.safetensors"), *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == files
    assert all(len(line.split("\t")) == 2 for line in lines)


def test_transcribe_draws_a_picture(tones, tones_run, tmp_path, capsys):
    picture = tmp_path / "drawn.png"
    audio = str(tones / "test-00.wav")
    command = ["transcribe", audio, "--model", str(tones_run), "--picture", str(picture)]
    assert main(command) == 0
    assert str(picture) in capsys.readouterr().err
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_evaluate_prints_and_writes_the_same_rates(tones, tones_run, tmp_path, capsys):
    report = tmp_path / "report.json"
    command = ["evaluate", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]
    assert main([*command, "--json", str(report), "--worst", "1"]) == 0
    rates = json.loads(report.read_text())
    printed = capsys.readouterr().out
    assert f"{100 * rates['wer']:.2f}" in printed


def test_evaluate_goes_on_past_audio_that_cannot_be_read(tones_run, tmp_path, capsys):
    corpus = tiny.write_corpus(tmp_path)
    (corpus / "test-01.wav").write_text("no audio")
    command = ["evaluate", str(corpus / "test.jsonl.gz"), "--model", str(tones_run)]
    assert main([*command, "--json", str(tmp_path / "report.json")]) == 1
    printed = capsys.readouterr()
    assert "\nLeft out: 1 of 4 utterances, which cannot be read\n" in printed.out
    assert "asr: cut test-01: " in printed.err
    told = json.loads((tmp_path / "report.json").read_text())
    assert (told["left_out"], told["utterances"]) == (["test-01"], 3)


def test_evaluate_counts_the_words_outside_the_vocabulary(tones, tones_run, tmp_path):
    report, lexicon = tmp_path / "report.json", tmp_path / "words"
    lexicon.write_text("ab\n")
    command = ["evaluate", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]
    assert main([*command, "--vocabulary", str(lexicon), "--json", str(report)]) == 0
    said = [
        word
        for cut in read_cuts(tones / "test.jsonl.gz")
        for word in cut.supervisions[0].text.split()
    ]
    unknown = sum(word != "ab" for word in said)
    assert unknown > 0
    assert json.loads(report.read_text())["oov_rate"] == pytest.approx(unknown / len(said))


def test_score_compares_two_hypotheses(tmp_path, capsys):
    for name, text in (
        ("ref", "u-1 a b\nu-2 c"),
        ("one", "u-1 a b\nu-2 c"),
        ("two", "u-1 x\nu-2 y"),
    ):
        (tmp_path / name).write_text(text + "\n")
    paths = [str(tmp_path / name) for name in ("ref", "one")]
    assert main(["score", *paths, "--compare", str(tmp_path / "two")]) == 0
    printed = capsys.readouterr().out
    assert "one" in printed and "two" in printed


def test_prepare_takes_a_path_once(tmp_path, capsys):
    command = ["prepare", "folder", str(tmp_path), "--source", str(tmp_path), "--output", "x"]
    assert main(command) == 1
    assert "given twice" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["transcribe", "score"])
def test_a_reader_that_has_seen_enough_ends_us_quietly(tones, tones_run, tmp_path, verb):
    text = tmp_path / "text"
    text.write_text("u-1\ta b\n")
    arguments = {
        "transcribe": ["--model", str(tones_run), str(tones / "test-00.wav")],  # flushes each line
        "score": [str(text), str(text)],  # leaves all of it to the end
    }
    buffered = {name: os.environ[name] for name in os.environ if name != "PYTHONUNBUFFERED"}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "asr", verb, *arguments[verb]],
        cwd=tiny.ROOT, env=buffered, stdout=writer, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


#: Prints the statuses of four processes that share the imports of this one.
UNREAD = """
import os, sys
import asr.inference.recognizer, asr.inference.jobs
from asr.cli import main

nobody, folder, *arguments = sys.argv[1:]
statuses = []
for output in ([], ["--output-dir", folder]):
    for unread in ([2], [1, 2]):
        child = os.fork()
        if child == 0:
            for stream in unread:
                os.dup2(int(nobody), stream)
            status = main(["transcribe", *arguments, *output])
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(status)  # the exit of onnxruntime waits for a thread that no fork has
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(*statuses)
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_messages_that_nobody_reads_are_no_success(tones, tones_run, tmp_path, unbuffered):
    files = [__file__, str(tones / "test-00.wav")]
    reader, writer = os.pipe()
    os.close(reader)
    arguments = [str(writer), str(tmp_path / "out"), "--model", str(tones_run), *files]
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", UNREAD, *arguments],  # of fork
        cwd=tiny.ROOT, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        capture_output=True, pass_fds=[writer], text=True,
    )  # fmt: skip
    os.close(writer)
    # Who reads neither stream has seen enough, unless there were files to write.
    assert done.stdout.splitlines()[-1:] == ["1 0 1 1"], done.stderr
    assert done.stderr == ""


LONG = "x" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["transcribe", "{tones}/test-00.wav", "--model", LONG],
        ["evaluate", LONG, "--model", "{run}"],
        ["align", LONG, "{text}", "--model", "{run}"],
    ],
)
def test_a_path_that_cannot_be_is_one_sentence(tones, tones_run, tmp_path, capsys, arguments):
    text = tmp_path / "text"
    text.write_text("a\n")
    filled = [one.format(tones=tones, run=tones_run, text=text) for one in arguments]
    assert main(filled) == 1
    assert capsys.readouterr().err == f"asr: {LONG}: File name too long; check the path\n"
