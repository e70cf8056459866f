"""Parts of a small model, which onnxruntime runs like any other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from louro.engines.onnx_part import Model, NoSuchPart

FLOAT = 1


def number(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)


def integer(field: int, value: int) -> bytes:
    return number(field << 3) + number(value)


def message(field: int, *parts: bytes | str) -> bytes:
    joined = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return number(field << 3 | 2) + number(len(joined)) + joined


def value(field: int, name: str) -> bytes:
    shape = message(2, message(1, integer(1, 2)))
    return message(field, message(1, name), message(2, message(1, integer(1, FLOAT), shape)))


def weight(name: str, *numbers: float) -> bytes:
    data = np.array(numbers, "<f4").tobytes()
    return message(5, integer(1, len(numbers)), integer(2, FLOAT), message(8, name), message(9, data))


def node(kind: str, inputs: str, output: str) -> bytes:
    return message(1, *(message(1, name) for name in inputs.split()), message(2, output), message(4, kind))


OPERATORS = message(8, integer(2, 15))
"""Their version; with the graph and nothing of it, a model is whole as well."""


def model(*nodes: bytes) -> bytes:
    """y = (x + a) * b - x, or whatever the *nodes* say."""
    graph = [
        *(
            nodes
            or (node("Add", "x a", "sum"), node("Mul", "sum b", "product"), node("Sub", "product x", "y"))
        ),
        message(2, "small"),
        weight("a", 1, 2),
        weight("b", 3, 0.5),
        value(11, "x"),
        value(12, "y"),
        value(13, "sum"),
        value(13, "product"),
    ]
    return integer(1, 8) + message(7, *graph) + OPERATORS


def run(file: bytes, **inputs: Sequence[float]) -> list[list[float]]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {name: np.array(numbers, np.float32) for name, numbers in inputs.items()})
    return [output.tolist() for output in outputs]


def test_two_parts_after_each_other_do_what_the_whole_does() -> None:
    whole = Model(model())
    assert (whole.inputs, whole.outputs) == (("x",), ("y",))
    [product] = run(whole.part(["x"], ["product"]), x=[5, 6])
    assert run(whole.part(["product", "x"], ["y"]), product=product, x=[5, 6]) == run(model(), x=[5, 6])
    assert run(model(), x=[5, 6]) == [[13, -2]]


def test_a_part_gives_any_values_that_are_asked_for() -> None:
    assert run(Model(model()).part(["x"], ["product", "sum"]), x=[5, 6]) == [[18, 4], [6, 8]]


def test_a_part_has_only_the_weights_that_it_needs() -> None:
    part = Model(model()).part(["sum"], ["product"])
    assert run(part, sum=[1, 2]) == [[3, 1]]
    assert part.count(weight("b", 3, 0.5)) == 1
    assert weight("a", 1, 2) not in part


def test_what_would_need_other_values_is_no_part() -> None:
    with pytest.raises(NoSuchPart, match="more than these values"):
        Model(model()).part(["product"], ["y"])
    with pytest.raises(NoSuchPart, match="more than these values"):
        Model(model()).part(["x"], ["nothing"])


def test_the_one_node_that_fits_is_found() -> None:
    whole = Model(model())
    assert whole.node(lambda node: "b" in node.inputs).outputs == ("product",)
    with pytest.raises(NoSuchPart, match="2 of its nodes"):
        whole.node(lambda node: "x" in node.inputs)
    with pytest.raises(NoSuchPart, match="0 of its nodes"):
        whole.node(lambda node: node.kind == "Ceil")


def test_a_model_with_graphs_within_its_graph_has_no_parts() -> None:
    with pytest.raises(NoSuchPart, match="within its graph"):
        Model(model(node("If", "x", "y")))


@given(st.integers(0, len(model()) - 1).filter(lambda length: length != len(model()) - len(OPERATORS)))
def test_a_file_that_ends_too_early_has_no_parts(length: int) -> None:
    with pytest.raises(NoSuchPart):
        Model(model()[:length])


@given(st.binary(max_size=60))
def test_any_other_file_has_no_parts(file: bytes) -> None:
    with pytest.raises(NoSuchPart):
        Model(file)
