"""A graph of ONNX operations, built one call an operation."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from asr.onnx.messages import (
    Attribute,
    Message,
    encode_model,
    encode_node,
    encode_tensor,
    encode_value,
)

#: The numbers of element types, as the operator Cast takes them.
FLOAT32, INT32, FLOAT64 = 1, 6, 11


class Graph:
    """Operations and constants; values are known by their names."""

    def __init__(self) -> None:
        self._nodes: list[Message] = []
        self._tensors: list[Message] = []
        self._inputs: list[Message] = []
        self._outputs: list[Message] = []
        self._values = 0

    def input(self, name: str, element_type: str, shape: Sequence[int | str]) -> str:
        """Declare an input; arguments as for `asr.onnx.messages.encode_value`."""
        self._inputs.append(encode_value(name, element_type, shape))
        return name

    def output(self, value: str, name: str, element_type: str, shape: Sequence[int | str]) -> None:
        """Declare that a value is an output."""
        self._nodes.append(encode_node("Identity", [value], [name], {}))
        self._outputs.append(encode_value(name, element_type, shape))

    def constant(self, array: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant, as float32 unless told otherwise."""
        name = self._name("constant")
        self._tensors.append(encode_tensor(name, np.asarray(array, dtype)))
        return name

    def integers(self, *values: int) -> str:
        """Add a vector of int64."""
        return self.constant(values, np.int64)

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operation and give its result."""
        return self.add_many(operator, inputs, 1, attributes)[0]

    def add_many(
        self,
        operator: str,
        inputs: Sequence[str],
        results: int,
        attributes: Mapping[str, Attribute],
        domain: str = "",
    ) -> list[str]:
        """Add an operation with several results."""
        outputs = [self._name(operator) for _ in range(results)]
        self._nodes.append(encode_node(operator, inputs, outputs, attributes, domain))
        return outputs

    def encode(self, facts: Mapping[str, str]) -> bytes:
        """Give the bytes of an ``.onnx`` file."""
        return encode_model(self._nodes, self._tensors, self._inputs, self._outputs, facts)

    def _name(self, kind: str) -> str:
        self._values += 1
        return f"{kind}_{self._values}"


def add_mask(graph: Graph, values: str, lengths: str, axis: int) -> str:
    """Add a mask (B, T) of the valid frames of values whose axis `axis` is T."""
    return graph.add("Less", add_places(graph, values, axis), add_column(graph, lengths))


def add_places(graph: Graph, values: str, axis: int) -> str:
    """Add the numbers 0, 1, 2, ... (T,) int64 of values whose axis `axis` is T."""
    size = graph.add("Shape", values, start=axis, end=axis + 1)
    return add_range(graph, graph.add("Squeeze", size, graph.integers(0)))


def add_range(graph: Graph, size: str) -> str:
    """Add the numbers 0, 1, 2, ... below a size, a scalar int64."""
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    return graph.add("Range", zero, size, one)


def add_column(graph: Graph, vector: str) -> str:
    """Add a vector as a column: (B,) -> (B, 1)."""
    return graph.add("Unsqueeze", vector, graph.integers(1))
