"""Accounts over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BeforeValidator

from shared.auth.access import allow
from shared.contracts.directory import UserNotFound
from shared.errors import Forbidden, ServiceUnavailable
from shared.web import health
from shared.web.paging import Paging
from shared.web.responses import location, problems
from shared.web.rest_events import link
from shared.web.routing import GuardedRoute, KeptFigures, caller, state
from users.accounts.errors import AccountErased, CurrentPasswordRequired, EmailTaken, LastAdmin
from users.accounts.models import ActiveCaller, Position
from users.accounts.schemas import (
    AccountChangeRequest,
    AccountListResponse,
    AccountResponse,
    DeactivationRequest,
    DeactivationResponse,
    RegistrationRequest,
    UsersHealth,
)
from users.accounts.service import AccountService
from users.login_throttle.errors import TooManyAttempts

router = APIRouter(tags=["users"], route_class=GuardedRoute)


async def _source(request: Request) -> str:
    return request.client.host if request.client else ""


Accounts = Annotated[AccountService, state("accounts")]
Source = Annotated[str, Depends(_source)]
# The gate of this app looks the account up.
Authenticated = Annotated[ActiveCaller, Depends(caller)]
UserId = Annotated[str, Path(alias="id", description="The user's id")]


def _true_or_false(value: object) -> object:
    """An erasure cannot be undone: "1" and "yes" do not ask for one."""
    if value not in (False, "true", "false"):
        raise ValueError("must be true or false")
    return value


Erase = Annotated[
    bool,
    Query(description="Also erase the person's data, for ever. Exactly `true` or `false`."),
    BeforeValidator(_true_or_false),
]
_ERASURE = (
    "The account becomes inactive and all its sessions end. Its e-mail address stays taken.\n\n"
    "With `erase=true` the person's data is overwritten as well, in every service; the owner's "
    "request needs the body with the current password. It overwrites name and e-mail "
    "address in the account and its events, in the orders and their histories, and the texts of "
    "the notifications. The orders' amounts, lines, statuses and times stay; the history of each "
    "says `user.erased`. The account is erased with the answer, the rest within seconds, and "
    "messages in transit at that moment within a few minutes. Open orders continue, without "
    "another e-mail. The address is free to register with again; the account cannot be changed or "
    "activated any more. A repetition changes nothing, and an admin can erase an account that is "
    "inactive already."
)
_LOG_IN = {
    "logIn": {
        "operationId": "logIn",
        "requestBody": {
            "email": "$request.body#/email",
            "password": "$request.body#/password",
        },
    }
}
_NO_BODY = DeactivationRequest()
_NOT_FOUND = "it does not exist, or is another user's"
_BUSY = "other requests keep changing the account"
_LAST = "no other active admin would be left"
_TOO_MANY = "too many wrong passwords"


@router.post(
    "/api/v1/users",
    status_code=201,
    operation_id="registerUser",
    summary="Register",
    responses={
        201: {"headers": location("The account's path."), "links": _LOG_IN},
        **problems({EmailTaken: "another account has the address"}),
    },
)
@allow("anyone")
async def register_user(
    body: RegistrationRequest,
    accounts: Accounts,
    source: Source,
    request: Request,
    response: Response,
) -> AccountResponse:
    user = accounts.register(
        email=body.email, full_name=body.full_name, password=body.password, source=source
    )
    response.headers["Location"] = link(request, f"/api/v1/users/{user.id}")
    return AccountResponse.of(user)


@router.get(
    "/api/v1/users",
    operation_id="listUsers",
    summary="All users, newest first",
)
@allow("admin")
async def list_users(
    caller: Authenticated,
    accounts: Accounts,
    paging: Paging,
    *,
    active: Annotated[
        bool | None, Query(description="Only active (true) or deactivated (false) accounts")
    ] = None,
) -> AccountListResponse:
    opened = paging.open()
    after = Position(*opened) if opened else None
    page = accounts.list(caller, active=active, limit=paging.limit, after=after)
    return AccountListResponse(
        users=[AccountResponse.of(user) for user in page.items],
        count=len(page.items),
        next_cursor=paging.seal(page.last),
    )


@router.get(
    "/api/v1/users/me",
    operation_id="getOneself",
    summary="The caller's own account",
)
@allow("user")
async def get_oneself(caller: Authenticated) -> AccountResponse:
    return AccountResponse.of(caller.account)


@router.get(
    "/api/v1/users/{id}",
    operation_id="getUser",
    summary="An account: the caller's own, or any for an admin",
    responses=problems({UserNotFound: _NOT_FOUND}),
)
@allow("owner", "admin")
async def get_user(user_id: UserId, caller: Authenticated, accounts: Accounts) -> AccountResponse:
    return AccountResponse.of(accounts.get(caller, user_id))


@router.put(
    "/api/v1/users/{id}",
    operation_id="changeUser",
    summary="Change an account; fields that are left out keep their values",
    responses=problems(
        {
            Forbidden: "role and is_active are for admins, email and password for the owner, or "
            "the current password is wrong",
            CurrentPasswordRequired: "the current password is missing",
            UserNotFound: _NOT_FOUND,
            AccountErased: "the person's data was erased",
            LastAdmin: _LAST,
            TooManyAttempts: _TOO_MANY,
            ServiceUnavailable: _BUSY,
        }
    ),
)
@allow("owner", "admin")
async def change_user(
    user_id: UserId,
    body: AccountChangeRequest,
    caller: Authenticated,
    accounts: Accounts,
    source: Source,
) -> AccountResponse:
    user = accounts.change(
        caller,
        user_id,
        body.changes,
        source=source,
        email=body.email,
        password=body.password,
        current_password=body.current_password,
    )
    return AccountResponse.of(user)


@router.delete(
    "/api/v1/users/{id}",
    operation_id="deactivateUser",
    summary="Deactivate an account, and with `erase` erase its personal data",
    description=_ERASURE,
    responses=problems(
        {
            Forbidden: "the current password is wrong",
            UserNotFound: _NOT_FOUND,
            LastAdmin: _LAST,
            CurrentPasswordRequired: "the current password is missing",
            TooManyAttempts: _TOO_MANY,
            ServiceUnavailable: _BUSY,
        }
    ),
)
@allow("owner", "admin")
async def deactivate_user(
    user_id: UserId,
    caller: Authenticated,
    accounts: Accounts,
    source: Source,
    body: DeactivationRequest = _NO_BODY,
    *,
    erase: Erase = False,
) -> DeactivationResponse:
    if erase:
        accounts.erase(caller, user_id, source=source, current_password=body.current_password)
        return DeactivationResponse(deactivated=True, erased=True)
    accounts.deactivate(caller, user_id)
    return DeactivationResponse(deactivated=True)


@router.get(
    "/health/users",
    operation_id="usersHealth",
    summary="The users service's own health",
)
@allow("anyone")
async def users_health(accounts: Accounts, kept: KeptFigures) -> UsersHealth:
    return health.report(UsersHealth, kept, accounts.totals)
