"""What accounts need: storage, and password hashes."""

from typing import Protocol

from shared.contracts.events import Event
from shared.pages import Page
from users.accounts.models import Position, Profile, User
from users.email_tokens.models import EmailToken


class Users(Protocol):
    """All accounts."""

    def add(self, user: User, fact: Event, issued: EmailToken | None = None) -> None:
        """Store a new user with its password's hash, its event, and the token that the event
        carries.

        Raises:
            EmailTaken: another account has the address.
        """

    def find(self, user_id: str) -> User | None:
        """The user, None if it does not exist."""

    def find_by_email(self, email: str) -> User | None:
        """The user with an address, in upper or lower case.

        An unknown address takes as many reads as a known one.
        """

    def find_password_hash(self, user: User | None) -> str | None:
        """The hash of the user's password, None for an erased one.

        For None as the user, it takes as many reads. The hash is no older than the user: a log-in
        with a password that is changed meanwhile starts no session of the new epoch.
        """

    def save(
        self,
        before: User,
        after: User,
        fact: Event | None = None,
        *,
        issued: EmailToken | None = None,
        spent: EmailToken | None = None,
        remaining: User | None = None,
    ) -> None:
        """Store what `after` changes, and the change's event if it has one.

        Args:
            issued: the token that the event carries.
            spent: the token that the change uses up.
            remaining: another user, who must be an active admin.

        Raises:
            BadToken: `spent` was used before.
            EmailTaken: another account has the new address.
            ConcurrentChange: the stored user is not `before` any more, or `remaining` is no active
                admin any more.
        """

    def pretend(self, issued: EmailToken) -> None:
        """Write as much as for an event and its token, and change no account.

        The token is stored: nobody knows its text.
        """

    def erase(
        self, before: User, after: User, fact: Event, *, remaining: User | None = None
    ) -> None:
        """Store the erased account and its event, delete its password, and erase all earlier
        events.

        Args:
            remaining: another user, who must be an active admin.

        Raises:
            ConcurrentChange: the stored user is not `before` any more, or `remaining` is no active
                admin any more.
        """

    def admins(self) -> list[User]:
        """Some active admins, at least two if there are as many.

        Those that an earlier release made are found after their next change.
        """

    def page(
        self, *, active: bool | None, limit: int, after: Position | None
    ) -> Page[Profile, Position]:
        """At most `limit` users after a position, newest first: all, or only (in)active ones."""

    def totals(self) -> dict[str, int]:
        """The number of users (`total`), and how many of them are `active`."""


class Passwords(Protocol):
    """Hashes passwords."""

    def hash(self, password: str) -> str:
        """What is stored of a password."""

    def match(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; False, in the same time, for None as the hash."""
