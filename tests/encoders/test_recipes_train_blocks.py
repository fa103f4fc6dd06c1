"""Encoders without a loop over frames train by the recipe of all others, as configured."""

from pathlib import Path

import pytest
import tiny

from asr.cli import main


@pytest.mark.parametrize(("name", "layers"), [("transformer", None), ("conformer", 4), ("s4d", 1)])
def test_the_recipe_of_all_trains_them(
    name: str, layers: int | None, tones: Path, tmp_path: Path
) -> None:
    asked = [*tiny.STILL, f"encoder={name}", "trainer.epochs=2"]
    command = tiny.arguments(tones, tmp_path / "run", *asked)
    command = [word for word in command if not word.startswith("encoder.layers=")]
    if layers:
        command.append(f"encoder.layers={layers}")

    assert main(command) == 0

    first, last = (epoch["loss"] for epoch in tiny.metrics(tmp_path / "run"))
    assert last < first
