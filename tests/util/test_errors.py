"""What goes wrong with one file is said of that file, and of what kind it is."""

import errno

import pytest
import torch

from asr.util.errors import FileError, UserError, contained


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("a\nb"), "a.wav: ZeroDivisionError (a) in test_errors.py:"),
        (MemoryError(), "a.wav: there is not enough memory for it; "),
        (OSError(errno.EIO, "Input/output error"), "a.wav: Input/output error; check the path"),
        (OSError("odd"), "a.wav: OSError (odd) in "),
    ],
)
def test_an_error_nobody_foresaw_becomes_a_sentence(error: Exception, message: str) -> None:
    with pytest.raises(FileError) as caught, contained("a.wav"):
        raise error

    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)
    assert ("please report" in str(caught.value)) == (" in " in message)
    assert caught.value.__cause__ is error


def test_the_place_is_the_innermost_of_ours() -> None:
    from asr.audio import check_samples

    with pytest.raises(FileError, match=r"TypeError \(.*\) in samples\.py:\d+: "), contained("a"):
        check_samples("no array", "a")  # type: ignore[arg-type]  # which numpy refuses, deeper


def test_torch_running_out_of_memory_is_no_fault_of_ours() -> None:
    with pytest.raises(FileError, match="not enough memory"), contained("a.wav"):
        torch.empty(1 << 60, dtype=torch.int8)


@pytest.mark.parametrize(
    "error",
    [
        UserError("a sentence"), KeyboardInterrupt(), SystemExit(), BrokenPipeError(),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)  # fmt: skip
def test_what_ends_a_job_or_is_a_sentence_passes_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, contained("a.wav"):
        raise error

    assert caught.value is error
