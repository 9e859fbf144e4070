"""What the services need of the world; the repositories and the tests' fakes give it."""

from typing import Protocol

from shared.contracts.events import Event
from users.models import Failures, Family, Place, User, UserPage


class Users(Protocol):
    """All accounts."""

    def add(self, user: User, fact: Event) -> None:
        """Keep a new user and the event of it.

        Raises:
            EmailTaken: another account has the address.
        """

    def find(self, user_id: str) -> User | None:
        """The user, None where there is none."""

    def find_by_email(self, email: str) -> User | None:
        """The user of an address, in whatever case. It takes as many reads for an unknown address as for a known."""

    def save(self, before: User, after: User, fact: Event | None = None) -> None:
        """Keep a change and, if there is one, the event of it.

        Raises:
            EmailTaken: another account has the new address.
            Outdated: the user is no longer as `before`.
        """

    def page(self, *, active: bool | None, limit: int, after: Place | None) -> UserPage:
        """At most `limit` users, newest first, from behind `after`; all of them or only (in)active ones."""

    def totals(self) -> dict[str, int]:
        """How many users there are (`total`), and how many of them are `active`."""


class Families(Protocol):
    """Families of refresh tokens."""

    def add(self, family: Family) -> None:
        """Keep a new family."""

    def find(self, family_id: str) -> Family | None:
        """The family, None if it has ended."""

    def rotate(self, family_id: str, *, old: str, new: str) -> None:
        """Put the digest `new` in the place of `old`.

        Raises:
            TokenSuperseded: the family's digest is not `old`.
        """

    def end(self, family_id: str) -> None:
        """Forget the family, if it is there."""


class AttemptLog(Protocol):
    """Failed attempts by window of time, and which sources are trusted. All times in epoch seconds."""

    def failures(self, key: str, window: str) -> Failures:
        """What was counted."""

    def add_failure(self, key: str, window: str, *, at: int, until: int) -> None:
        """Count one more; it may be forgotten after `until`."""

    def clear(self, key: str, window: str) -> None:
        """Forget what was counted."""

    def trust(self, key: str, *, until: int) -> None:
        """Trust a source for some time."""

    def is_trusted(self, key: str, *, at: int) -> bool:
        """Whether the source is trusted."""


class Passwords(Protocol):
    """How passwords are kept."""

    def hash(self, password: str) -> str:
        """What to keep of a password."""

    def match(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; False, in the same time, where there is no hash to compare with."""
