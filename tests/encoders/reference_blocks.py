"""Literal equations, in NumPy and float64, of layers that are no cells; as `reference`."""

import math

import numpy as np
from reference import gelu, normalize, sigma, swish

Array = np.ndarray
Weights = dict[str, Array]


def rotation(size: int, t: int) -> Array:
    """Su 2021, section 3.2.2: the matrix R of position t, block by block."""
    matrix = np.zeros((size, size))
    for i in range(size // 2):
        angle = t * 10000 ** (-2 * i / size)
        block = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        matrix[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = block
    return matrix


def attention(xs: Array, w: Weights, causal: bool = False) -> Array:
    """Vaswani 2017, equation 1, of four heads, whose queries and keys are turned."""
    w_q, w_k, w_v = np.split(w["weight"], 3)
    b_q, b_k, b_v = np.split(w["bias"], 3)
    size = len(w_q) // 4
    outputs = []
    for t in range(len(xs)):
        heads = []
        for head in range(4):
            own = slice(head * size, (head + 1) * size)
            q = rotation(size, t) @ (w_q @ xs[t] + b_q)[own]
            read = range(t + 1) if causal else range(len(xs))
            scores = []
            for s in read:
                k = rotation(size, s) @ (w_k @ xs[s] + b_k)[own]
                scores.append(math.exp(q @ k / math.sqrt(size)))
            values = [(w_v @ xs[s] + b_v)[own] for s in read]
            parts = zip(scores, values, strict=True)
            heads.append(sum(score * value for score, value in parts) / sum(scores))
        outputs.append(w["output.weight"] @ np.concatenate(heads) + w["output.bias"])
    return np.array(outputs)


def feed_forward(xs: Array, w: Weights) -> Array:
    """Vaswani 2017, equation 2."""
    inner = (w["inner.weight"] @ x + w["inner.bias"] for x in xs)
    return np.array([w["outer.weight"] @ np.maximum(0, a) + w["outer.bias"] for a in inner])


def macaron_feed_forward(xs: Array, w: Weights) -> Array:
    """Gulati 2020, section 2.3 and equation 1: half a step."""
    inner = (w["inner.weight"] @ x + w["inner.bias"] for x in xs)
    return np.array([0.5 * (w["outer.weight"] @ swish(a) + w["outer.bias"]) for a in inner])


def convolution_module(xs: Array, w: Weights, causal: bool = False) -> Array:
    """Gulati 2020, figure 2, with layer normalization; tap k reads frame t + k - 15."""
    both = xs @ w["gated.weight"].T + w["gated.bias"]
    a, g = np.split(both, 2, axis=1)
    gated, outputs = a * sigma(g), []
    for t in range(len(xs)):
        u = w["filters.bias"].copy()
        for k in range(31):
            s = t + k - (30 if causal else 15)
            if 0 <= s < len(xs):
                u += w["filters.weight"][:, 0, k] * gated[s]
        n = normalize(u) * w["norm.weight"] + w["norm.bias"]
        outputs.append(w["output.weight"] @ swish(n) + w["output.bias"])
    return np.array(outputs)


def s4d(xs: Array, w: Weights) -> Array:
    """Gu 2022: S4D by zero-order hold, frame by frame, with conjugate states written out."""
    inputs = xs.shape[1]
    a = (-np.exp(w["log_decay"]) + 1j * w["frequency"]).reshape(inputs, -1)
    c = w["output"].reshape(inputs, -1, 2) @ np.array([1, 1j])
    a, c = np.concatenate([a, a.conj()], 1), np.concatenate([c, c.conj()], 1)
    delta = np.exp(w["log_step"])[:, None]
    a_bar = np.exp(delta * a)
    b_bar = (a_bar - 1) / (delta * a) * delta
    state, outputs = np.zeros_like(a), []
    for u in xs:
        state = a_bar * state + b_bar * u[:, None]
        y = (c * state).sum(1)
        assert abs(y.imag).max() < 1e-9
        mixed = w["mix"] @ gelu(y.real + w["skip"] * u) + w["mix_bias"]
        value, gate = np.split(mixed, 2)
        outputs.append(value * sigma(gate))
    return np.array(outputs)
