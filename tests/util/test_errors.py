"""Unforeseen errors become messages that name the file, the kind of error and its place."""

import errno

import pytest
import torch

from asr.util.errors import FileError, UserError, contain_errors


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("a\nb"), "a.wav: ZeroDivisionError (a) in test_errors.py:"),
        (MemoryError(), "a.wav: there is not enough memory for it; "),
        (OSError(errno.EIO, "Input/output error"), "a.wav: Input/output error; check the path"),
        (OSError("odd"), "a.wav: OSError (odd) in "),
    ],
)
def test_an_unforeseen_error_becomes_a_sentence(error: Exception, message: str) -> None:
    with pytest.raises(FileError) as caught, contain_errors("a.wav"):
        raise error

    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)
    assert ("please report" in str(caught.value)) == (" in " in message)
    assert caught.value.__cause__ is error


def test_the_place_is_the_innermost_line_of_the_toolkit() -> None:
    from asr.audio import check_samples

    message = r"TypeError \(.*\) in samples\.py:\d+: "
    with pytest.raises(FileError, match=message), contain_errors("a"):
        check_samples("no array", "a")  # type: ignore[arg-type]  # numpy raises the error


def test_torch_running_out_of_memory_is_no_fault_of_the_toolkit() -> None:
    with pytest.raises(FileError, match="not enough memory"), contain_errors("a.wav"):
        torch.empty(1 << 60, dtype=torch.int8)


@pytest.mark.parametrize(
    "error",
    [
        UserError("a sentence"), KeyboardInterrupt(), SystemExit(), BrokenPipeError(),
        ModuleNotFoundError("No module named 'torch'", name="torch"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)  # fmt: skip
def test_errors_that_end_a_job_or_are_sentences_are_raised_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, contain_errors("a.wav"):
        raise error

    assert caught.value is error
