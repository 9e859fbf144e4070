"""The routes: what each takes, answers and says of itself in the API's document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from shared import health
from shared.auth import Authenticated
from shared.tokens import Caller, TokenVerifier
from users.bodies import (
    Account,
    AccountChange,
    Accounts,
    Deactivated,
    HeldToken,
    LogIn,
    PublicKeys,
    Registration,
    TokenPair,
    UsersHealth,
)
from users.models import User
from users.service import UserService
from users.sessions import SessionService

router = APIRouter(tags=["users"])


@dataclass(frozen=True)
class _Acting:
    """Who is calling, in the role that the account still has, and the account itself."""

    caller: Caller
    account: User


async def _users(request: Request) -> UserService:
    users: UserService = request.app.state.users
    return users


async def _sessions(request: Request) -> SessionService:
    sessions: SessionService = request.app.state.sessions
    return sessions


async def _source(request: Request) -> str:
    return request.client.host if request.client else ""


Users = Annotated[UserService, Depends(_users)]
Sessions = Annotated[SessionService, Depends(_sessions)]
Source = Annotated[str, Depends(_source)]
Id = Annotated[str, Path(alias="id", description="The user's id")]


async def _acting(caller: Authenticated, users: Users) -> _Acting:
    return _Acting(*users.acting(caller))


Acting = Annotated[_Acting, Depends(_acting)]

type _Responses = Mapping[int, str]


def _answers(texts: _Responses) -> dict[int | str, dict[str, Any]]:
    return {status: {"description": text} for status, text in texts.items()}


_UNAUTHENTICATED = "`unauthenticated`: no valid access token, or its account is not active"
_NOT_FOUND = "`user-not-found`: there is none, or it is somebody else's"
_INVALID = "`invalid-request`: see `errors`"
_TOO_MANY = "`too-many-attempts`: `Retry-After` says for how many seconds"
_MALFORMED = "`malformed-json`: the body is not JSON"


@router.post(
    "/api/v1/users",
    status_code=201,
    operation_id="registerUser",
    summary="Register",
    responses={
        201: {
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "The account's path"}
            }
        },
        **_answers({400: _MALFORMED, 409: "`email-taken`: another account has it", 422: _INVALID}),
    },
)
async def register_user(
    body: Registration, users: Users, source: Source, response: Response
) -> Account:
    user = users.register(body, source=source)
    response.headers["Location"] = f"/api/v1/users/{user.id}"
    return Account.model_validate(user)


@router.get(
    "/api/v1/users",
    operation_id="listUsers",
    summary="All users, newest first",
    responses=_answers(
        {
            400: "`invalid-cursor`: forged, or of another list or caller",
            401: _UNAUTHENTICATED,
            403: "`forbidden`: only for admins",
            422: _INVALID,
        }
    ),
)
async def list_users(
    acting: Acting,
    users: Users,
    *,
    active: Annotated[
        bool | None, Query(description="Only active (true) or deactivated (false) accounts")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> Accounts:
    listing = users.list(acting.caller, active=active, limit=limit, cursor=cursor)
    return Accounts(
        users=[Account.model_validate(user) for user in listing.users],
        count=len(listing.users),
        next_cursor=listing.next_cursor,
    )


@router.get(
    "/api/v1/users/me",
    operation_id="getOneself",
    summary="One's own account",
    responses=_answers({401: _UNAUTHENTICATED}),
)
async def get_oneself(acting: Acting) -> Account:
    return Account.model_validate(acting.account)


@router.get(
    "/api/v1/users/{id}",
    operation_id="getUser",
    summary="An account: one's own, or any for an admin",
    responses=_answers({401: _UNAUTHENTICATED, 404: _NOT_FOUND}),
)
async def get_user(user_id: Id, acting: Acting, users: Users) -> Account:
    return Account.model_validate(users.get(acting.caller, user_id))


@router.put(
    "/api/v1/users/{id}",
    operation_id="changeUser",
    summary="Change an account; fields left out stay",
    responses=_answers(
        {
            400: _MALFORMED,
            401: _UNAUTHENTICATED,
            403: "`forbidden`: role and is_active are for admins, or the current password is wrong",
            404: _NOT_FOUND,
            409: "`email-taken`: another account has it",
            422: _INVALID,
            429: _TOO_MANY,
            503: "`service-unavailable`: other requests keep changing the account; try again",
        }
    ),
)
async def change_user(
    user_id: Id, body: AccountChange, acting: Acting, users: Users, source: Source
) -> Account:
    return Account.model_validate(users.change(acting.caller, user_id, body, source=source))


@router.delete(
    "/api/v1/users/{id}",
    operation_id="deactivateUser",
    summary="Deactivate an account; it stays, inactive",
    responses=_answers(
        {
            401: _UNAUTHENTICATED,
            404: _NOT_FOUND,
            503: "`service-unavailable`: other requests keep changing the account; try again",
        }
    ),
)
async def deactivate_user(user_id: Id, acting: Acting, users: Users) -> Deactivated:
    users.deactivate(acting.caller, user_id)
    return Deactivated()


@router.post(
    "/api/v1/auth/login",
    operation_id="logIn",
    summary="Log in: a password for a pair of tokens",
    responses=_answers(
        {
            400: _MALFORMED,
            401: "`bad-credentials`: unknown, wrong or deactivated",
            422: _INVALID,
            429: _TOO_MANY,
        }
    ),
)
async def log_in(body: LogIn, sessions: Sessions, source: Source) -> TokenPair:
    return sessions.log_in(body, source=source)


@router.post(
    "/api/v1/auth/refresh",
    operation_id="refreshTokens",
    summary="The next pair of tokens; the refresh token is spent",
    responses=_answers(
        {
            400: _MALFORMED,
            401: "`bad-refresh-token`: unknown, spent, ended or expired; a spent one ends its family",
            422: _INVALID,
        }
    ),
)
async def refresh_tokens(body: HeldToken, sessions: Sessions) -> TokenPair:
    return sessions.refresh(body.refresh_token)


@router.post(
    "/api/v1/auth/logout",
    status_code=204,
    response_class=Response,  # without a body, and so without a type
    operation_id="logOut",
    summary="Log out: end the refresh token's family, if it has one",
    responses=_answers({400: _MALFORMED, 422: _INVALID}),
)
async def log_out(body: HeldToken, sessions: Sessions) -> None:
    sessions.log_out(body.refresh_token)


@router.get(
    "/health/users",
    operation_id="usersHealth",
    summary="The users service's own health",
    response_model_exclude_none=True,
)
async def users_health(users: Users) -> UsersHealth:
    return health.report(UsersHealth, users.totals)


@router.get(
    "/.well-known/jwks.json",
    operation_id="getPublicKeys",
    summary="The public keys that access tokens verify with",
)
async def get_public_keys(request: Request, response: Response) -> PublicKeys:
    verifier: TokenVerifier = request.app.state.verifier
    response.headers["Cache-Control"] = "public, max-age=300"
    return PublicKeys(keys=[dict(key.jwk) for key in verifier.keys.values()])
