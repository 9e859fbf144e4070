"""Accounts: register, see, change, deactivate, erase."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.auth.tokens import Caller
from shared.contracts.directory import UserNotFound
from shared.contracts.events import Event, EventType, UserData, UserErasedData
from shared.errors import Forbidden, InvalidRequest, ServiceUnavailable, Unauthenticated
from shared.messaging import outbox
from shared.runtime import clock, logging, metrics
from shared.web.cursors import Cursors
from users.accounts.errors import Outdated
from users.accounts.models import Place, Profile, User
from users.accounts.ports import Passwords, Users
from users.accounts.schemas import AccountChange, Registration
from users.login_throttle.service import Guard

_SAVE_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Listing:
    """A page of users and the cursor of the next, None at the end."""

    users: list[Profile]
    next_cursor: str | None


class UserService:
    """What may be done with accounts, and by whom.

    Args:
        guard: slows down who tries out passwords.
        cursors: seals where a list goes on.
    """

    def __init__(
        self,
        *,
        users: Users,
        passwords: Passwords,
        guard: Guard,
        cursors: Cursors,
        clock: clock.Clock,
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._guard = guard
        self._cursors = cursors
        self._clock = clock

    def register(self, registration: Registration, *, source: str) -> User:
        """A new customer, active.

        Args:
            source: the IP address of the request, which is trusted with this account from now on.

        Raises:
            EmailTaken: there is an account with the address.
        """
        user = User(
            id=uuid.uuid4().hex,
            email=registration.email,
            full_name=registration.full_name,
            password_hash=self._passwords.hash(registration.password),
            role="customer",
            is_active=True,
            created_at=clock.rfc3339(self._clock()),
        )
        self._users.add(user, self._event("user.registered", user))
        self._guard.trust(user.email, source)
        logging.logger().info("a user registered", extra={"user_id": user.id})
        metrics.count("UsersRegistered")
        return user

    def acting(self, caller: Caller) -> tuple[Caller, User]:
        """The caller's own account, and the caller in no higher role than the account has now.

        Raises:
            Unauthenticated: the account is not active any more, although the token is still good.
        """
        user = self._users.find(caller.id)
        if user is None or not user.is_active:
            raise Unauthenticated("The account is not active.", reason="inactive")
        is_admin = caller.is_admin and user.role == "admin"
        return Caller(user.id, "admin" if is_admin else "customer"), user

    def get(self, caller: Caller, user_id: str) -> User:
        """An account that the caller may see.

        Raises:
            UserNotFound: there is none, or it is somebody else's.
        """
        user = self._users.find(user_id) if caller.may_act_for(user_id) else None
        if user is None:
            raise UserNotFound
        return user

    def list(
        self, caller: Caller, *, active: bool | None, limit: int, cursor: str | None
    ) -> Listing:
        """A page of all users, newest first, or of the (in)active ones.

        Raises:
            Forbidden: the caller is no admin.
            InvalidCursor: the cursor is not of this list and caller.
        """
        if not caller.is_admin:
            raise Forbidden("Only an admin may do this.")
        query = {"list": "users", "active": active}
        position = self._cursors.open(cursor, caller=caller.id, query=query)
        page = self._users.page(
            active=active, limit=limit, after=Place(**position) if position else None
        )
        following = (
            {"created_at": page.next.created_at, "user_id": page.next.user_id}
            if page.next
            else None
        )
        return Listing(page.users, self._cursors.seal(following, caller=caller.id, query=query))

    def change(self, caller: Caller, user_id: str, change: AccountChange, *, source: str) -> User:
        """The account after the change.

        Raises:
            UserNotFound: see `get`.
            Forbidden: it takes an admin, or the current password is wrong.
            InvalidRequest: the current password is missing.
            TooManyAttempts: the current password was wrong too often.
            EmailTaken: another account has the new address.
            AccountErased: the account is nobody's any more.
        """

        def changed(user: User) -> User:
            if change.is_for_admins and not caller.is_admin:
                raise Forbidden("Only an admin may change role and is_active.")
            if caller.id == user.id:
                self._prove(user, change, source)
            return user.changed(
                email=change.email,
                full_name=change.full_name,
                password_hash=self._passwords.hash(change.password) if change.password else None,
                role=change.role,
                is_active=change.is_active,
            )

        return self._revise(caller, user_id, changed, self._save)

    def deactivate(self, caller: Caller, user_id: str) -> User:
        """The account, inactive. Doing it again changes nothing.

        Raises:
            UserNotFound: see `get`.
        """
        return self._revise(caller, user_id, lambda user: user.changed(is_active=False), self._save)

    def erase(self, caller: Caller, user_id: str) -> User:
        """The account, inactive and without its person's data; the other services hear of it. Again changes nothing.

        Raises:
            UserNotFound: see `get`.
        """
        at = clock.rfc3339(self._clock())
        return self._revise(caller, user_id, lambda user: user.erased(at=at), self._erase)

    def totals(self) -> dict[str, int]:
        """How many users there are (`total`), and how many of them are `active`."""
        return self._users.totals()

    def _prove(self, user: User, change: AccountChange, source: str) -> None:
        """Whoever holds a stolen access token must not get the account for good, by trial and error either."""
        if change.current_password is None:
            if change.password is not None:
                raise InvalidRequest(
                    [
                        {
                            "pointer": "#/current_password",
                            "detail": "current_password: is needed to set a new password",
                        }
                    ]
                )
            return
        with self._guard.attempt(user.email, source) as attempt:
            if not self._passwords.match(user.password_hash, change.current_password):
                raise Forbidden("The current password is wrong.")
            self._guard.succeeded(attempt)

    def _revise(
        self,
        caller: Caller,
        user_id: str,
        rule: Callable[[User], User],
        keep: Callable[[User, User], None],
    ) -> User:
        """Apply the rule to the account as it is and keep the outcome, again if another request was faster."""
        for _ in range(_SAVE_ATTEMPTS):
            before = self.get(caller, user_id)
            after = rule(before)
            if after == before:
                return before
            try:
                keep(before, after)
            except Outdated:
                continue
            logging.logger().info(
                "an account changed", extra={"user_id": after.id, "version": after.version}
            )
            if before.deactivated_in(after):
                metrics.count("UsersDeactivated")
            return after
        raise ServiceUnavailable("users", retry_after=1)

    def _save(self, before: User, after: User) -> None:
        deactivates = before.deactivated_in(after)
        self._users.save(
            before, after, self._event("user.deactivated", after) if deactivates else None
        )

    def _erase(self, before: User, after: User) -> None:
        data = UserErasedData(user_id=after.id)
        self._users.erase(before, after, self._told("user.erased", after, data))
        metrics.count("UsersErased")

    def _event(self, type_: EventType, user: User) -> Event:
        data = UserData(user_id=user.id, full_name=user.full_name, email=user.email)
        return self._told(type_, user, data)

    def _told(self, type_: EventType, user: User, data: UserData | UserErasedData) -> Event:
        return outbox.event(
            type_,
            aggregate_id=user.id,
            version=user.version,
            at=clock.rfc3339(self._clock()),
            data=data.model_dump(),
        )
