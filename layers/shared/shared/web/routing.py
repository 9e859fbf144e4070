"""The class of all routes, and the gate before them: who is calling is checked against the route's
`@allow` before anything else is read."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import Response

from shared.auth.access import Access, declared
from shared.auth.tokens import Caller, TokenVerifier
from shared.errors import Forbidden, InvalidRequest, OwnError, Unauthenticated
from shared.web import request_body
from shared.web.health import Figures, Kept

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant
    from starlette.routing import BaseRoute


async def caller(request: Request) -> Caller:
    """The caller that the gate admitted."""
    admitted: Caller = request.scope["caller"]
    return admitted


async def optional_caller(request: Request) -> Caller | None:
    """The caller that the gate admitted, None for a request without an access token."""
    admitted: Caller | None = request.scope.get("caller")
    return admitted


Authenticated = Annotated[Caller, Depends(caller)]
OptionalCaller = Annotated[Caller | None, Depends(optional_caller)]


def state(name: str) -> Any:
    """The dependency on what `create_app` was given under this name.

    Example:
        `Service = Annotated[OrderService, state("service")]`
    """

    async def find(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(find)


KeptFigures = Annotated[Kept[Figures], state("figures")]
"""The figures of the app's service, as its health route last loaded them."""


class Gate:
    """Admits callers to routes.

    Args:
        verifier: checks access tokens; None if no route of the app reads one.
        standing: looks the account of the caller up, in the service that stores accounts: returns
            the caller in the role that the account has, or raises Unauthenticated.
    """

    def __init__(
        self,
        verifier: TokenVerifier | None,
        standing: Callable[[Caller], Caller] | None = None,
    ) -> None:
        self.verifier = verifier
        self._standing = standing

    def admit(self, request: Request, access: Access) -> None:
        """Let a request pass to a route, and put its caller into the request's scope.

        Raises:
            Unauthenticated: the access token is missing or invalid, or its account inactive.
            Forbidden: the caller's role may not call the route.
        """
        if not access.reads_token:
            return
        header = request.headers.get("authorization", "")
        if access.is_public and not header:
            return
        assert self.verifier, "an app with such a route does not start without one"
        admitted = self.verifier.caller(_bearer_token(header))
        request.scope["caller"] = admitted
        if self._standing:
            admitted = request.scope["caller"] = self._standing(admitted)
        if not access.admits(admitted.role):
            raise Forbidden(f"Only {_named(access)} may do this.")


def _named(access: Access) -> str:
    return " or ".join(
        f"{'an' if role[0] in 'aeiou' else 'a'} {role}" for role in sorted(access.groups)
    )


def _bearer_token(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if not header:
        raise Unauthenticated
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("The Authorization header is not a bearer token.", reason="scheme")
    return token.strip()


class NotGuarded(OwnError):
    """An app has a route without a guard, or with one that does not fit the route's code."""


class GuardedRoute(APIRoute):
    """Admits the callers of its endpoint's `@allow`, and only then reads the rest of a request.

    Raises:
        NotDeclared: the endpoint has no `@allow`.
    """

    @property
    def access(self) -> Access:
        """Who may call it."""
        return declared(self.endpoint)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        access = self.access
        is_needed = self.body_field is not None
        takes_any_path = self.path != self.path_format

        async def handle_guarded(request: Request) -> Response:
            gate: Gate = request.app.state.gate
            gate.admit(request, access)
            if not takes_any_path:
                _check_query(request, self.dependant)
            return await handle(await request_body.checked(request, is_needed=is_needed))

        return handle_guarded


def _check_query(request: Request, dependant: "Dependant") -> None:
    """Refuse a parameter that the route does not have, and one that is given twice: a cache or a
    firewall may have read the other of its two values."""
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
    """Return if the gate guards every route.

    Raises:
        NotGuarded: a route is of another class, or depends on a caller that is not checked.
    """
    for route in iter_route_contexts(list(routes)):
        guarded = route.original_route
        if not isinstance(guarded, GuardedRoute):
            raise NotGuarded(f"{route.path}: its router's route_class must be GuardedRoute")
        name, access = (
            f"{' '.join(sorted(route.methods or ()))} {route.path_format}",
            guarded.access,
        )
        if access.is_public and _depends_on(route.dependant, caller):
            raise NotGuarded(f"{name} is for anyone: it may depend on no caller")
        if not access.reads_token and _depends_on(route.dependant, optional_caller):
            raise NotGuarded(f"{name} reads no token: it may depend on no optional caller")
        if access.reads_token and not gate.verifier:
            raise NotGuarded(f"{name} needs a verifier of tokens")


def _depends_on(dependant: "Dependant", dependency: Callable[..., Any]) -> bool:
    """Whether a route depends on this, directly or through another dependency."""
    return any(below.call is dependency for below in _dependants(dependant))


def _dependants(dependant: "Dependant") -> "Iterator[Dependant]":
    yield dependant
    for below in dependant.dependencies:
        yield from _dependants(below)
