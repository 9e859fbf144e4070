"""Log-in, refresh, log-out and the public keys over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Path, Request, Response

from shared.auth.access import allow
from shared.auth.tokens import TokenVerifier
from shared.errors import ServiceUnavailable
from shared.personal import PersonalSecret
from shared.web.responses import header, problems
from shared.web.rest_events import link
from shared.web.routing import GuardedRoute, state
from users.accounts.routes import Authenticated, Source
from users.login_throttle.errors import TooManyAttempts
from users.login_throttle.service import TRUST
from users.sessions.client_labels import client_label
from users.sessions.errors import BadCredentials, BadRefreshToken, SessionNotFound
from users.sessions.schemas import (
    LogInRequest,
    PublicKeysResponse,
    RefreshTokenRequest,
    SessionListResponse,
    SessionResponse,
    TokenPairResponse,
)
from users.sessions.service import SessionService

router = APIRouter(tags=["users"], route_class=GuardedRoute)


async def _client(request: Request) -> str:
    return client_label(request.headers.get("user-agent", ""))


Client = Annotated[str, Depends(_client)]
SessionId = Annotated[str, Path(description="The session's id")]
Sessions = Annotated[SessionService, state("sessions")]
Device = Annotated[str, PersonalSecret, Cookie(description="A device's token from its last log-in")]
Verifier = Annotated[TokenVerifier, state("verifier")]
# A cache before the API and the client may both keep it: two minutes, before a new key signs.
_KEEP = "public, max-age=60"
_LOG_IN = "/api/v1/auth/login"
_WITH_REFRESH_TOKEN = {
    operation: {
        "operationId": operation,
        "requestBody": {"refresh_token": "$response.body#/refresh_token"},
    }
    for operation in ("refreshTokens", "logOut")
}


@router.post(
    _LOG_IN,
    operation_id="logIn",
    summary="Log in: a password for a pair of tokens",
    responses={
        200: {
            "headers": header("Set-Cookie", "The token of the device, for its next log-in."),
            "links": _WITH_REFRESH_TOKEN,
        },
        **problems(
            {
                BadCredentials: "unknown, wrong or deactivated",
                TooManyAttempts: "too many wrong passwords",
            }
        ),
    },
)
@allow("anyone")
async def log_in(
    body: LogInRequest,
    sessions: Sessions,
    source: Source,
    client: Client,
    *,
    request: Request,
    response: Response,
    device: Device = "",
) -> TokenPairResponse:
    pair = sessions.log_in(
        email=body.email, password=body.password, source=source, client=client, device=device
    )
    keep_device(response, pair.device, path=link(request, _LOG_IN))
    return TokenPairResponse.of(pair)


def keep_device(response: Response, device: str, *, path: str) -> None:
    """Have the client send the device's token with its next log-in, to this path only."""
    response.set_cookie(
        "device",
        device,
        max_age=int(TRUST.total_seconds()),
        path=path,
        secure=True,
        httponly=True,
        samesite="strict",
    )


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


@router.post(
    "/api/v1/auth/logout-everywhere",
    status_code=204,
    response_class=Response,
    operation_id="logOutEverywhere",
    summary="End all of the caller's sessions, this one too",
    responses=problems({ServiceUnavailable: "other requests keep changing the account"}),
)
@allow("user")
async def log_out_everywhere(caller: Authenticated, sessions: Sessions) -> None:
    sessions.log_out_everywhere(caller)


@router.get(
    "/api/v1/users/me/sessions",
    operation_id="listSessions",
    summary="The caller's sessions",
)
@allow("user")
async def list_sessions(caller: Authenticated, sessions: Sessions) -> SessionListResponse:
    found = sessions.list(caller.account)
    return SessionListResponse(sessions=[SessionResponse.of(session) for session in found])


@router.delete(
    "/api/v1/users/me/sessions/{session_id}",
    status_code=204,
    response_class=Response,
    operation_id="endSession",
    summary="End a session; its access token is valid until it expires",
    responses=problems({SessionNotFound: "it does not exist, or is another user's"}),
)
@allow("owner")
async def end_session(session_id: SessionId, caller: Authenticated, sessions: Sessions) -> None:
    sessions.end(caller.account, session_id)


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
    return PublicKeysResponse(keys=[dict(key.jwk) for key in verifier.keys.all()])
