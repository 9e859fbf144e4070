"""Compares the answers of a walk with the shop's own openapi.json."""

import re
from collections.abc import Iterable
from typing import Any, Final

import httpx
import jsonschema_rs

from tools.smoke.client import Reply, Unexpected

type Json = dict[str, Any]

_NO_ROUTE: Final = ("404 not-found", "405 method-not-allowed")


def check(document: Json, replies: Iterable[Reply]) -> None:
    """Every expected answer is in the document: its route, status, headers and body.

    Raises:
        Unexpected: one is not.
    """
    routes = {
        re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): operations
        for path, operations in document["paths"].items()
    }
    for reply in replies:
        status = str(reply.response.status_code)
        is_expected = reply.expected.startswith(status)
        if not is_expected or reply.expected in _NO_ROUTE or "/docs/" in reply.asked:
            continue
        method, _, path = reply.asked.partition(" ")
        found = [o for route, o in routes.items() if route.fullmatch(path.rstrip("/") or "/")]
        responses = [o.get(method.lower(), {}).get("responses", {}) for o in found]
        # /users/me fits /users/{id} too; the document has it first.
        described = next((r[status] for r in responses if status in r), None)
        if described is None:
            raise Unexpected(f"openapi.json has no {status} for {reply.asked}.")
        if wrong := _difference(reply.response, _resolved(document, described), document):
            raise Unexpected(f"The {status} of {reply.asked} differs from openapi.json in {wrong}.")


def _difference(response: httpx.Response, described: Json, document: Json) -> str:
    """The part of the answer that is not as described; no value, which may be a secret."""
    for name, header in described.get("headers", {}).items():
        if _resolved(document, header).get("required") and name not in response.headers:
            return f"the header {name}"
    media_type = response.headers.get("content-type", "").partition(";")[0]
    content = described.get("content", {}).get(media_type)
    if content is None:
        return "the Content-Type" if response.content else ""
    if not media_type.endswith("json"):
        return ""
    schema = content["schema"] | {"components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    error = next(validator.iter_errors(response.json()), None)
    return f"the body ({'/'.join(map(str, error.schema_path))})" if error else ""


def _resolved(document: Json, node: Json) -> Json:
    if "$ref" not in node:
        return node
    for name in node["$ref"].removeprefix("#/").split("/"):
        document = document[name]
    return document
