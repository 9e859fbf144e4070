"""The routes: what each takes, answers and says of itself in the API's document."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BeforeValidator

from shared.auth.access import allow
from shared.auth.authentication import Authenticated
from shared.auth.tokens import Caller
from shared.contracts.directory import UserNotFound
from shared.errors import Forbidden, ServiceUnavailable
from shared.web import health
from shared.web.headers import location
from shared.web.paging import Cursor, Limit
from shared.web.problems import problems
from shared.web.rest_events import link
from shared.web.routing import GuardedRoute
from users.accounts.errors import AccountErased, EmailTaken
from users.accounts.models import User
from users.accounts.schemas import (
    Account,
    AccountChange,
    Accounts,
    Deactivated,
    Registration,
    UsersHealth,
)
from users.accounts.service import UserService
from users.login_throttle.errors import TooManyAttempts

router = APIRouter(tags=["users"], route_class=GuardedRoute)


@dataclass(frozen=True)
class _Acting(Caller):
    """Who is calling, in the role that the account still has, and the account itself."""

    account: User


def standing(users: UserService) -> Callable[[Caller], Caller]:
    """What makes of a token's word whom the account shows by now (see shared.auth.authentication.Gate)."""

    def look(caller: Caller) -> Caller:
        current, account = users.acting(caller)
        return _Acting(current.id, current.role, account)

    return look


async def _users(request: Request) -> UserService:
    users: UserService = request.app.state.users
    return users


async def _source(request: Request) -> str:
    return request.client.host if request.client else ""


Users = Annotated[UserService, Depends(_users)]
Source = Annotated[str, Depends(_source)]
Id = Annotated[str, Path(alias="id", description="The user's id")]


async def _acting(caller: Authenticated) -> _Acting:
    assert isinstance(caller, _Acting), "the app's gate looks at the account"
    return caller


Acting = Annotated[_Acting, Depends(_acting)]


def _exactly(value: object) -> object:
    """What can't be undone is not to be taken from a "1" or a "yes"."""
    if value not in (False, "true", "false"):
        raise ValueError("must be true or false")
    return value


Erase = Annotated[
    bool,
    Query(description="Also erase the person's data, for ever. Exactly `true` or `false`."),
    BeforeValidator(_exactly),
]
_ERASURE = (
    "The account becomes inactive and all its sessions end. Its e-mail address stays taken.\n\n"
    "With `erase=true` the person's data is overwritten as well, wherever a service keeps it: name and e-mail address in "
    "the account and its events, in the orders and their histories, and the texts of the notifications. The orders' "
    "amounts, lines, statuses and times stay; each one's history says `user.erased`. The account is done with the answer, "
    "the rest within seconds, and what was on its way at that moment within a few minutes. Open orders go on to their "
    "end, without another e-mail. The address is free to register with again; the account cannot be changed or activated "
    "any more. Asking again changes nothing, and an account that is inactive already can be erased by an admin."
)
_NOT_FOUND = "there is none, or it is somebody else's"
_BUSY = "other requests keep changing the account"
_TOO_MANY = "wrong passwords came too often"


@router.post(
    "/api/v1/users",
    status_code=201,
    operation_id="registerUser",
    summary="Register",
    responses={
        201: {"headers": location("The account's path.")},
        **problems({EmailTaken: "another account has it, in whatever case"}),
    },
)
@allow("anyone")
async def register_user(
    body: Registration, users: Users, source: Source, request: Request, response: Response
) -> Account:
    user = users.register(body, source=source)
    response.headers["Location"] = link(request, f"/api/v1/users/{user.id}")
    return Account.model_validate(user)


@router.get(
    "/api/v1/users",
    operation_id="listUsers",
    summary="All users, newest first",
)
@allow("admin")
async def list_users(
    acting: Acting,
    users: Users,
    *,
    active: Annotated[
        bool | None, Query(description="Only active (true) or deactivated (false) accounts")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Accounts:
    listing = users.list(acting, active=active, limit=limit, cursor=cursor)
    return Accounts(
        users=[Account.model_validate(user) for user in listing.users],
        count=len(listing.users),
        next_cursor=listing.next_cursor,
    )


@router.get(
    "/api/v1/users/me",
    operation_id="getOneself",
    summary="One's own account",
)
@allow("user")
async def get_oneself(acting: Acting) -> Account:
    return Account.model_validate(acting.account)


@router.get(
    "/api/v1/users/{id}",
    operation_id="getUser",
    summary="An account: one's own, or any for an admin",
    responses=problems({UserNotFound: _NOT_FOUND}),
)
@allow("owner", "admin")
async def get_user(user_id: Id, acting: Acting, users: Users) -> Account:
    return Account.model_validate(users.get(acting, user_id))


@router.put(
    "/api/v1/users/{id}",
    operation_id="changeUser",
    summary="Change an account; fields left out stay",
    responses=problems(
        {
            Forbidden: "role and is_active are for admins, or the current password is wrong",
            UserNotFound: _NOT_FOUND,
            AccountErased: "the person's data was erased, and there is no way back",
            EmailTaken: "another account has it, in whatever case",
            TooManyAttempts: _TOO_MANY,
            ServiceUnavailable: _BUSY,
        }
    ),
)
@allow("owner", "admin")
async def change_user(
    user_id: Id, body: AccountChange, acting: Acting, users: Users, source: Source
) -> Account:
    return Account.model_validate(users.change(acting, user_id, body, source=source))


@router.delete(
    "/api/v1/users/{id}",
    operation_id="deactivateUser",
    summary="Deactivate an account; it stays, inactive, and with `erase` without its person",
    description=_ERASURE,
    responses=problems({UserNotFound: _NOT_FOUND, ServiceUnavailable: _BUSY}),
)
@allow("owner", "admin")
async def deactivate_user(
    user_id: Id, acting: Acting, users: Users, *, erase: Erase = False
) -> Deactivated:
    if erase:
        users.erase(acting, user_id)
        return Deactivated(erased=True)
    users.deactivate(acting, user_id)
    return Deactivated()


@router.get(
    "/health/users",
    operation_id="usersHealth",
    summary="The users service's own health",
    response_model_exclude_none=True,
)
@allow("anyone")
async def users_health(users: Users) -> UsersHealth:
    return health.report(UsersHealth, users.totals)
