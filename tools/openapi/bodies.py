"""Bodies: what the models leave open for their own sake, and what they leave out."""

import json
import re
from collections.abc import Iterator
from typing import Any

type Node = dict[str, Any]


def finish(made: Node) -> None:
    """Say which members an answer always has, and that the others are left out where there is
    nothing to say.

    In a body that is sent to the API a default may be left out, or null. In an answer it is always
    there.
    """
    schemas = made["components"]["schemas"]
    for name in _in_requests(made):
        for member, found in schemas[name].get("properties", {}).items():
            if "default" in found:
                of_all = {k: found.pop(k) for k in ("default", "examples") if k in found}
                schemas[name]["properties"][member] = {"anyOf": [found, {"type": "null"}]} | of_all
    for name in _in_answers(made):
        schema = schemas[name]
        for member, found in schema.get("properties", {}).items():
            if "default" in found:
                del found["default"]
                schema.setdefault("required", []).append(member)
            elif member not in schema.get("required", ()):
                schema["properties"][member] = without_null(found)
    for schema in schemas.values():
        # Made up from the names, and so no news.
        for found in schema.get("properties", {}).values():
            found.pop("title", None)


def operations(made: Node) -> Iterator[tuple[str, str, Node]]:
    """Each operation of a document, with its path and its method in small letters."""
    for path, item in made["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def without_null(schema: Node) -> Node:
    """A schema with "or null" is one that may be left out: of a query, of a header, and of an
    answer."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(kinds) != 1:
        return {"anyOf": kinds, **others} if kinds else schema
    return {**kinds[0], **others}


def _in_requests(made: Node) -> Iterator[str]:
    return _reached(made, [o["requestBody"] for *_, o in operations(made) if "requestBody" in o])


def _in_answers(made: Node) -> Iterator[str]:
    return _reached(made, [operation["responses"] for *_, operation in operations(made)])


def _reached(made: Node, bodies: list[Node]) -> Iterator[str]:
    """The schemas that bodies name, and those that these are made of."""
    schemas = made["components"]["schemas"]
    seen: set[str] = set()
    left = _named(bodies)
    while left:
        name = left.pop()
        if name in schemas and name not in seen:
            seen.add(name)
            left |= _named(schemas[name])
            yield name


def _named(node: object) -> set[str]:
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(node)))
