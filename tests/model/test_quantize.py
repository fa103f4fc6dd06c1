"""Weights in fewer bits, and back."""

import pytest
import torch

from asr.model.quantize import SCALE, quantize, restore
from asr.util.errors import UserError

WEIGHTS = {
    "matrix": torch.randn(6, 5, generator=torch.Generator().manual_seed(0)),
    "kernel": torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(1)),
    "zeros": torch.zeros(3, 4),
    "bias": torch.linspace(-3, 3, 7),
}


def test_eight_bits_are_off_by_half_a_step_at_most():
    stored = quantize(WEIGHTS, 8)
    restored = restore(stored)
    assert set(restored) == set(WEIGHTS)
    assert stored["matrix"].dtype == torch.int8
    for name in ("matrix", "kernel"):
        rows = WEIGHTS[name].flatten(1)
        step = rows.abs().amax(1, keepdim=True) / 127
        assert ((restored[name].flatten(1) - rows).abs() <= step / 2 * 1.001).all()
        assert (stored[name].flatten(1).abs().amax(1) == 127).all()
    assert torch.equal(restored["zeros"], WEIGHTS["zeros"])
    assert torch.equal(restored["bias"], WEIGHTS["bias"])


def test_eight_bits_again_change_nothing():
    once = restore(quantize(WEIGHTS, 8))
    for name, tensor in restore(quantize(once, 8)).items():
        torch.testing.assert_close(tensor, once[name], rtol=1e-6, atol=0)


@pytest.mark.parametrize(("bits", "tolerance"), [(16, 1e-3), (32, 0.0)])
def test_floats_are_cast(bits, tolerance):
    stored = quantize(WEIGHTS, bits)
    assert all(t.element_size() * 8 == bits for t in stored.values())
    for name, tensor in restore(stored).items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, WEIGHTS[name], rtol=tolerance, atol=tolerance)


def test_a_matrix_without_its_scales_is_refused():
    stored = quantize(WEIGHTS, 8)
    del stored["matrix" + SCALE]
    with pytest.raises(UserError, match=r"'matrix' of shape \(6, 5\): expected a scale a row"):
        restore(stored)


def test_a_row_with_scales_for_a_matrix_takes_no_memory():
    """They would make 13 GB of it."""
    stored = {"a": torch.zeros(1, 60_000, dtype=torch.int8), "a" + SCALE: torch.ones(60_000)}
    with pytest.raises(UserError, match=r"a scale a row, found them of shape \(60000,\)"):
        restore(stored)


@pytest.mark.parametrize("kind", [torch.int64, torch.complex64, torch.bool])
def test_other_types_are_refused(kind):
    scaled = {"a": torch.ones(2, 2, dtype=torch.int8), "a" + SCALE: torch.ones(2, dtype=kind)}
    for stored in ({"a": torch.ones(2, dtype=kind)}, scaled):
        with pytest.raises(UserError, match="expected floats or int8, found torch"):
            restore(stored)
