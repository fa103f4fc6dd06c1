"""Files that bear the name of a recording and are none are named for what they are."""

import gzip

import pytest
from refusals import refused

from asr.audio.opening import open_recording


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "a pointer of Git LFS"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (gzip.compress(b"RIFF"), "packed by gzip"),
    ],
)
def test_what_is_no_recording_is_named(tmp_path, content, named):
    (tmp_path / "a.wav").write_bytes(content)
    with (
        refused(rf"a.wav: not audio that can be read \({named}\)"),
        open_recording(tmp_path / "a.wav"),
    ):
        pass
