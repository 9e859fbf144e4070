"""Whether the clients of one document can go on with another.

What the shop sends (answers, events) may become narrower, what it takes (parameters, bodies) wider.
For schemas both are the same question: is every value of the narrow schema a value of the wide one?
What a client must expect to grow may be added (routes, members, error codes and statuses, event
types), and so must not go; values of an `enum` may go, but not be added.
"""

import copy
from collections.abc import Iterator
from typing import Any, Final

import jsonschema_rs
from fastapi.utils import deep_dict_update

from shared.web.responses import MEDIA_TYPE as PROBLEM
from tools.openapi.document import operations

type Node = dict[str, Any]

# They allow or refuse no value.
_ANNOTATIONS: Final = {"title", "description", "default", "examples", "discriminator", "deprecated"}
# They limit texts only.
_OF_TEXTS: Final = {"pattern", "format", "minLength", "maxLength"}
_LOWER: Final = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_UPPER: Final = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_COMPARED_APART: Final = _ANNOTATIONS | {
    *("type", "const", "enum", "items", "propertyNames"),
    *("required", "properties", "additionalProperties"),
}


def api(old: Node, new: Node) -> Iterator[str]:
    """What breaks clients of an OpenAPI document."""
    paths = plain(new, new["paths"])
    for path, method, was in operations({"paths": plain(old, old["paths"])}):
        at, now = f"{method.upper()} {path}", paths.get(path, {}).get(method)
        if now is None:
            yield f"{at} is gone"
            continue
        if now["operationId"] != was["operationId"]:
            yield f"{at}: has another operationId"
        security = now.get("security", [])
        # Credentials that may be left out ask for none.
        if {} not in security and security not in ([], was.get("security")):
            yield f"{at}: asks for other credentials"
        yield from _broken(_taken(was), _taken(now), at, is_sent=False)
        before, after = was["responses"], now["responses"]
        for status in sorted(before.keys() | after.keys()):
            if status not in after:
                yield f"{at} {status} is gone"
            elif status in before:
                sent = _sent(before[status]), _sent(after[status])
                yield from _broken(*sent, f"{at} {status}", is_sent=True)
            elif int(status) < 400:  # an unknown error is one of its class (RFC 9110)
                yield f"{at} {status} is new"


def subscribers(old: Node, new: Node) -> Iterator[str]:
    """What breaks subscribers of an AsyncAPI document."""
    yield from _broken(_messages(old), _messages(new), "channel", is_sent=True)


def readers(old: Node, new: Node) -> Iterator[str]:
    """What of the last release's events the shop's own workers could not read, from whatever
    channel."""
    was, now = (
        {name.partition(" ")[2]: part for name, part in _messages(document).items()}
        for document in (old, new)
    )
    sent = {name: {"schema": _closed(part["schema"])} for name, part in was.items()}
    at = "what the last release sent, read:"
    yield from _broken(sent, now, at, is_sent=False)


def _taken(operation: Node) -> Node:
    """What a request may carry, by name."""
    body = operation.get("requestBody", {"content": {}})
    bodies = {f"body {type_}": body | content for type_, content in body["content"].items()}
    return bodies | {f"{one['in']} {one['name']}": one for one in operation["parameters"]}


def _sent(answer: Node) -> Node:
    """What an answer carries, by name. Each problem by itself: an unknown one is known by its
    status."""
    content = dict(answer.get("content", {}))
    problems = content.pop(PROBLEM, {"schema": {"oneOf": []}})["schema"]["oneOf"]
    codes = {one["properties"]["type"]["const"]: {"schema": one} for one in problems}
    return {**answer.get("headers", {}), **content, **codes}


def _messages(document: Node) -> Node:
    """The headers and the payload of each message of each channel, by name."""
    return {
        f"{name} {type_} {part}": {"schema": message[part]}
        for name, channel in plain(document, document["channels"]).items()
        for type_, message in channel["messages"].items()
        for part in ("headers", "payload")
    }


def _broken(old: Node, new: Node, at: str, *, is_sent: bool) -> Iterator[str]:
    yield from (f"{at} {name} is gone" for name in old if name not in new)
    for name, now in new.items():
        was = old.get(name, {})
        if is_sent and was.get("required") and not now.get("required"):
            yield f"{at} {name} may be missing"
        if not is_sent and now.get("required") and not was.get("required"):
            yield f"{at} {name} must be given"
        if was:
            narrow, wide = (now, was) if is_sent else (was, now)
            yield from gaps(narrow["schema"], wide["schema"], f"{at} {name}")


def plain(document: Node, node: Any) -> Any:
    """The node without references and `allOf`."""
    if isinstance(node, list):
        return [plain(document, one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {k: plain(document, one) for k, one in node.items() if k not in ("$ref", "allOf")}
    parts = list(node.get("allOf", ()))
    if "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        parts.append(target)
    for part in parts:
        made = _both(plain(document, part), made)
    return made


def _both(one: Node, other: Node) -> Node:
    """A schema of what fits two."""
    made = copy.deepcopy(one)
    deep_dict_update(made, copy.deepcopy(other))
    return made


def _closed(node: Any) -> Any:
    """A schema whose values have the members that it names and no others."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(one) for key, one in node.items()}
    return closed | ({"additionalProperties": False} if "properties" in node else {})


def gaps(narrow: Node, wide: Node, at: str) -> Iterator[str]:
    """Where a value of the narrow schema need not be one of the wide schema."""
    for kind in _kinds(narrow):
        found = [list(_gaps(kind, other, at)) for other in _kinds(wide)]
        if all(found):
            yield from min(found, key=len)


def _kinds(schema: Node) -> list[Node]:
    """The alternatives of a schema: each of one type, or one value."""
    for key in ("anyOf", "oneOf"):
        if key in schema:
            rest = {name: one for name, one in schema.items() if name != key}
            return [kind for one in schema[key] for kind in _kinds(_both(rest, one))]
    if "const" not in schema and "enum" in schema:
        return [schema | {"const": value} for value in schema["enum"]]
    return [schema]


def _gaps(narrow: Node, wide: Node, at: str) -> Iterator[str]:
    types = narrow.get("type", "anything"), wide.get("type", "anything")
    if "const" in narrow:
        if not jsonschema_rs.is_valid(wide, narrow["const"]):
            yield f"{at}: may be {narrow['const']!r}"
    elif "const" in wide:
        yield f"{at}: may be more than {wide['const']!r}"
    elif types[1] not in ("anything", types[0]) and types != ("integer", "number"):
        yield f"{at}: may be {types[0]} instead of {types[1]}"
    else:
        is_text = types[0] in ("anything", "string")
        for key in wide.keys() - _COMPARED_APART - (set() if is_text else _OF_TEXTS):
            said, limit = narrow.get(key), wide[key]
            if key in _LOWER or key in _UPPER:
                fits = said is not None and (said >= limit if key in _LOWER else said <= limit)
            else:
                fits = said == limit
            if not fits:
                yield f"{at}: {key} may be {said} instead of {limit}"
        yield from _inner_gaps(narrow, wide, at)


def _inner_gaps(narrow: Node, wide: Node, at: str) -> Iterator[str]:
    for name in sorted(set(wide.get("required", ())) - set(narrow.get("required", ()))):
        yield f"{at}.{name}: may be missing"
    for key in ("items", "propertyNames"):
        if key in wide:
            yield from gaps(narrow.get(key, {}), wide[key], f"{at}.{key}")
    sent, taken = narrow.get("properties", {}), wide.get("properties", {})
    others = narrow.get("additionalProperties", True), wide.get("additionalProperties", True)
    for name in sorted({"*", *sent, *taken}):
        given, allowed = sent.get(name, others[0]), taken.get(name, others[1])
        if given is False or allowed in (True, {}):
            continue
        if allowed is False:
            yield f"{at}.{name}: may be there"
        else:
            yield from gaps({} if given is True else given, allowed, f"{at}.{name}")
