"""Archives: valid ones are unpacked, hostile and damaged ones refused without remains."""

import contextlib
import errno
import gzip
import hashlib
import io
import shutil
import tarfile
import tracemalloc

import numpy as np
import pytest
from refusals import refused

from asr.corpora import archive as module
from asr.corpora.archive import check_md5, read_files, unpack
from asr.util.errors import UserError

CONTENT = np.random.default_rng(0).bytes(300_000)


def member(name, kind=tarfile.REGTYPE, link="", content=b""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    return info, io.BytesIO(content)


def pack(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            tar.addfile(info, content)
    return path


def test_a_valid_archive_is_unpacked(tmp_path):
    archive = pack(
        tmp_path / "good.tar.gz",
        member("corpus", tarfile.DIRTYPE),
        member("corpus/a.txt", content=b"yes"),
        member("./corpus/b/c:d.txt", content=CONTENT),
    )
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/corpus/a.txt").read_bytes() == b"yes"
    assert (tmp_path / "out/corpus/b/c:d.txt").read_bytes() == CONTENT
    assert not (tmp_path / "out.partial").exists()
    assert read_files(archive) == {"corpus/a.txt": b"yes", "corpus/b/c:d.txt": CONTENT}


HOSTILE = {
    "parent": [member("ok.txt"), member("../evil.txt", content=b"evil")],
    "parent of another system": [member("..\\evil.txt", content=b"evil")],
    "deep parent": [member("a/b/../../../evil.txt", content=b"evil")],
    "absolute": [member("/tmp/evil.txt", content=b"evil")],
    "drive": [member("C:evil.txt", content=b"evil")],
    "symlink": [member("a.txt", content=b"a"), member("b.txt", tarfile.SYMTYPE, "a.txt")],
    "hard link": [member("a.txt", content=b"a"), member("b.txt", tarfile.LNKTYPE, "a.txt")],
    "hard link to nothing": [member("a.txt", tarfile.LNKTYPE, "b.txt")],
    "symlink out": [member("a", tarfile.SYMTYPE, "../..")],
    "symlink to root": [member("a", tarfile.SYMTYPE, "/etc")],
    "through a symlink": [
        member("a", tarfile.SYMTYPE, ".."),
        member("a/evil.txt", content=b"evil"),
    ],
    "hard link out": [member("a", tarfile.LNKTYPE, "../secret.txt")],
    "character device": [member("a", tarfile.CHRTYPE)],
    "block device": [member("a", tarfile.BLKTYPE)],
    "pipe": [member("a", tarfile.FIFOTYPE)],
    "the folder itself": [member(".", content=b"evil")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_archives_are_refused_without_remains(tmp_path, members):
    place = tmp_path / "place"
    place.mkdir()
    (place / "secret.txt").write_text("secret")
    archive = pack(tmp_path / "hostile.tar.gz", *members)
    with pytest.raises(UserError, match=r"hostile.tar.gz: refused"):
        unpack(archive, place / "out")
    assert [path.name for path in place.iterdir()] == ["secret.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hostile.tar.gz", "place"]


@pytest.mark.parametrize("kept", [0, 1, 20, 0.3, 0.9, 0.999])
def test_cut_archives_are_refused_without_remains(tmp_path, kept):
    archive = tmp_path / "cut.tar.gz"
    pack(archive, member("a.txt", content=CONTENT), member("b.txt", content=CONTENT))
    content = archive.read_bytes()
    archive.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(UserError, match=r"cut.tar.gz: cannot be unpacked .*download it again"):
        unpack(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["cut.tar.gz"]


def test_damaged_archives_are_refused(tmp_path):
    archive = pack(tmp_path / "bad.tar.gz", member("a.txt", content=CONTENT))
    content = bytearray(archive.read_bytes())
    content[1000:1100] = bytes(100)
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"bad.tar.gz: cannot be unpacked"):
        unpack(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.tar.gz"]


@pytest.mark.parametrize("second", ["a.txt", "a.txt/b", "x/a.txt"])
def test_two_members_of_one_path_are_refused(tmp_path, second):
    first = "x" if second == "x/a.txt" else "a.txt"
    archive = pack(tmp_path / "bad.tar.gz", member(first, content=b"1"), member(second))
    with pytest.raises(UserError, match=r"bad.tar.gz: (cannot be unpacked|refused)"):
        unpack(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.tar.gz"]


BOMBS = {
    "large file": lambda tar: tar.addfile(*member("a", content=bytes(1 << 23))),
    "long name": lambda tar: tar.addfile(*member("a" * (1 << 23))),
    "many files": lambda tar: [tar.addfile(*member(f"{i}")) for i in range(1 << 12)],
}


@pytest.mark.parametrize("fill", BOMBS.values(), ids=BOMBS.keys())
def test_decompression_bombs_are_refused_in_little_memory(tmp_path, monkeypatch, fill):
    monkeypatch.setattr(module, "MOST_BYTES", 1 << 19)
    with tarfile.open(tmp_path / "bomb.tar.gz", "w:gz") as tar:
        fill(tar)
    tracemalloc.start()
    with pytest.raises(UserError, match=r"bomb.tar.gz: refused, it unpacks to more than 10 times"):
        unpack(tmp_path / "bomb.tar.gz", tmp_path / "out")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 6 << 20
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.tar.gz"]


def test_an_archive_of_another_md5_is_refused(tmp_path):
    archive = pack(tmp_path / "other.tar.gz", member("a.txt"))
    expected = hashlib.md5(archive.read_bytes()).hexdigest()
    check_md5(archive, expected)
    with pytest.raises(UserError, match=f"other.tar.gz: .* its MD5 is {expected}, expected 0000"):
        check_md5(archive, "0" * 32)


def test_a_full_disk_is_not_reported_as_a_damaged_archive(tmp_path, monkeypatch):
    def copy(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = pack(tmp_path / "good.tar.gz", member("a.txt", content=b"yes"))
    monkeypatch.setattr(shutil, "copyfileobj", copy)
    with refused(r"out: cannot be written: No space .*; make room") as told:
        unpack(archive, tmp_path / "out")
    assert "again" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["good.tar.gz"]


@pytest.mark.parametrize("seed", range(3))
def test_no_flipped_bit_ends_in_a_traceback(tmp_path, seed):
    rng = np.random.default_rng(seed)
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name in ("a.txt", "b/" + 100 * "c", "d.txt"):
            tar.addfile(*member(name, content=b"yes"))
    archive = tmp_path / "flipped.tar.gz"
    for place in rng.integers(0, 4096, 40):
        content = bytearray(plain.getvalue())
        content[place] ^= 1 << int(rng.integers(8))
        archive.write_bytes(gzip.compress(content))
        with contextlib.suppress(UserError):
            unpack(archive, tmp_path / "out")
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        assert [path.name for path in tmp_path.iterdir()] == ["flipped.tar.gz"]
