"""The OpenAPI document: what FastAPI makes of the routes and schemas, what follows for a route from
its access rule, its parameters and its body, and base.yaml."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tools.openapi import links
from tools.openapi.access import SERVICES, declared, routers
from tools.template import resources, services

if TYPE_CHECKING:
    from shared.auth.access import Access

type Node = dict[str, Any]

_BASE: Final = Path(__file__).with_name("base.yaml")
# Headers that only answers of some statuses have.
_HEADERS: Final = {
    "401": ["X-Amzn-Remapped-WWW-Authenticate"],
    "429": ["Retry-After"],
    "503": ["Retry-After"],
}


def document() -> Node:
    """The document of all services."""
    from fastapi.openapi.utils import get_openapi
    from fastapi.routing import iter_route_contexts

    from gateway import NAME, VERSION
    from tools.openapi import problems

    base: Node = yaml.safe_load(_BASE.read_text())
    made = get_openapi(
        title=NAME,
        version=VERSION,
        description=base["description"],
        routes=[
            route
            for service in SERVICES
            for router in routers(service)
            for route in iter_route_contexts(router.routes)
        ],
        tags=[_tag(service, title) for service, title in services().items()],
        servers=base["servers"],
    )
    general = {name: _with_headers(*one) for name, one in problems.general().items()}
    access = declared()
    for path, method, operation in operations(made):
        operation.setdefault("parameters", [])
        if operation["responses"].get("422", {}).get("description") == "Validation Error":
            del operation["responses"]["422"]  # FastAPI's own
        _add_access(operation, access[method.upper(), path])
        problems.add_general(operation)
        operation["responses"] = {
            status: _shared(_with_headers(status, response), general)
            for status, response in sorted(operation["responses"].items())
        }
        _finish_parameters(operation["parameters"])
    links.add(made["paths"])
    schemas = untitled(made["components"]["schemas"])
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    said = base["components"].pop("schemas")
    # Each code's schema has the members of every problem.
    problem = said.pop("Problem")
    schemas |= problems.schemas([made["paths"], general], problem) | said
    made["components"] |= base["components"] | {"responses": general}
    return made


def operations(made: Node) -> Iterator[tuple[str, str, Node]]:
    """Each operation of a document, with its path and its method in small letters."""
    for path, item in made["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def untitled(schemas: Node) -> Node:
    """The schemas without the titles of members, which pydantic makes of their names."""
    for schema in schemas.values():
        for member in schema.get("properties", {}).values():
            member.pop("title", None)
    return schemas


def _tag(service: str, title: str) -> Node:
    function = resources("AWS::Serverless::Function")[f"{title}Api"]
    return {"name": service.replace("_", "-"), "description": function["Description"]}


def _add_access(operation: Node, access: "Access") -> None:
    said = operation.get("description")
    operation["description"] = "\n\n".join(filter(None, [f"For {access}.", said]))
    if access.reads_token:
        operation["security"] = [{"bearerAuth": []}, *([{}] if access.is_public else [])]


def _with_headers(status: str, response: Node) -> Node:
    """The response with the headers that all answers of its status have."""
    common = ["X-Request-ID", "X-Process-Time", *_HEADERS.get(status, ())]
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in common}
    if int(status) < 400:
        headers["Cache-Control"] = {"$ref": "#/components/headers/No-Store"}
    return response | {"headers": headers | response.get("headers", {})}


def _shared(response: Node, general: Node) -> Node:
    """A reference in the place of a response that many operations have."""
    for name, component in general.items():
        if response == component:
            return {"$ref": f"#/components/responses/{name}"}
    return response


def _finish_parameters(parameters: list[Node]) -> None:
    # HTTP clients keep and send cookies by themselves; as a parameter, a generated client would
    # send an empty one.
    parameters[:] = [parameter for parameter in parameters if parameter["in"] != "cookie"]
    for parameter in parameters:
        schema = parameter["schema"]
        # FastAPI repeats them in the schema, and makes the title of the name.
        for repeated in ("title", "description"):
            schema.pop(repeated, None)
        # A parameter that may be left out is none that may be null.
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        schema |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}
    parameters.append({"$ref": "#/components/parameters/X-Request-ID"})
