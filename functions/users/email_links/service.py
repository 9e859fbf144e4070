"""What the links in e-mails do: confirm an address, move an account to a new one or back, set a
forgotten password."""

from collections.abc import Callable
from typing import Final

from shared.auth.tokens import Caller
from shared.contracts.directory import UserNotFound
from shared.contracts.events import AccountEmail
from shared.runtime import logging
from shared.runtime.clock import Clock, epoch
from shared.storage.conflicts import retry_on_conflict
from users.accounts import events, password_rules
from users.accounts.errors import EmailTaken
from users.accounts.models import User
from users.accounts.ports import Passwords, Users
from users.email_tokens.errors import BadToken
from users.email_tokens.models import EmailToken, IssuedToken, Kind, digest
from users.email_tokens.ports import StoredTokens
from users.email_tokens.service import EmailTokens
from users.login_throttle.errors import TooManyAttempts
from users.login_throttle.service import LoginThrottle

_RESETTING: Final[frozenset[Kind]] = frozenset({"reset"})
_CONFIRMING: Final[frozenset[Kind]] = frozenset({"confirm", "change", "undo"})


class EmailLinkService:
    """Exchanges the tokens of e-mails' links for what they stand for, each once."""

    def __init__(
        self,
        *,
        users: Users,
        tokens: StoredTokens,
        email_tokens: EmailTokens,
        passwords: Passwords,
        throttle: LoginThrottle,
        clock: Clock,
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._throttle = throttle
        self._tokens = tokens
        self._email_tokens = email_tokens
        self._clock = clock

    def confirm(self, text: str) -> None:
        """Confirm the address that the token is bound to: the account's own, the new one that it
        moves to, or the former one that it is brought back to.

        Raises:
            BadToken: the token is unknown, used, expired or void.
        """
        token = self._find(text, _CONFIRMING)
        uses = {"confirm": self._confirm, "change": self._move, "undo": self._move_back}
        self._use(token, uses[token.kind])

    def send_confirmation(self, caller: Caller, user_id: str, *, source: str) -> None:
        """Request the e-mail that confirms the caller's address again; nothing if it is confirmed.

        Args:
            source: the IP address of the request.

        Raises:
            UserNotFound: the account is another user's.
            TooManyAttempts: too many e-mails were requested lately.
        """
        user = self._users.find(user_id) if user_id == caller.id else None
        if user is None:
            raise UserNotFound
        if user.email_confirmed:
            return
        if wait := self._email_tokens.wait(user_id=user.id, email=user.email, source=source):
            raise TooManyAttempts(retry_after=wait)
        issued = self._email_tokens.issue("confirm", user_id=user.id, email=user.email)
        self._request(user, "confirm", issued)

    def send_reset(self, *, email: str, source: str) -> None:
        """Request the e-mail to set a new password by, if an active account has the address,
        or one that was deactivated before anybody confirmed it.

        Every address takes the same steps, so that neither the answer nor its time shows which
        are known.

        Args:
            source: the IP address of the request.
        """
        user = self._users.find_by_email(email)
        about = user.id if user else digest(email)[:32]
        wait = self._email_tokens.wait(user_id=about, email=email, source=source)
        issued = self._email_tokens.issue(
            "reset",
            user_id=about,
            email=email,
            bound_to=user.resets if user else 0,
        )
        if user and user.is_reset_by_mail and not wait:
            self._request(user, "reset", issued)
        else:
            self._users.pretend(issued.token)

    def reset(self, text: str, *, password: str, source: str) -> None:
        """Set a new password. All sessions end, and the address counts as confirmed.

        Args:
            source: the IP address of the request. The throttle trusts it with this account.

        Raises:
            BadToken: the token is unknown, used, expired or void.
            WeakPassword: the password is easily guessed. The token can be used again.
        """
        token = self._find(text, _RESETTING)

        def reset(token: EmailToken, user: User) -> None:
            # Only a reader of the address resets: a thief of the password cannot void the link.
            is_void = token.bound_to != user.resets
            if not user.is_reset_by_mail or is_void or not token.is_bound_to(user.email):
                raise BadToken
            password_rules.check(password, email=user.email, full_name=user.full_name)
            after = user.with_reset_password(self._passwords.hash(password))
            # First: the token cannot be used again if this fails.
            self._throttle.trust(user.email, source)
            self._users.save(user, after, spent=token)

        self._use(token, reset)

    def _request(self, user: User, purpose: AccountEmail, issued: IssuedToken) -> None:
        """Request an e-mail to the account's address."""

        def request(before: User) -> None:
            after, now = before.noted(), self._clock()
            fact = events.email_requested(
                after, purpose, to=before.email, at=now, sealed=issued.sealed
            )
            self._users.save(before, after, fact, issued=issued.token)

        retry_on_conflict(lambda: user, request)

    def _confirm(self, token: EmailToken, user: User) -> None:
        if not user.is_active or not token.is_bound_to(user.email):
            raise BadToken
        self._users.save(user, user.confirmed(), spent=token)

    def _move(self, token: EmailToken, user: User) -> None:
        """The former address, if it was confirmed, is told and given a token that undoes the
        move."""
        is_void = token.bound_to != user.session_epoch
        if not user.is_active or is_void or not token.is_bound_to(user.pending_email):
            raise BadToken
        undo = None
        if user.email_confirmed:
            undo = self._email_tokens.issue("undo", user_id=user.id, email=user.email)
        now = self._clock()
        after = user.moved(undo=undo.token if undo else None, at=epoch(now))
        fact = None
        if undo:
            fact = events.email_requested(
                after, "changed", to=user.email, at=now, sealed=undo.sealed
            )
        try:
            self._users.save(user, after, fact, issued=undo.token if undo else None, spent=token)
        except EmailTaken as cause:
            raise BadToken from cause

    def _move_back(self, token: EmailToken, user: User) -> None:
        self._users.save(user, user.moved_back(token), spent=token)

    def _find(self, text: str, kinds: frozenset[Kind]) -> EmailToken:
        token = self._tokens.find(text)
        if token is None or token.kind not in kinds or token.expires_at <= epoch(self._clock()):
            raise BadToken
        return token

    def _use(self, token: EmailToken, use: Callable[[EmailToken, User], None]) -> None:
        """Use a token on its account, again on the new state after a lost race."""

        def used(user: User | None) -> None:
            if user is None:
                raise BadToken
            use(token, user)
            logging.logger().info(
                "the link of an e-mail was used", extra={"user_id": user.id, "kind": token.kind}
            )

        retry_on_conflict(lambda: self._users.find(token.user_id), used)
