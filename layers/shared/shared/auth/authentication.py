"""The gate: checks the caller against the route's `@allow` before anything else is read."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from shared.auth.access import Access
from shared.auth.tokens import Caller, TokenVerifier
from shared.errors import Forbidden, Unauthenticated


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


class Gate:
    """Admits callers to routes.

    Args:
        verifier: checks access tokens; None if no route of the app reads one.
        standing: looks the account of the caller up, in the service that stores accounts: returns
            the caller in no higher role than the account has, or raises Unauthenticated.
    """

    def __init__(
        self,
        verifier: TokenVerifier | None,
        standing: Callable[[Caller], Caller] | None = None,
    ) -> None:
        self._verifier = verifier
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
        assert self._verifier, "an app with such a route does not start without one"
        admitted = self._verifier.caller(_bearer_token(header))
        request.scope["caller"] = admitted
        if self._standing:
            admitted = request.scope["caller"] = self._standing(admitted)
        if not access.admits(admitted.role):
            raise Forbidden(f"Only {_named(access)} may do this.")

    @property
    def has_verifier(self) -> bool:
        return self._verifier is not None


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
