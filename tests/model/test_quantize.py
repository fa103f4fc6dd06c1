"""Weights in fewer bits, and back."""

import numpy as np
import pytest

from asr.model.quantize import SCALE, quantize, restore
from asr.util.errors import UserError

WEIGHTS = {
    "matrix": np.random.default_rng(0).standard_normal((6, 5), np.float32),
    "kernel": np.random.default_rng(1).standard_normal((4, 2, 3, 3), np.float32),
    "zeros": np.zeros((3, 4), np.float32),
    "bias": np.linspace(-3, 3, 7, dtype=np.float32),
}


def test_eight_bits_are_off_by_half_a_step_at_most():
    stored = quantize(WEIGHTS, 8)
    restored = restore(stored)
    assert set(restored) == set(WEIGHTS)
    assert stored["matrix"].dtype == np.int8
    for name in ("matrix", "kernel"):
        rows = WEIGHTS[name].reshape(len(WEIGHTS[name]), -1)
        step = np.abs(rows).max(1, keepdims=True) / 127
        assert (np.abs(restored[name].reshape(rows.shape) - rows) <= step / 2 * 1.001).all()
        assert (np.abs(stored[name].reshape(rows.shape)).max(1) == 127).all()
    np.testing.assert_array_equal(restored["zeros"], WEIGHTS["zeros"])
    np.testing.assert_array_equal(restored["bias"], WEIGHTS["bias"])


def test_eight_bits_again_change_nothing():
    once = restore(quantize(WEIGHTS, 8))
    for name, tensor in restore(quantize(once, 8)).items():
        np.testing.assert_allclose(tensor, once[name], rtol=1e-6)


@pytest.mark.parametrize(("bits", "tolerance"), [(16, 1e-3), (32, 0.0)])
def test_floats_are_cast(bits, tolerance):
    stored = quantize(WEIGHTS, bits)
    assert all(t.itemsize * 8 == bits for t in stored.values())
    for name, tensor in restore(stored).items():
        assert tensor.dtype == np.float32
        np.testing.assert_allclose(tensor, WEIGHTS[name], rtol=tolerance, atol=tolerance)


def test_a_matrix_without_its_scales_is_refused():
    stored = quantize(WEIGHTS, 8)
    del stored["matrix" + SCALE]
    with pytest.raises(UserError, match=r"'matrix' of shape \(6, 5\): expected a scale a row"):
        restore(stored)


def test_a_row_with_scales_for_a_matrix_takes_no_memory():
    """They would make 13 GB of it."""
    stored = {"a": np.zeros((1, 60_000), np.int8), "a" + SCALE: np.ones(60_000)}
    with pytest.raises(UserError, match=r"a scale a row, found them of shape \(60000,\)"):
        restore(stored)


@pytest.mark.parametrize("kind", [np.int64, np.complex64, np.bool_])
def test_other_types_are_refused(kind):
    scaled = {"a": np.ones((2, 2), np.int8), "a" + SCALE: np.ones(2, kind)}
    for stored in ({"a": np.ones(2, kind)}, scaled):
        with pytest.raises(UserError, match=f"expected floats or int8, found {np.dtype(kind)}"):
            restore(stored)
