"""Accounts: register, get, list, change, deactivate, erase."""

import uuid
from collections.abc import Callable
from typing import Final

from shared.auth.access import may_change, may_change_all, may_see, may_see_all
from shared.auth.tokens import Caller
from shared.contracts.directory import UserNotFound
from shared.errors import Forbidden, Unauthenticated
from shared.pages import Page
from shared.runtime import clock, logging
from shared.storage.conflicts import retry_on_conflict
from users import emails
from users.accounts import events, password_rules
from users.accounts.errors import CurrentPasswordRequired, EmailTaken, LastAdmin
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
            WeakPassword: the password is easily guessed.
        """
        password_rules.check(password, email=email, full_name=full_name)
        # Before anything else, so that it counts for no limit of the owner's.
        if self._users.find_by_email(email):
            raise EmailTaken
        now = self._clock()
        user = User(
            id=uuid.uuid4().hex,
            email=email,
            full_name=full_name,
            password_hash=self._passwords.hash(password),
            role=_NEW_CUSTOMER,
            is_active=True,
            created_at=clock.rfc3339(now),
            email_confirmed=False,
        )
        issued = None
        if not self._email_tokens.wait(user_id=user.id, email=email, source=source):
            issued = self._email_tokens.issue("confirm", user_id=user.id, email=email)
        fact = events.registered(user, at=now, sealed=issued.sealed if issued else None)
        self._users.add(user, fact, issued.token if issued else None)
        self._throttle.trust(user.email, source)
        logging.logger().info("a user registered", extra={"user_id": user.id})
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
        email: str | None = None,
        password: str | None = None,
        current_password: str | None = None,
    ) -> User:
        """Change an account, and return it.

        Args:
            email: a new address. The account moves to it when its reader confirms it. Whether
                another account has it, only the e-mail to it tells.
            password: a new one.
            current_password: the caller's own.
            source: the IP address of the request, for the throttle.

        Raises:
            UserNotFound: it does not exist, or is another user's.
            Forbidden: the caller may not make this change, or the current password is wrong.
            CurrentPasswordRequired: it is needed for this change.
            TooManyAttempts: the current password was wrong too often.
            Unauthenticated: the caller's sessions have ended meanwhile.
            AccountErased: the account is erased.
            LastAdmin: no other active admin would be left.
            WeakPassword: the new password is easily guessed.
        """
        self._check_may_change(caller, user_id)
        user = self._get(user_id)
        is_for_admins = not changes.keys().isdisjoint(_FOR_ADMINS)
        if email is not None and emails.normalised(email) == emails.normalised(user.email):
            email = None
        is_for_owner = email is not None or password is not None
        if is_for_admins and not may_change_all(caller):
            raise Forbidden("Only an admin may change role and is_active.")
        if is_for_owner and caller.id != user_id:
            raise Forbidden("Only the owner may change the e-mail address and the password.")
        self._authenticate(
            caller, current_password, source, is_needed=is_for_admins or is_for_owner
        )
        all_changes = changes
        if password is not None:
            full_name = changes.get("full_name", user.full_name)
            password_rules.check(password, email=email or user.email, full_name=full_name)
            all_changes = {**changes, "password_hash": self._passwords.hash(password)}
        # Beyond the limits of e-mails nothing is requested.
        to = email
        if to is not None and self._email_tokens.wait(user_id=user_id, email=to, source=source):
            to = None

        def changed(before: User) -> User:
            after = before.changed(**all_changes)
            # Also to a taken address: whether an earlier link still works would tell.
            return after if to is None else after.moving_to(to)

        after = self._update(caller, user_id, changed)
        if to is not None:
            self._request_move(after, to)
        return after

    def deactivate(self, caller: Caller, user_id: str) -> User:
        """Deactivate an account, and return it. A repetition changes nothing.

        Raises:
            UserNotFound: it does not exist, or is another user's.
            LastAdmin: no other active admin would be left.
        """
        self._check_may_change(caller, user_id)
        return self._update(caller, user_id, lambda user: user.changed(is_active=False))

    def erase(
        self, caller: Caller, user_id: str, *, source: str, current_password: str | None
    ) -> User:
        """Deactivate an account and erase its personal data, and return it.

        The event makes the other services erase theirs. A repetition changes nothing.

        Args:
            current_password: the caller's own, if the account is the caller's own.
            source: the IP address of the request, for the throttle.

        Raises:
            UserNotFound: it does not exist, or is another user's.
            Forbidden: the current password is wrong.
            CurrentPasswordRequired: the account is the caller's own.
            TooManyAttempts: the current password was wrong too often.
            LastAdmin: no other active admin would be left.
        """
        self._check_may_change(caller, user_id)
        self._authenticate(caller, current_password, source, is_needed=caller.id == user_id)
        at = clock.rfc3339(self._clock())
        return self._update(caller, user_id, lambda user: user.erased(at=at))

    def totals(self) -> dict[str, int]:
        return self._users.totals()

    def _get(self, user_id: str) -> User:
        user = self._users.find(user_id)
        if user is None:
            raise UserNotFound
        return user

    def _authenticate(
        self, caller: Caller, password: str | None, source: str, *, is_needed: bool
    ) -> None:
        """Check the caller's password: a stolen access token alone does not take an account over.

        Throttled, so that the thief of an access token cannot guess the password with it.
        """
        if password is None:
            if is_needed:
                raise CurrentPasswordRequired
            return
        user = self._get(caller.id)
        with self._throttle.attempt(user.email, source) as attempt:
            if not self._passwords.match(self._users.find_password_hash(user), password):
                raise Forbidden("The current password is wrong.")
            self._throttle.succeeded(attempt)

    def _update(
        self,
        caller: Caller,
        user_id: str,
        transition: Callable[[User], User],
    ) -> User:
        """Apply a transition to the stored account; retry it on the new state after a lost race,
        unless the race has ended the caller's sessions: a thief's change must not outlive them."""

        def updated(before: User) -> User:
            if caller.id == before.id and caller.session_epoch != before.session_epoch:
                raise Unauthenticated("The session has ended.", reason="ended")
            after = transition(before)
            if after == before:
                return before
            remaining = None
            if before.is_active_admin and not after.is_active_admin:
                remaining = self._another_admin(caller, before)
            if after.erased_at:
                self._erase(before, after, remaining)
            else:
                self._save(before, after, remaining)
            logging.logger().info(
                "an account changed", extra={"user_id": after.id, "version": after.version}
            )
            return after

        return retry_on_conflict(lambda: self._get(user_id), updated)

    def _check_may_change(self, caller: Caller, user_id: str) -> None:
        if not may_change(caller, user_id):
            raise Forbidden if may_see(caller, user_id) else UserNotFound

    def _request_move(self, user: User, email: str) -> None:
        """Request the e-mail to the new address that its reader confirms it by; if the address is
        another account's, the one that tells its owner so, in the same steps."""
        owner = self._users.find_by_email(email)
        about = owner or user
        issued = self._email_tokens.issue(
            "change", user_id=about.id, email=email, bound_to=user.session_epoch
        )

        def request(before: User) -> None:
            if before.erased_at:
                return
            # Nobody knows the text of the token that is stored if the address is taken.
            after = before.noted()
            fact = events.email_requested(
                after,
                "taken" if owner else "change",
                to=email,
                at=self._clock(),
                sealed=None if owner else issued.sealed,
            )
            self._users.save(before, after, fact, issued=issued.token)

        retry_on_conflict(lambda: self._get(about.id), request)

    def _another_admin(self, caller: Caller, user: User) -> User:
        """An active admin beside the user: the caller, or one of the list."""
        by = self._users.find(caller.id)
        found = [by, *self._users.admins()] if by else self._users.admins()
        for admin in found:
            if admin.id != user.id and admin.is_active_admin:
                return admin
        raise LastAdmin

    def _save(self, before: User, after: User, remaining: User | None) -> None:
        fact = None
        if before.deactivated_in(after):
            fact = events.deactivated(after, at=self._clock())
        self._users.save(before, after, fact, remaining=remaining)

    def _erase(self, before: User, after: User, remaining: User | None) -> None:
        fact = events.erased(after, at=self._clock())
        self._users.erase(before, after, fact, remaining=remaining)
