"""docs/access.md: who may call each route, from the routes' own declarations. `make tables` writes
it."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.template import services

if TYPE_CHECKING:
    from shared.auth.access import Access

SERVICES: Final = tuple(services())

type Route = tuple[str, str]
"""A method, and a path as OpenAPI writes it."""

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "access.md"


def routes(service: str) -> Mapping[Route, "Access"]:
    """The routes of a service, and who may call each."""
    from fastapi.routing import iter_route_contexts

    from shared.auth import access

    return {
        (method, route.path_format or ""): access.declared(route.endpoint)
        for route in iter_route_contexts(importlib.import_module(f"{service}.api").router.routes)
        for method in sorted(route.methods or ())
        if route.endpoint
    }


def declared(services: Iterable[str] = SERVICES) -> Mapping[Route, "Access"]:
    """The routes of these services, and who may call each."""
    return {route: access for service in services for route, access in routes(service).items()}


def document() -> str:
    """docs/access.md as it has to be."""
    return "\n".join([*_lines(), ""])


def _lines() -> Iterator[str]:
    yield "# Who may call which route"
    yield ""
    yield "Generated from the `@allow` of each route (`shared.auth.access`): `make tables` writes it, and"
    yield "`tests/access/test_matrix.py` fails while it differs, and calls every route as every kind of caller. A route that"
    yield "needs an access token answers 401 without one, before it reads anything else of the request."
    for service in SERVICES:
        yield from ("", f"## {service}", "", "| route | who |", "| --- | --- |")
        for (method, path), access in routes(service).items():
            yield f"| `{method} {path}` | {access} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
