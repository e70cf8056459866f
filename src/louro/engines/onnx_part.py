"""A part of an ONNX model as a model of its own, by the fields of the file: the library for them is 30 MB.

Source: onnx.proto3 and the protobuf encoding. A model has its graph; a graph its nodes in the order of their work,
weights, and what is known of its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import NamedTuple

GRAPH = 7
NODE, GRAPH_NAME, WEIGHT, INPUT, OUTPUT, VALUE = 1, 2, 5, 11, 12, 13
"""Of a graph."""
NODE_INPUT, NODE_OUTPUT, NODE_KIND = 1, 2, 4
WEIGHT_NAME, VALUE_NAME = 8, 1
NESTING = {"If", "Loop", "Scan", "SequenceMap"}
"""Kinds of nodes that have graphs of their own, which see the values around them."""


class Written(IntEnum):
    """How a field is."""

    VARINT = 0
    EIGHT_BYTES = 1
    LENGTH = 2
    FOUR_BYTES = 5


class NoSuchPart(Exception):
    """The model is not made as it would have to be."""


class Field(NamedTuple):
    number: int
    value: memoryview
    """Empty unless it is of some length: text, bytes, or fields in their turn."""
    whole: memoryview
    """With its number, as it lies in the file."""


@dataclass(frozen=True)
class Node:
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    field: Field


class Model:
    def __init__(self, file: bytes) -> None:
        """Raises NoSuchPart: *file* is no model that could have parts."""
        try:
            self._around = [field for field in _fields(memoryview(file)) if field.number != GRAPH]
            graph = next(field for field in _fields(memoryview(file)) if field.number == GRAPH)
            self._fields = list(_fields(graph.value))
            self.nodes = [_node(field) for field in self._fields if field.number == NODE]
        except (IndexError, StopIteration, UnicodeDecodeError) as error:
            raise NoSuchPart("it is no ONNX model") from error
        if any(node.kind in NESTING for node in self.nodes):
            raise NoSuchPart("it has graphs within its graph")
        self._weights = self._named(WEIGHT, WEIGHT_NAME)
        self._inputs = self._named(INPUT, VALUE_NAME)
        self._outputs = self._named(OUTPUT, VALUE_NAME)
        self._values = {**self._named(VALUE, VALUE_NAME), **self._inputs, **self._outputs}

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self._inputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self._outputs)

    def node(self, fits: Callable[[Node], bool]) -> Node:
        """The one node that *fits*."""
        found = [node for node in self.nodes if fits(node)]
        if len(found) != 1:
            raise NoSuchPart(f"{len(found)} of its nodes are what one should be")
        return found[0]

    def part(self, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
        """The model that makes *outputs* out of *inputs*: all that lies between these values."""
        needed = set(outputs)
        nodes: list[Node] = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs).difference(inputs):
                needed.update(node.inputs)
                nodes.append(node)
        made = {value for node in nodes for value in node.outputs}
        missing = needed - made - {*inputs, *self._weights, ""}
        if missing or not self._values.keys() >= {*inputs, *outputs}:
            raise NoSuchPart("more than these values would have to be known")
        graph: list[memoryview | bytes] = [
            *(node.field.whole for node in reversed(nodes)),
            *(field.whole for field in self._fields if field.number == GRAPH_NAME),
            *(field.whole for name, field in self._weights.items() if name in needed),
            *chain.from_iterable(_packed(INPUT, [self._values[name].value]) for name in inputs),
            *chain.from_iterable(_packed(OUTPUT, [self._values[name].value]) for name in outputs),
        ]
        return b"".join([*(field.whole for field in self._around), *_packed(GRAPH, graph)])

    def _named(self, number: int, name: int) -> dict[str, Field]:
        return {_texts(field, name)[0]: field for field in self._fields if field.number == number}


def _node(field: Field) -> Node:
    kind = _texts(field, NODE_KIND)[0]
    return Node(kind, _texts(field, NODE_INPUT), _texts(field, NODE_OUTPUT), field)


def _texts(field: Field, number: int) -> tuple[str, ...]:
    return tuple(str(part.value, "utf-8") for part in _fields(field.value) if part.number == number)


def _fields(message: memoryview) -> Iterator[Field]:
    at = 0
    while at < len(message):
        start = at
        key, begin = _varint(message, at)
        number, written = key >> 3, key & 7
        match written:
            case Written.VARINT:
                begin = at = _varint(message, begin)[1]
            case Written.EIGHT_BYTES:
                at = begin + 8
            case Written.LENGTH:
                length, begin = _varint(message, begin)
                at = begin + length
            case Written.FOUR_BYTES:
                at = begin + 4
            case _:
                raise NoSuchPart("it is no ONNX model")
        if at > len(message):
            raise NoSuchPart("it ends too early")
        yield Field(number, message[begin:at], message[start:at])


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at *at*, and where it ends."""
    value = shift = 0
    while message[at] >= 128:
        value |= (message[at] & 127) << shift
        shift += 7
        at += 1
    return value | message[at] << shift, at + 1


def _packed(number: int, parts: Sequence[memoryview | bytes]) -> list[memoryview | bytes]:
    """A field of some length, made of *parts*, before they are joined: the weights are copied once only."""
    return [_written(number << 3 | Written.LENGTH), _written(sum(map(len, parts))), *parts]


def _written(number: int) -> bytes:
    digits = bytearray()
    while number >= 128:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])
