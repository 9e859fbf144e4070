"""Accounts: register, get, list, change, deactivate, erase."""

import uuid
from collections.abc import Callable
from typing import Final

from pydantic import BaseModel

from shared.auth.access import may_change, may_change_all, may_see, may_see_all
from shared.auth.tokens import Caller
from shared.contracts.directory import UserNotFound
from shared.contracts.events import Event, EventType, UserData, UserErasedData
from shared.errors import Forbidden, Unauthenticated
from shared.messaging import outbox
from shared.pages import Page
from shared.runtime import clock, logging, metrics
from shared.storage.conflicts import retry_on_conflict
from users.accounts.errors import CurrentPasswordRequired
from users.accounts.models import ActiveCaller, Position, Profile, User, UserChanges
from users.accounts.ports import Passwords, Users
from users.email_tokens.service import EmailTokens
from users.login_throttle.service import LoginThrottle

_NEW_CUSTOMER: Final = "customer"
_FOR_ADMINS: Final = frozenset({"role", "is_active"})


class AccountService:
    """What may be done with accounts, and by whom."""

    def __init__(
        self,
        *,
        users: Users,
        passwords: Passwords,
        throttle: LoginThrottle,
        email_tokens: EmailTokens,
        clock: clock.Clock,
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._throttle = throttle
        self._email_tokens = email_tokens
        self._clock = clock

    def register(self, *, email: str, full_name: str, password: str, source: str) -> User:
        """Add an active customer, whose address is not confirmed.

        Args:
            source: the IP address of the request. The throttle trusts it with this account.

        Raises:
            EmailTaken: another account has the address.
        """
        user = User(
            id=uuid.uuid4().hex,
            email=email,
            full_name=full_name,
            password_hash=self._passwords.hash(password),
            role=_NEW_CUSTOMER,
            is_active=True,
            created_at=clock.rfc3339(self._clock()),
            email_confirmed=False,
        )
        issued = self._email_tokens.issue("confirm", user_id=user.id, email=user.email)
        fact = self._event("user.registered", user, _user_data(user, issued.sealed))
        self._users.add(user, fact, issued.token)
        self._throttle.trust(user.email, source)
        logging.logger().info("a user registered", extra={"user_id": user.id})
        metrics.count("UsersRegistered")
        return user

    def require_active(self, caller: Caller) -> ActiveCaller:
        """The caller with the account.

        Raises:
            Unauthenticated: the account is inactive, or its sessions have ended since the access
                token was issued.
        """
        user = self._users.find(caller.id)
        if user is None or not user.is_active:
            raise Unauthenticated("The account is not active.", reason="inactive")
        if user.session_epoch != caller.session_epoch:
            raise Unauthenticated("The session has ended.", reason="ended")
        return ActiveCaller(user.id, user.role, user.session_epoch, account=user)

    def get(self, caller: Caller, user_id: str) -> User:
        """An account that the caller may see.

        Raises:
            UserNotFound: it does not exist, or is another user's.
        """
        if not may_see(caller, user_id):
            raise UserNotFound
        return self._get(user_id)

    def list(
        self, caller: Caller, *, active: bool | None, limit: int, after: Position | None
    ) -> Page[Profile, Position]:
        """A page of all users, newest first, or only of the (in)active ones.

        Raises:
            Forbidden: the caller may not see all users.
        """
        if not may_see_all(caller):
            raise Forbidden("Only an admin may do this.")
        return self._users.page(active=active, limit=limit, after=after)

    def change(
        self,
        caller: Caller,
        user_id: str,
        changes: UserChanges,
        *,
        source: str,
        password: str | None = None,
        current_password: str | None = None,
    ) -> User:
        """Change an account, and return it.

        Args:
            password: a new one.
            current_password: the caller's, if the account is the caller's own.
            source: the IP address of the request, for the throttle.

        Raises:
            UserNotFound: it does not exist, or is another user's.
            Forbidden: only an admin may make this change, or the current password is wrong.
            CurrentPasswordRequired: a new password for the caller's own account comes without it.
            TooManyAttempts: the current password was wrong too often.
            EmailTaken: another account has the new address.
            AccountErased: the account is erased.
        """

        def changed(user: User) -> User:
            if not changes.keys().isdisjoint(_FOR_ADMINS) and not may_change_all(caller):
                raise Forbidden("Only an admin may change role and is_active.")
            if caller.id == user.id:
                if current_password is not None:
                    self._check_password(user, current_password, source)
                elif password is not None:
                    raise CurrentPasswordRequired
            hashed: UserChanges = {}
            if password is not None:
                hashed = {"password_hash": self._passwords.hash(password)}
            return user.changed(**(changes | hashed))

        return self._update(caller, user_id, changed, self._save)

    def deactivate(self, caller: Caller, user_id: str) -> User:
        """Deactivate an account, and return it. A repetition changes nothing.

        Raises:
            UserNotFound: it does not exist, or is another user's.
        """
        return self._update(caller, user_id, lambda user: user.changed(is_active=False), self._save)

    def erase(self, caller: Caller, user_id: str) -> User:
        """Deactivate an account and erase its personal data, and return it.

        The event makes the other services erase theirs. A repetition changes nothing.

        Raises:
            UserNotFound: it does not exist, or is another user's.
        """
        at = clock.rfc3339(self._clock())
        return self._update(caller, user_id, lambda user: user.erased(at=at), self._erase)

    def totals(self) -> dict[str, int]:
        return self._users.totals()

    def _get(self, user_id: str) -> User:
        user = self._users.find(user_id)
        if user is None:
            raise UserNotFound
        return user

    def _check_password(self, user: User, password: str, source: str) -> None:
        """Throttled: who has stolen an access token cannot guess the password with it."""
        with self._throttle.attempt(user.email, source) as attempt:
            if not self._passwords.match(self._users.find_password_hash(user), password):
                raise Forbidden("The current password is wrong.")
            self._throttle.succeeded(attempt)

    def _update(
        self,
        caller: Caller,
        user_id: str,
        transition: Callable[[User], User],
        write: Callable[[User, User], None],
    ) -> User:
        """Apply a transition to the stored account; retry it on the new state after a lost race."""

        def updated(before: User) -> User:
            after = transition(before)
            if after == before:
                return before
            write(before, after)
            logging.logger().info(
                "an account changed", extra={"user_id": after.id, "version": after.version}
            )
            if before.deactivated_in(after):
                metrics.count("UsersDeactivated")
            return after

        if not may_change(caller, user_id):
            raise Forbidden if may_see(caller, user_id) else UserNotFound
        return retry_on_conflict(lambda: self._get(user_id), updated)

    def _save(self, before: User, after: User) -> None:
        fact = None
        if before.deactivated_in(after):
            fact = self._event("user.deactivated", after, _user_data(after))
        self._users.save(before, after, fact)

    def _erase(self, before: User, after: User) -> None:
        fact = self._event("user.erased", after, UserErasedData(user_id=after.id))
        self._users.erase(before, after, fact)
        metrics.count("UsersErased")

    def _event(self, type_: EventType, user: User, data: BaseModel) -> Event:
        return outbox.event(
            type_,
            aggregate_id=user.id,
            version=user.version,
            at=clock.rfc3339(self._clock()),
            data=data.model_dump(),
        )


def _user_data(user: User, sealed_token: str | None = None) -> UserData:
    return UserData(
        user_id=user.id, full_name=user.full_name, email=user.email, sealed_token=sealed_token
    )
