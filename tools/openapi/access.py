"""docs/access.md: who may call each route, from the routes' own declarations. `make tables` writes
it."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from tools.template import ROOT, resources, services

if TYPE_CHECKING:
    from fastapi import APIRouter

    from shared.auth.access import Access

SERVICES: Final = tuple(services())

type Route = tuple[str, str]
"""A method, and a path as OpenAPI writes it."""

DOCUMENT: Final = ROOT / "docs/access.md"


_HEAD: Final = """\
# Who may call which route

Generated from the `@allow` of each route (`shared.auth.access`): `make tables` writes it.
`tests/access/test_matrix.py` fails while it differs, and calls every route as every kind of caller.
A route that needs an access token answers 401 without one, before it reads anything else of the
request."""


def routers(service: str) -> "list[APIRouter]":
    """The routes of each function of a service that the API sends requests to."""
    entries = [
        function["Handler"].removesuffix(".handler")
        for function in resources("AWS::Serverless::Function").values()
        if any(source["Type"] == "Api" for source in function.get("Events", {}).values())
    ]
    return [
        importlib.import_module(entry).router
        for entry in entries
        if entry.partition(".")[0] == service
    ]


def routes(service: str) -> Mapping[Route, "Access"]:
    """The routes of a service, and who may call each."""
    from fastapi.routing import iter_route_contexts

    from shared.auth import access

    return {
        (method, route.path_format or ""): access.declared(route.endpoint)
        for router in routers(service)
        for route in iter_route_contexts(router.routes)
        for method in sorted(route.methods or ())
        if route.endpoint
    }


def declared() -> Mapping[Route, "Access"]:
    """The routes of all services, and who may call each."""
    return {route: access for service in SERVICES for route, access in routes(service).items()}


def document() -> str:
    """docs/access.md as it has to be."""
    lines = [_HEAD]
    for service in SERVICES:
        lines += ["", f"## {service}", "", "| route | who |", "| --- | --- |"]
        for (method, path), access in routes(service).items():
            lines.append(f"| `{method} {path}` | {access} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    DOCUMENT.write_text(document())
