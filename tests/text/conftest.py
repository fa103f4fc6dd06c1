"""A small lexicon that the tests of phones and of lexicons read."""

import pytest

LEXICON = """\
;;; a comment
!SIL SIL
<UNK> SPN
READ  R EH1 D # past
READ(2)  R IY1 D
red R EH D
Reed 0.7 R IY D
A AH0
a 1.0 EY1
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text(LEXICON)
    return path
