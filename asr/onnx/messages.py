"""The messages of an ``.onnx`` file, in Protocol Buffers' wire format.

A message is a sequence of fields, each a key and a value. The key is the field's number and the
kind of the value: 0 a varint, 2 bytes after their count, 5 four bytes. Numbers of fields are those
of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

#: Versions of the file format and of the operators; onnxruntime 1.20 reads both.
IR_VERSION, OPSET = 8, 17
#: onnxruntime's own operators.
MICROSOFT = "com.microsoft"
_VARINT, _BYTES, _FLOAT = 0, 2, 5
_ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9}

Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]


def encode_tensor(name: str, array: npt.NDArray[np.generic]) -> bytes:
    """Encode an array as a TensorProto."""
    return b"".join(
        [
            *(_integer(1, size) for size in array.shape),
            _integer(2, _ELEMENT_TYPES[array.dtype.name]),
            _text(8, name),
            _bytes(9, np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()),
        ]
    )


def encode_node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    attributes: Mapping[str, Attribute],
    domain: str = "",
) -> bytes:
    """Encode an operation as a NodeProto.

    Args:
        operator: such as ``Conv``.
        inputs: names of values; "" stands for an optional one that is not given.
        outputs: names of the results; the first is also the node's name.
        attributes: by name.
        domain: of the operator, "" for ONNX's own.
    """
    return b"".join(
        [
            *(_text(1, name) for name in inputs),
            *(_text(2, name) for name in outputs),
            _text(3, outputs[0]),
            _text(4, operator),
            *(_bytes(5, _attribute(*item)) for item in attributes.items()),
            _text(7, domain),
        ]
    )


def encode_value(name: str, element_type: str, shape: Sequence[int | str]) -> bytes:
    """Encode the type of an input or output as a ValueInfoProto.

    Args:
        name: of the value.
        element_type: NumPy's name, such as ``float32``.
        shape: sizes, or letters for sizes that differ from call to call.
    """
    sizes = (_integer(1, size) if isinstance(size, int) else _text(2, size) for size in shape)
    tensor_type = _integer(1, _ELEMENT_TYPES[element_type])
    tensor_type += _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _text(1, name) + _bytes(2, _bytes(1, tensor_type))


def encode_model(
    nodes: Sequence[bytes],
    tensors: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    facts: Mapping[str, str],
) -> bytes:
    """Encode a graph as a ModelProto, the content of an ``.onnx`` file.

    Args:
        nodes: of `encode_node`, each after those whose results it takes.
        tensors: constants, of `encode_tensor`.
        inputs: of `encode_value`.
        outputs: of `encode_value`.
        facts: the file's metadata, by name.
    """
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _text(2, "network"),
            *(_bytes(5, tensor) for tensor in tensors),
            *(_bytes(11, value) for value in inputs),
            *(_bytes(12, value) for value in outputs),
        ]
    )
    return b"".join(
        [
            _integer(1, IR_VERSION),
            _text(2, "asr"),
            _bytes(7, graph),
            _bytes(8, _text(1, "") + _integer(2, OPSET)),
            _bytes(8, _text(1, MICROSOFT) + _integer(2, 1)),
            *(_bytes(14, _text(1, key) + _text(2, value)) for key, value in facts.items()),
        ]
    )


def _attribute(name: str, value: Attribute) -> bytes:
    """Encode an AttributeProto; field 20 names the type of the value."""
    head = _text(1, name)
    if isinstance(value, int):
        return head + _integer(3, value) + _integer(20, 2)
    if isinstance(value, float):
        return head + _float(2, value) + _integer(20, 1)
    if isinstance(value, str):
        return head + _text(4, value) + _integer(20, 3)
    if all(isinstance(item, str) for item in value):
        return head + b"".join(_text(9, str(item)) for item in value) + _integer(20, 8)
    if all(isinstance(item, int) for item in value):
        return head + b"".join(_integer(8, int(item)) for item in value) + _integer(20, 7)
    return head + b"".join(_float(7, float(item)) for item in value) + _integer(20, 6)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _integer(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _varint(value)


def _float(number: int, value: float) -> bytes:
    return _key(number, _FLOAT) + struct.pack("<f", value)


def _bytes(number: int, value: bytes) -> bytes:
    return b"".join([_key(number, _BYTES), _varint(len(value)), value])


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _varint(value: int) -> bytes:
    """Encode 7 bits a byte, the lowest first; negative numbers as 64-bit two's complement."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
