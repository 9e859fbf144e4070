"""Who is calling: checked by the rules of shared.auth.access before anything else of a request is looked at."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, Request

from shared.auth.access import RULES, Route, Who
from shared.auth.tokens import Caller, TokenVerifier
from shared.errors import Forbidden, Unauthenticated


async def caller(request: Request) -> Caller:
    """The caller whom the gate let in."""
    admitted: Caller = request.scope["caller"]
    return admitted


Authenticated = Annotated[Caller, Depends(caller)]


class Gate:
    """Lets in whom the rules name.

    Args:
        verifier: checks access tokens; None where all routes are for anyone.
        standing: looks up what the caller's account says by now, where a service keeps accounts: gives the caller in
            no higher role than the account has, or raises Unauthenticated.
        rules: whom each route is for.
    """

    def __init__(
        self,
        verifier: TokenVerifier | None,
        standing: Callable[[Caller], Caller] | None = None,
        rules: Mapping[Route, Who] = RULES,
    ) -> None:
        self._verifier = verifier
        self._standing = standing
        self.rules = rules

    def admit(self, request: Request, path: str) -> None:
        """Let the request pass to the route with this path; who is calling stands in its scope then.

        Raises:
            Unauthenticated: without a valid access token, or from an account that is not active any more.
            Forbidden: from somebody who is no admin.
        """
        who = self.rules[request.method, path]
        if who is Who.ANYONE:
            return
        assert self._verifier, "an app with such a route does not start without one"
        admitted = self._verifier.caller(_bearer_token(request))
        request.scope["caller"] = admitted
        if self._standing:
            admitted = request.scope["caller"] = self._standing(admitted)
        if who is Who.ADMIN and not admitted.is_admin:
            raise Forbidden("Only an admin may do this.")

    @property
    def has_verifier(self) -> bool:
        return self._verifier is not None


def _bearer_token(request: Request) -> str:
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if not header:
        raise Unauthenticated
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("The Authorization header is not a bearer token.", reason="scheme")
    return token.strip()
