"""Texts that a command line names: plain ones, and the transcripts of manifests and tables."""

import re
from collections.abc import Sequence
from pathlib import Path

from asr.cli.messages import complain
from asr.text.tags import describe_tags, drop_tags, may_have_tags
from asr.util.errors import UserError
from asr.util.paths import is_manifest
from asr.util.text_files import decode_text, has_wide_mark, read_unpacked


def read_content(path: Path) -> bytes | list[str]:
    """Read a plain text's bytes, or the sentences of a manifest, a table or a list.

    Raises:
        UserError: the file cannot be read, or is of another kind.
    """
    from asr.corpora.texts import read_marked

    if is_manifest(path):
        from asr.data.manifests import read_cuts

        try:
            return [cut.supervisions[0].text for cut in read_cuts(path)]
        except UserError:
            if not path.is_file() or (marked := read_marked(path, read_unpacked(path))) is None:
                raise
    else:
        content = read_unpacked(path)
        marked = read_marked(path, content)
        if marked is None:
            return content
    complain(f"note: {path}: taken for {marked.kind}; its texts alone are read")
    return marked.lines


def without_tags(content: bytes | list[str], path: Path) -> bytes | list[str]:
    """Leave out the tags of a text, and sentences of tags alone, with a note."""
    if isinstance(content, bytes):
        if not may_have_tags(content) and not has_wide_mark(content):
            return content
        lines: Sequence[str] = re.split(r"\r\n|\r|\n", decode_text(content, str(path)))
    else:
        lines = content
    if not (found := describe_tags(lines)):
        return content
    complain(f"note: {path}: {found}; left out")
    dropped = [(line, drop_tags(line)) for line in lines]
    return [left for line, left in dropped if left.strip() or not line.strip()]
