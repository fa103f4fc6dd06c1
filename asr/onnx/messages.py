"""The messages of an ``.onnx`` file, in Protocol Buffers' wire format.

A message is a sequence of fields, each a key and a value. The key is the field's number and the
kind of the value: 0 a varint, 2 bytes after their count, 5 four bytes. Numbers of fields are those
of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. A message is kept as the list of its
parts until the whole file is joined, so that large tensors are copied once.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

#: Versions of the file format and of the operators; onnxruntime 1.20 reads both.
IR_VERSION, OPSET = 8, 17
#: onnxruntime's own operators.
MICROSOFT = "com.microsoft"
_VARINT, _BYTES, _FLOAT = 0, 2, 5
_ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "float64": 11}

Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]
Message = list[bytes | memoryview]


def encode_tensor(name: str, array: npt.NDArray[np.generic]) -> Message:
    """Encode an array as a TensorProto."""
    content = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    return [
        *_join(_integer(1, size) for size in array.shape),
        *_integer(2, _ELEMENT_TYPES[array.dtype.name]),
        *_text(8, name),
        *_message(9, [content.reshape(-1).view(np.uint8).data]),
    ]


def encode_node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    attributes: Mapping[str, Attribute],
    domain: str = "",
) -> Message:
    """Encode an operation as a NodeProto.

    Args:
        operator: such as ``Conv``.
        inputs: names of values; "" stands for an optional one that is not given.
        outputs: names of the results; the first is also the node's name.
        attributes: by name.
        domain: of the operator, "" for ONNX's own.
    """
    return [
        *_join(_text(1, name) for name in inputs),
        *_join(_text(2, name) for name in outputs),
        *_text(3, outputs[0]),
        *_text(4, operator),
        *_join(_message(5, _attribute(*item)) for item in attributes.items()),
        *_text(7, domain),
    ]


def encode_value(name: str, element_type: str, shape: Sequence[int | str]) -> Message:
    """Encode the type of an input or output as a ValueInfoProto.

    Args:
        name: of the value.
        element_type: NumPy's name, such as ``float32``.
        shape: sizes, or letters for sizes that differ from call to call.
    """
    sizes = (_integer(1, size) if isinstance(size, int) else _text(2, size) for size in shape)
    dimensions = _join(_message(1, size) for size in sizes)
    tensor_type = [*_integer(1, _ELEMENT_TYPES[element_type]), *_message(2, dimensions)]
    return [*_text(1, name), *_message(2, _message(1, tensor_type))]


def encode_model(
    nodes: Iterable[Message],
    tensors: Iterable[Message],
    inputs: Iterable[Message],
    outputs: Iterable[Message],
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
    graph = [
        *_join(_message(1, node) for node in nodes),
        *_text(2, "network"),
        *_join(_message(5, tensor) for tensor in tensors),
        *_join(_message(11, value) for value in inputs),
        *_join(_message(12, value) for value in outputs),
    ]
    return b"".join(
        [
            *_integer(1, IR_VERSION),
            *_text(2, "asr"),
            *_message(7, graph),
            *_message(8, [*_text(1, ""), *_integer(2, OPSET)]),
            *_message(8, [*_text(1, MICROSOFT), *_integer(2, 1)]),
            *_join(_message(14, [*_text(1, key), *_text(2, facts[key])]) for key in facts),
        ]
    )


def _attribute(name: str, value: Attribute) -> Message:
    """Encode an AttributeProto; field 20 names the type of the value."""
    if isinstance(value, int):
        fields = [*_integer(3, value), *_integer(20, 2)]
    elif isinstance(value, float):
        fields = [*_float(2, value), *_integer(20, 1)]
    elif isinstance(value, str):
        fields = [*_text(4, value), *_integer(20, 3)]
    elif all(isinstance(item, str) for item in value):
        fields = [*_join(_text(9, str(item)) for item in value), *_integer(20, 8)]
    elif all(isinstance(item, int) for item in value):
        fields = [*_join(_integer(8, int(item)) for item in value), *_integer(20, 7)]
    else:
        fields = [*_join(_float(7, float(item)) for item in value), *_integer(20, 6)]
    return [*_text(1, name), *fields]


def _join(messages: Iterable[Message]) -> Message:
    return [part for message in messages for part in message]


def _integer(number: int, value: int) -> Message:
    return [_key(number, _VARINT), _varint(value)]


def _float(number: int, value: float) -> Message:
    return [_key(number, _FLOAT), struct.pack("<f", value)]


def _text(number: int, value: str) -> Message:
    return _message(number, [value.encode()])


def _message(number: int, parts: Message) -> Message:
    """Encode a field of bytes, which a text, an array and a message within another are."""
    return [_key(number, _BYTES), _varint(sum(map(len, parts))), *parts]


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    """Encode 7 bits a byte, the lowest first; negative numbers as 64-bit two's complement."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
