"""JSON schemas of strangers' tools, cut down to what a grammar can be made of.

llama.cpp drops a grammar that it cannot compile without a word, and then the model says what it likes. So a schema
keeps what is known to work, its references are written out, and what cannot be kept becomes "anything".
"""

from __future__ import annotations

import json

JsonObject = dict[str, object]

ANY_OBJECT: JsonObject = {"type": "object"}
NO_ARGUMENTS: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}
_SAY_NOTHING = frozenset(
    {"$schema", "title", "description", "type", "properties", "required", "additionalProperties"}
)
DEPTH = 8
"""Deeper than this, or around in a circle, anything goes."""
TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
SCALARS = (str, int, float, bool, type(None))


def simplify(parameters: str) -> JsonObject:
    """The schema of a tool's arguments, always of an object."""
    try:
        root = json.loads(parameters) if parameters.strip() else {}
    except ValueError:
        return ANY_OBJECT
    if not isinstance(root, dict):
        return ANY_OBJECT
    if _takes_nothing(root):
        return NO_ARGUMENTS
    simple = _simplify(root, root, DEPTH)
    return simple if simple.get("type") == "object" and simple.get("properties") else ANY_OBJECT


def _takes_nothing(root: JsonObject) -> bool:
    """A tool without parameters: its arguments are `{}`, where a small model would make some up."""
    is_object = root.get("type", "object") == "object" and root.keys() <= _SAY_NOTHING
    return is_object and not root.get("properties") and not root.get("additionalProperties")


def _simplify(schema: object, root: JsonObject, depth: int) -> JsonObject:
    if not isinstance(schema, dict) or depth == 0:
        return {}
    if "$ref" in schema:
        return _simplify(_resolve(schema["$ref"], root), root, depth - 1)
    about = {"description": schema["description"]} if isinstance(schema.get("description"), str) else {}
    for name in ("anyOf", "oneOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            return {**about, "anyOf": [_simplify(choice, root, depth - 1) for choice in schema[name]]}
    if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
        return {**about, **_simplify(schema["allOf"][0], root, depth - 1)}
    if "const" in schema and isinstance(schema["const"], SCALARS):
        return {**about, "const": schema["const"]}
    if isinstance(schema.get("enum"), list):
        choices = [choice for choice in schema["enum"] if isinstance(choice, SCALARS)]
        return {**about, "enum": choices} if choices else about
    return {**about, **_by_type(schema, root, depth)}


def _by_type(schema: JsonObject, root: JsonObject, depth: int) -> JsonObject:
    kind = schema.get("type", "object" if "properties" in schema else None)
    if isinstance(kind, list):
        kinds = [name for name in kind if name in TYPES]
        return {"anyOf": [_by_type({**schema, "type": name}, root, depth) for name in kinds]} if kinds else {}
    match kind:
        case "object":
            return _object(schema, root, depth)
        case "array":
            items = _simplify(schema.get("items"), root, depth - 1)
            return {"type": "array", **({"items": items} if items else {})}
        case str() if kind in TYPES:
            return {"type": kind}
        case _:
            return {}


def _object(schema: JsonObject, root: JsonObject, depth: int) -> JsonObject:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return ANY_OBJECT
    required = schema.get("required")
    names = [name for name in required if name in properties] if isinstance(required, list) else []
    return {
        "type": "object",
        # What is required comes first: once it is there, the object may end.
        "properties": {
            name: _simplify(properties[name], root, depth - 1)
            for name in sorted(properties, key=lambda name: name not in names)
        },
        "required": names,
        "additionalProperties": False,  # a small model invents arguments
    }


def _resolve(reference: object, root: JsonObject) -> object:
    """What a reference within the schema leads to; None for any other."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    place: object = root
    for step in reference.lstrip("#").strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if name:
            place = place.get(name) if isinstance(place, dict) else None
    return place
