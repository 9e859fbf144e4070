"""Steps about the index, health, documents and refusals."""

import re
from typing import Any, Final

import httpx
import jsonschema_rs

from tools.smoke.client import Unexpected
from tools.smoke.walk import Walk, given

type Json = dict[str, Any]

FIGURES: Final = {
    "users": "total active",
    "products": "total total_stock",
    "orders": "by_status",
    "notifications": "sent failed",
}


_NO_ROUTE: Final = ("404 not-found", "405 method-not-allowed")


def index(walk: Walk) -> None:
    reply = walk.api.ask("GET /", "200")
    reply.fields("name version services health docs")
    names = {service["name"] for service in reply["services"]}
    reply.should(names == set(FIGURES), f"name {', '.join(FIGURES)}")
    links = {service["name"]: service["base_url"] for service in reply["services"]}
    for link in (reply["health"], reply["docs"], links["products"]):
        walk.api.ask(f"GET {walk.api.linked(reply, link)}", "200")
    for name in ("users", "orders", "notifications"):
        walk.api.ask(f"GET {walk.api.linked(reply, links[name])}", "401 unauthenticated")


def health(walk: Walk) -> None:
    api = walk.api
    api.ask("GET /health/live", "200").has(status="alive")
    ready = api.ask("GET /health/ready", "200")
    for name in FIGURES:
        ready.should(ready["services"][name]["status"] == "healthy", f"have {name} healthy")
    total = api.ask("GET /health", "200")
    total.has(status="healthy")
    for name, figures in FIGURES.items():
        total.fields(f"status {figures}", total["services"].get(name, {}))
        own = api.ask(f"GET /health/{name}", "200")
        own.has(status="healthy")
        own.fields(f"uptime_seconds memory_mb {figures}")


def docs(walk: Walk) -> None:
    page = walk.api.ask("GET /docs", "200")
    page.should(page.header("Content-Type").startswith("text/html"), "be a page")
    for link in re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page.response.text):
        walk.api.ask(f"GET {walk.api.linked(page, link)}", "200")
    events = walk.api.ask("GET /asyncapi.json", "200")
    events.should(str(events["asyncapi"]).startswith("3."), "be AsyncAPI 3")
    events.fields("channels operations")
    document = walk.api.ask("GET /openapi.json", "200")
    document.should(str(document["openapi"]).startswith("3.1"), "be OpenAPI 3.1")
    document.fields("paths")
    walk.document = document.json


def public_keys(walk: Walk) -> None:
    reply = walk.api.ask("GET /.well-known/jwks.json", "200")
    for key in reply["keys"]:
        reply.fields("kty crv x y kid", key)
        reply.should("d" not in key, "have no private key")
    walk.keys = reply["keys"]


def unknown_paths(walk: Walk) -> None:
    for path in ("/nothing", "/api/v1/orders/1/2/3"):
        walk.api.ask(f"GET {path}", "404 not-found")
    for request in ("DELETE /api/v1/orders", "POST /health"):
        walk.api.ask(request, "405 method-not-allowed").header("Allow")
    for path in ("/health/", "/api/v1/products/"):
        walk.api.ask(f"GET {path}", "200")


def unreadable_bodies(walk: Walk) -> None:
    for expected, content, content_type in (
        ("400 malformed-json", b'{"refresh_token": ', "application/json"),
        ("415 unsupported-media-type", b"refresh_token=x", "text/plain"),
        ("413 payload-too-large", b'"' + b"x" * 300_000 + b'"', "application/json"),
    ):
        walk.api.ask(
            "POST /api/v1/auth/refresh", expected, content=content, Content_Type=content_type
        )


def compression(walk: Walk) -> None:
    """An answer is compressed only on request; on request, every large answer is checked."""
    plain = walk.api.ask("GET /openapi.json", "200", Accept_Encoding="identity")
    plain.should("Content-Encoding" not in plain.response.headers, "not be compressed")
    plain.should(plain.json == walk.document, "be the same document")


def all_answers(walk: Walk) -> None:
    """The promises of every answer; a malformed request id is replaced."""
    walk.api.ask("GET /health/live", "200", X_Request_ID="a b" * 50)
    if walk.api.broken:
        found = (
            f"{what} in {where[0]}" + (f" and {len(where) - 1} more" if where[1:] else "")
            for what, where in walk.api.broken.items()
        )
        raise Unexpected(f"Every answer promises otherwise: {'; '.join(found)}.")


def openapi_document(walk: Walk) -> None:
    """Every expected answer is in the document: its route, status, headers and body."""
    document = given(walk.document, "document")
    routes = {
        re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): operations
        for path, operations in document["paths"].items()
    }
    for asked, expected, response in walk.api.asked:
        status = str(response.status_code)
        if status != expected[:3] or expected in _NO_ROUTE or "/docs/" in asked:
            continue
        method, _, path = asked.partition(" ")
        found = [o for route, o in routes.items() if route.fullmatch(path.rstrip("/") or "/")]
        responses = [o.get(method.lower(), {}).get("responses", {}) for o in found]
        # /users/me fits /users/{id} too; the document has it first.
        described = next((r[status] for r in responses if status in r), None)
        if described is None:
            raise Unexpected(f"openapi.json has no {status} for {asked}.")
        if wrong := _differs(response, _resolved(document, described), document):
            raise Unexpected(f"The {status} of {asked} differs from openapi.json in {wrong}.")


def _differs(response: httpx.Response, described: Json, document: Json) -> str:
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
