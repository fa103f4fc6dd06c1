"""Fixtures every test may ask for."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real speech and oracles beside the checkout; the test is skipped without it."""
    folder = ROOT.parent / "shared"
    if not (folder / "corpora").is_dir():
        pytest.skip(f"needs the real corpora in {folder}, which is not here")
    return folder
