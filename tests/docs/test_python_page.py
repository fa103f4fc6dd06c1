"""Every example in Python on the pages runs, with small recordings and models."""

from pathlib import Path

import pytest
from pages import PAGES, Block, blocks

EXAMPLES = [
    block
    for page in PAGES
    if page.name != "CONTRIBUTING.md"  # whose examples test_contributing.py adds to a package
    for block in blocks(page)
    if block.language == "python" and not block.mark
]


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_example_runs(block: Block, example: Path) -> None:
    exec(compile(block.text, str(block), "exec"), {})
