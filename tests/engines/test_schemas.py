import json

import pytest

from louro.engines.schemas import simplify

ANY = {"type": "object"}


@pytest.mark.parametrize(
    "parameters",
    ["", "{}", '{"type": "object"}', '{"type": "object", "properties": {}, "additionalProperties": false}'],
)
def test_a_tool_without_parameters_takes_no_arguments(parameters: str) -> None:
    assert simplify(parameters) == {"type": "object", "properties": {}, "additionalProperties": False}


def test_what_is_required_comes_first() -> None:
    schema = {"properties": {"a": {}, "b": {}, "c": {}, "d": {}}, "required": ["d", "b"]}
    properties = simplify(json.dumps(schema))["properties"]
    assert isinstance(properties, dict)
    assert list(properties) == ["b", "d", "a", "c"]


@pytest.mark.parametrize(
    "parameters",
    ["null", "not JSON", "[]", '{"type": "string"}', '{"type": "object", "additionalProperties": true}'],
)
def test_what_names_no_properties_lets_any_object_through(parameters: str) -> None:
    assert simplify(parameters) == ANY


def test_what_a_grammar_can_be_made_of_stays() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "unit": {"enum": ["c", "f"]},
            "days": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert simplify(json.dumps(schema)) == schema


def test_what_a_grammar_cannot_hold_is_left_out() -> None:
    value = {"type": "string", "pattern": "(?=x)", "format": "uri", "not": {"const": "y"}}
    schema = simplify(
        json.dumps({"type": "object", "properties": {"a": value, "b": {"if": {}}}, "required": ["z"]})
    )
    assert schema["properties"] == {"a": {"type": "string"}, "b": {}}
    assert schema["required"] == []


def test_references_are_written_out() -> None:
    schema = {
        "$defs": {
            "place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        },
        "type": "object",
        "properties": {"where": {"$ref": "#/$defs/place"}, "far": {"$ref": "https://example.test/x"}},
    }
    properties = simplify(json.dumps(schema))["properties"]
    assert isinstance(properties, dict)
    assert properties["where"]["properties"] == {"city": {"type": "string"}}
    assert properties["far"] == {}


def test_a_schema_that_contains_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert len(json.dumps(simplify(json.dumps(node)))) < 2000


def test_one_of_several_types_stays_a_choice() -> None:
    schema = {
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"oneOf": [{"type": "number"}, {"const": "all"}]},
            "c": {"allOf": [{"type": "boolean"}]},
        }
    }
    assert simplify(json.dumps(schema))["properties"] == {
        "a": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "b": {"anyOf": [{"type": "number"}, {"const": "all"}]},
        "c": {"type": "boolean"},
    }
