"""Every test that SECURITY.md names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_each_promise_is_held_by_a_test_that_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 3
    assert [name for name in named if not (ROOT / name).is_file()] == []
