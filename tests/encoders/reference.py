"""The papers' equations, slow and literal, in NumPy and float64.

Each function takes the inputs (T, F) of one utterance and one direction's weights, in the papers'
notation, and returns the outputs (T, H).
"""

import math
from collections.abc import Callable

import numpy as np

Array = np.ndarray
Weights = dict[str, Array]


def sigma(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def normalize(x: Array) -> Array:
    """Scale to zero mean and unit variance; Ba 2016, equation 3, with PyTorch's epsilon."""
    return (x - x.mean()) / math.sqrt(x.var() + 1e-5)


def rnn(xs: Array, w: Weights) -> Array:
    """Elman 1990."""
    h, outputs = np.zeros(len(w["R"])), []
    for x in xs:
        h = np.tanh(w["W"] @ x + w["R"] @ h + w["b"])
        outputs.append(h)
    return np.array(outputs)


def gru(xs: Array, w: Weights) -> Array:
    """Cho 2014, with the reset after the product; h = z h' + (1 - z) h~."""
    h, outputs = np.zeros(w["R_z"].shape[1]), []
    for x in xs:
        r = sigma(w["W_r"] @ x + w["R_r"] @ h + w["b_r"])
        z = sigma(w["W_z"] @ x + w["R_z"] @ h + w["b_z"])
        candidate = np.tanh(w["W_h"] @ x + w["b_h"] + r * (w["R_h"] @ h + w["b_rh"]))
        h = z * h + (1 - z) * candidate
        outputs.append(h)
    return np.array(outputs)


def greff(xs: Array, w: Weights, variant: str) -> Array:
    """Greff 2017: the vanilla LSTM of section II, and the variants of section III-B."""
    size = w["R_z"].shape[0]
    h, c, i, f, o = np.zeros((5, size))
    p = {gate: w.get(f"p_{gate}", 0.0) for gate in "ifo"}
    outputs = []
    for x in xs:
        before = i, f, o

        def sums(gate: str, x: Array = x, h: Array = h, before: tuple = before) -> Array:
            total = w[f"W_{gate}"] @ x + w[f"R_{gate}"] @ h + w[f"b_{gate}"]
            if variant == "fgr" and gate != "z":
                for other, value in zip("ifo", before, strict=True):
                    total = total + w[f"R_{other}{gate}"] @ value
            return total

        z = sums("z") if variant == "niaf" else np.tanh(sums("z"))
        i = np.ones(size) if variant == "nig" else sigma(sums("i") + p["i"] * c)
        if variant == "nfg":
            f = np.ones(size)
        elif variant == "cifg":
            f = 1 - i
        else:
            f = sigma(sums("f") + p["f"] * c)
        c = z * i + c * f
        o = np.ones(size) if variant == "nog" else sigma(sums("o") + p["o"] * c)
        h = c * o if variant == "noaf" else np.tanh(c) * o
        outputs.append(h)
    return np.array(outputs)


def lstm1997(xs: Array, w: Weights) -> Array:
    """Hochreiter & Schmidhuber 1997, appendix A.1."""
    y, s, outputs = *np.zeros((2, len(w["R_z"]))), []
    for x in xs:
        y_in = sigma(w["W_i"] @ x + w["R_i"] @ y + w["b_i"])
        y_out = sigma(w["W_o"] @ x + w["R_o"] @ y + w["b_o"])
        net = w["W_z"] @ x + w["R_z"] @ y + w["b_z"]
        s = s + y_in * (4 / (1 + np.exp(-net)) - 2)
        y = y_out * (2 / (1 + np.exp(-s)) - 1)
        outputs.append(y)
    return np.array(outputs)


def lnlstm(xs: Array, w: Weights) -> Array:
    """Ba 2016, equations 20 to 22, gates in the order z, i, f, o."""
    h, c, outputs = *np.zeros((2, w["R"].shape[1])), []
    for x in xs:
        sums = normalize(w["R"] @ h) * w["alpha1"] + normalize(w["W"] @ x) * w["alpha2"] + w["b"]
        z, i, f, o = np.split(sums, 4)
        c = sigma(f) * c + sigma(i) * np.tanh(z)
        h = sigma(o) * np.tanh(normalize(c) * w["alpha3"] + w["beta3"])
        outputs.append(h)
    return np.array(outputs)


def slstm_cell(sums: Callable[[int, str, Array], Array], frames: int, size: int) -> Array:
    """Beck 2024, equations 8 to 14, without a stabilizer; σ for the forget gate."""
    h, c, n, outputs = *np.zeros((3, size)), []
    for t in range(frames):
        i, f = np.exp(sums(t, "i", h)), sigma(sums(t, "f", h))
        z, o = np.tanh(sums(t, "z", h)), sigma(sums(t, "o", h))
        c = f * c + i * z
        n = f * n + i
        h = o * (c / n)
        outputs.append(h)
    return np.array(outputs)


def slstm(xs: Array, w: Weights) -> Array:
    """Beck 2024, equations 8 to 14; every gate's recurrent matrix is block-diagonal."""

    def sums(t: int, gate: str, h: Array) -> Array:
        return w[f"W_{gate}"] @ xs[t] + w[f"R_{gate}"] @ h + w[f"b_{gate}"]

    return slstm_cell(sums, len(xs), len(w["R_z"]))


def mlstm_cell(q: Array, k: Array, v: Array, i: Array, f: Array) -> Array:
    """Beck 2024, equations 19 to 27, of one head, without a stabilizer; k is (T, D), unscaled."""
    size = q.shape[1]
    memory, n, outputs = np.zeros((size, size)), np.zeros(size), []
    for t in range(len(q)):
        key = k[t] / math.sqrt(size)
        gate_i, gate_f = math.exp(i[t]), sigma(f[t])
        memory = gate_f * memory + gate_i * np.outer(v[t], key)
        n = gate_f * n + gate_i * key
        outputs.append(memory @ q[t] / max(abs(n @ q[t]), 1))
    return np.array(outputs)


def heads(q: Array, k: Array, v: Array, i: Array, f: Array) -> Array:
    """Run one cell a head, and concatenate the outputs."""
    count = i.shape[1]
    split = zip(*(np.split(a, count, axis=1) for a in (q, k, v)), i.T, f.T, strict=True)
    return np.concatenate([mlstm_cell(*head) for head in split], axis=1)


def mlstm(xs: Array, w: Weights) -> Array:
    q, k, v, o, i, f = (xs @ w[f"W_{name}"].T + w[f"b_{name}"] for name in "qkvoif")
    return sigma(o) * head_norm(heads(q, k, v, i, f), 4)


def causal(xs: Array, taps: Array, bias: Array) -> Array:
    """Filter each unit over this frame and the three before; the last tap is this frame's."""
    outputs = np.zeros_like(xs)
    for t in range(len(xs)):
        for k in range(4):
            if t - 3 + k >= 0:
                outputs[t] += taps[:, k] * xs[t - 3 + k]
    return outputs + bias


def swish(x: Array) -> Array:
    return x * sigma(x)


def gelu(x: Array) -> Array:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def head_norm(xs: Array, count: int) -> Array:
    parts = (np.array([normalize(x) for x in head]) for head in np.split(xs, count, axis=1))
    return np.concatenate(list(parts), axis=1)


def mlstm_block(xs: Array, w: Weights) -> Array:
    """Beck 2024, figure 11."""
    a, s = np.split(xs @ w["up"].T, 2, axis=1)
    u = swish(causal(a, w["taps"], w["tap_bias"]))
    q, k = u @ w["query"].T, u @ w["key"].T
    i, f = np.split(np.concatenate([q, k, a], 1) @ w["gates"].T + w["gate_bias"], 2, axis=1)
    mixed = head_norm(heads(q, k, a, i, f), 4) * w["gain"] + w["skip"] * u
    return (swish(s) * mixed) @ w["down"].T


def slstm_block(xs: Array, w: Weights) -> Array:
    """Beck 2024, figure 10."""
    u = swish(causal(xs, w["taps"], w["tap_bias"]))
    inputs = {"z": xs, "i": u, "f": u, "o": xs}

    def sums(t: int, gate: str, h: Array) -> Array:
        return w[f"W_{gate}"] @ inputs[gate][t] + w[f"R_{gate}"] @ h + w[f"b_{gate}"]

    hidden = slstm_cell(sums, len(xs), len(w["R_z"]))
    a, s = np.split(head_norm(hidden, 4) * w["gain"] @ w["up"].T, 2, axis=1)
    return (gelu(a) * s) @ w["down"].T


def convlstm(xs: Array, w: Weights, bins: int) -> Array:
    """Shi 2015, equation 3, along one axis; X is (M, C_in), filters (C, C_in, K), peepholes (M, C).

    As in every library, `*` is a correlation: filter tap k reads bin m + k - K // 2.
    """

    def star(filters: Array, maps: Array) -> Array:
        taps = filters.shape[2]
        outputs = np.zeros((bins, len(filters)))
        for m in range(bins):
            for k in range(taps):
                if 0 <= m + k - taps // 2 < bins:
                    outputs[m] += filters[:, :, k] @ maps[m + k - taps // 2]
        return outputs

    h, c = np.zeros((2, bins, len(w["R_z"])))
    outputs = []
    for x in xs.reshape(len(xs), bins, -1):
        z, i, f, o = (
            star(w[f"W_{gate}"], x) + star(w[f"R_{gate}"], h) + w[f"b_{gate}"] for gate in "zifo"
        )
        i, f = sigma(i + w["p_i"] * c), sigma(f + w["p_f"] * c)
        c = f * c + i * np.tanh(z)
        h = sigma(o + w["p_o"] * c) * np.tanh(c)
        outputs.append(h.reshape(-1))
    return np.array(outputs)
