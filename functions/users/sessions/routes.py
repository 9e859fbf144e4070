"""Log-in, refresh, log-out and the public keys over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Response

from shared.auth.access import allow
from shared.auth.tokens import TokenVerifier
from shared.web.responses import header, problems
from shared.web.routing import GuardedRoute, state
from users.accounts.routes import Source
from users.login_throttle.errors import TooManyAttempts
from users.sessions.errors import BadCredentials, BadRefreshToken
from users.sessions.schemas import (
    LogInRequest,
    PublicKeysResponse,
    RefreshTokenRequest,
    TokenPairResponse,
)
from users.sessions.service import SessionService

router = APIRouter(tags=["users"], route_class=GuardedRoute)


Sessions = Annotated[SessionService, state("sessions")]
Verifier = Annotated[TokenVerifier, state("verifier")]
_KEEP = "public, max-age=300"
_WITH_REFRESH_TOKEN = {
    operation: {
        "operationId": operation,
        "requestBody": {"refresh_token": "$response.body#/refresh_token"},
    }
    for operation in ("refreshTokens", "logOut")
}


@router.post(
    "/api/v1/auth/login",
    operation_id="logIn",
    summary="Log in: a password for a pair of tokens",
    responses={
        200: {"links": _WITH_REFRESH_TOKEN},
        **problems(
            {
                BadCredentials: "unknown, wrong or deactivated",
                TooManyAttempts: "too many wrong passwords",
            }
        ),
    },
)
@allow("anyone")
async def log_in(body: LogInRequest, sessions: Sessions, source: Source) -> TokenPairResponse:
    pair = sessions.log_in(email=body.email, password=body.password, source=source)
    return TokenPairResponse.of(pair)


@router.post(
    "/api/v1/auth/refresh",
    operation_id="refreshTokens",
    summary="The next pair of tokens; the refresh token is spent",
    responses=problems(
        {BadRefreshToken: "unknown, spent, ended or expired; a spent one ends its family"}
    ),
)
@allow("anyone")
async def refresh_tokens(body: RefreshTokenRequest, sessions: Sessions) -> TokenPairResponse:
    return TokenPairResponse.of(sessions.refresh(body.refresh_token))


@router.post(
    "/api/v1/auth/logout",
    status_code=204,
    response_class=Response,  # without a body, and so without a type
    operation_id="logOut",
    summary="Log out: end the refresh token's family, if it has one",
)
@allow("anyone")
async def log_out(body: RefreshTokenRequest, sessions: Sessions) -> None:
    sessions.log_out(body.refresh_token)


@router.get(
    "/.well-known/jwks.json",
    operation_id="getPublicKeys",
    summary="The public keys that access tokens verify with",
    responses={
        200: {"headers": header("Cache-Control", "Keys may be cached for this long.", const=_KEEP)}
    },
)
@allow("anyone")
async def get_public_keys(verifier: Verifier, response: Response) -> PublicKeysResponse:
    response.headers["Cache-Control"] = _KEEP
    return PublicKeysResponse(keys=[dict(key.jwk) for key in verifier.keys])
