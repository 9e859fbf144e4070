"""The class of all routes, which asks who is calling before it reads what was sent."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import Response

from shared.auth.access import Who
from shared.auth.authentication import Gate, caller
from shared.errors import InvalidRequest
from shared.web import request_body

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant
    from starlette.routing import BaseRoute


class NotGuarded(Exception):
    """An app has a route whose guard is missing, or is not what the route's code expects."""


class GuardedRoute(APIRoute):
    """A route that lets in whom the app's gate does, and only then reads what was sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        is_needed = self.body_field is not None
        takes_any_path = self.path != self.path_format

        async def handle_guarded(request: Request) -> Response:
            gate: Gate = request.app.state.gate
            gate.admit(request, self.path_format)
            if not takes_any_path:
                _check_query(request, self.dependant)
            return await handle(await request_body.checked(request, is_needed=is_needed))

        return handle_guarded


def _check_query(request: Request, dependant: "Dependant") -> None:
    """Refuse a parameter that the route does not have, and one that is given twice: of its two values, a cache or a
    firewall in front may have looked at the other one."""
    query: bytes = request.scope["query_string"]
    if not query:
        return
    known = {field.alias for below in _dependants(dependant) for field in below.query_params}
    seen: set[str] = set()
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            raise InvalidRequest([{"pointer": "#/query", "detail": f"{name}: is not a parameter"}])
        if name in seen:
            raise InvalidRequest([{"pointer": "#/query", "detail": f"{name}: must be given once"}])
        seen.add(name)


def check(routes: "Iterable[BaseRoute]", gate: Gate) -> None:
    """Whether the gate stands in front of every route.

    Raises:
        NotGuarded: of a route that is not declared, is of another class, or asks for a caller where none is checked.
    """
    for route in iter_route_contexts(list(routes)):
        if not isinstance(route.original_route, GuardedRoute):
            raise NotGuarded(f"{route.path}: its router's route_class must be GuardedRoute")
        if route.path_format != route.original_route.path_format:
            raise NotGuarded(f"{route.path}: a prefix hides the path that is declared")
        for method in route.methods or ():
            who = gate.rules.get((method, route.path_format))
            if who is None:
                raise NotGuarded(
                    f"{method} {route.path_format} does not stand in shared.auth.access"
                )
            if who is Who.ANYONE and _asks_for_caller(route.dependant):
                raise NotGuarded(f"{method} {route.path_format} is for anyone: it has no caller")
            if who is not Who.ANYONE and not gate.has_verifier:
                raise NotGuarded(f"{method} {route.path_format} needs a verifier of tokens")


def _asks_for_caller(dependant: "Dependant") -> bool:
    """Whether a route depends on the caller, itself or through something else."""
    return any(below.call is caller for below in _dependants(dependant))


def _dependants(dependant: "Dependant") -> "Iterator[Dependant]":
    yield dependant
    for below in dependant.dependencies:
        yield from _dependants(below)
