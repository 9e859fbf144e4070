"""Who is calling, as FastAPI dependencies: a route that names `Authenticated` or `Admin` lets nobody else in."""

from typing import Annotated

from fastapi import Depends, Request

from shared.errors import Forbidden, Unauthenticated
from shared.tokens import Caller, TokenVerifier


async def _caller(request: Request) -> Caller:
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if not header:
        raise Unauthenticated
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("The Authorization header is not a bearer token.", reason="scheme")
    verifier: TokenVerifier = request.app.state.verifier
    caller = verifier.caller(token.strip())
    request.scope["caller"] = caller
    return caller


async def _admin(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    if not caller.is_admin:
        raise Forbidden("Only an admin may do this.")
    return caller


Authenticated = Annotated[Caller, Depends(_caller)]
Admin = Annotated[Caller, Depends(_admin)]
