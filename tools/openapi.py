"""Builds what the gateway serves as documentation: `python tools/openapi.py <folder>`.

One OpenAPI 3.1 document, made of the services' own routes, and Swagger UI's assets for the page that shows it.
"""

import importlib
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

ROOT: Final = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "functions"), str(ROOT / "layers/shared")]

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant
    from fastapi.routing import RouteContext

type Node = dict[str, Any]

SERVICES: Final = ("users", "products", "orders", "notifications", "gateway")
_ASSETS_PACKAGE: Final = "fastapi-swagger"
_SCHEMAS: Final = "#/components/schemas/"

_DESCRIPTION: Final = """\
A shop's backend: users, products, orders and notifications.

**Log in** with `POST /api/v1/auth/login` and send the `access_token` as `Authorization: Bearer …`.

**Errors** are `application/problem+json` (RFC 9457); the last part of `type` is a stable code.

**Requests** may carry an `X-Request-ID` (up to 128 letters, digits and `._:/+=@-`): the answer, the log and every \
event that follows carry the same one. Others get a new one.

**Lists** are read page by page: send `next_cursor` back as `cursor` until it is null.

**Money** is a decimal string with two places. Times are RFC 3339 in UTC. Ids are opaque.
"""

_TAGS: Final = {
    "users": "Accounts, log-ins and the public keys of access tokens",
    "products": "The catalogue and its stock",
    "orders": "From click to delivery",
    "notifications": "What customers and admins were told",
    "gateway": "Health, and this documentation",
}

_PROBLEM: Final[Node] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457). Some codes add members of their own, such as `product_id`.",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Its last part is the code",
            "examples": ["/problems/not-found"],
        },
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked for"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Of a 422: what is wrong, and where",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "A JSON pointer into the body, or `#/query/…`, `#/path/…`, `#/header/…`",
                        "examples": ["#/items/0/quantity"],
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

_HEADERS: Final[Node] = {
    "X-Request-ID": {
        "description": "The request's id: the caller's own if it was sane, else a new one",
        "schema": {"type": "string"},
    },
    "X-Process-Time": {
        "description": "Milliseconds that the service took",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750)",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again",
        "schema": {"type": "string"},
    },
}
_OWN_HEADERS: Final = {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}
_OF_BODIES: Final = {
    "400": "`malformed-json`",
    "413": "`payload-too-large`: the body is over 256 KB",
    "415": "`unsupported-media-type`: the body is not `application/json`",
}
_PROBLEM_CONTENT: Final[Node] = {
    "application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}Problem"}}
}


def document(services: Sequence[str] = SERVICES) -> Node:
    """The document of these services' routes, as the contract has them: with problems, tokens and headers."""
    from fastapi.openapi.utils import get_openapi
    from fastapi.routing import iter_route_contexts

    from gateway import NAME, VERSION

    routes = [
        route
        for service in services
        for route in iter_route_contexts(importlib.import_module(f"{service}.api").router.routes)
    ]
    made = get_openapi(
        title=NAME,
        version=VERSION,
        description=_DESCRIPTION,
        routes=routes,
        tags=[{"name": name, "description": _TAGS[name]} for name in services],
        # Relative to the document, so that it holds behind the stage of API Gateway's own host name as well.
        servers=[{"url": ".", "description": "Where this document is"}],
    )
    guarded = {
        (route.path_format, method.lower())
        for route in routes
        if _needs_caller(route)
        for method in route.methods or ()
    }
    for path, method, operation in operations(made):
        _finish(operation, secured=(path, method) in guarded)
    schemas = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    made["components"] |= {
        "headers": _HEADERS,
        "securitySchemes": {
            "bearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        },
    }
    return _renamed(made)


def operations(made: Node) -> Iterator[tuple[str, str, Node]]:
    """Each operation of a document, with its path and its method in small letters."""
    for path, item in made["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _needs_caller(route: "RouteContext") -> bool:
    """Whether the route depends on `shared.auth`, itself or through `Admin` and the like."""
    from shared.auth import Authenticated

    caller = get_args(Authenticated)[1].dependency
    return any(dependant.call is caller for dependant in _dependants(route.dependant))


def _dependants(dependant: "Dependant") -> Iterator["Dependant"]:
    yield dependant
    for below in dependant.dependencies:
        yield from _dependants(below)


def _finish(operation: Node, *, secured: bool) -> None:
    responses = operation["responses"]
    if secured:
        operation["security"] = [{"bearerAuth": []}]
        responses.setdefault("401", {"description": "No access token, or not a valid one"})
    for parameter in operation.get("parameters", ()):
        if parameter["schema"].pop("x-required", False):
            parameter["required"] = True
        parameter["schema"] = _without_null(parameter["schema"])
    if "422" in responses and "HTTPValidationError" in json.dumps(responses["422"]):
        responses["422"] = {"description": "The request is not valid"}
    if "requestBody" in operation:
        for status, description in _OF_BODIES.items():
            responses.setdefault(status, {"description": description})
    responses.setdefault("default", {"description": "Any other error"})
    for status, response in responses.items():
        names = ["X-Request-ID", "X-Process-Time"]
        is_error = status == "default" or int(status) >= 400
        if is_error and "content" not in response:
            response["content"] = _PROBLEM_CONTENT
            names += _OWN_HEADERS.get(status, ())
        ours = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = ours | response.get("headers", {})
    operation["responses"] = dict(sorted(responses.items()))


def _without_null(schema: Node) -> Node:
    """FastAPI says "or null" of whatever may be left out, but a query or a header cannot be null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def _renamed(made: Node) -> Node:
    """Schemas whose names clash bear their modules' (`orders__models__Line`): `OrdersLine` reads better."""
    schemas = made["components"]["schemas"]
    shorter: dict[str, str] = {}
    for name in schemas:
        service, *_modules, last = name.split("__") if "__" in name else ("", name)
        new = service.title() + last
        if new not in schemas and new not in shorter.values():
            shorter[name] = new
    text = json.dumps(made)
    for old, new in shorter.items():
        text = text.replace(f'"{_SCHEMAS}{old}"', f'"{_SCHEMAS}{new}"')
    renamed: Node = json.loads(text)
    renamed["components"]["schemas"] = {
        shorter.get(name, name): schema
        for name, schema in sorted(renamed["components"]["schemas"].items())
    }
    return renamed


def write(folder: Path) -> None:
    """Write the document and the page's assets into a folder, which must exist."""
    from gateway.site import ASSETS, DOCUMENT

    compact = json.dumps(document(), ensure_ascii=False, separators=(",", ":"))
    (folder / DOCUMENT).write_text(compact)
    source = resources.files("fastapi_swagger.resources")
    for name in ASSETS:
        with resources.as_file(source / name) as asset:
            shutil.copyfile(asset, folder / name)
    for licence in _licences():
        shutil.copyfile(licence, folder / f"{_ASSETS_PACKAGE}.{licence.name}")


def _licences() -> Iterable[Path]:
    for file in metadata.files(_ASSETS_PACKAGE) or ():
        if "licenses" in file.parts:
            yield Path(str(file.locate()))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
