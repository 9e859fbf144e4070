"""What the services need of the world; the repositories and the tests' fakes give it."""

from typing import Protocol

from shared.contracts.directory import Customer
from shared.contracts.events import Event
from users.models import Attempts, Family, Place, User, UserPage


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

    def erase(self, before: User, after: User, fact: Event) -> None:
        """Keep the account without its person and the event of it, and overwrite the person's data in all earlier ones.

        Raises:
            Outdated: the user is no longer as `before`.
        """

    def page(self, *, active: bool | None, limit: int, after: Place | None) -> UserPage:
        """At most `limit` users, newest first, from behind `after`; all of them or only (in)active ones."""

    def totals(self) -> dict[str, int]:
        """How many users there are (`total`), and how many of them are `active`."""


class Customers(Protocol):
    """Accounts as other services may see them. Whoever reads them here sees no password's hash, and needs not to."""

    def find_customer(self, user_id: str) -> Customer | None:
        """Who the user is, None where there is none."""


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
    """Attempts at passwords, and which sources are trusted. All times in epoch seconds."""

    def count(
        self, pair: str, before: Attempts, after: Attempts, *, until: int
    ) -> tuple[bool, Attempts]:
        """Keep `after` (but not its trust) if what is there is still `before`; it may be forgotten after `until`.

        Returns:
            Whether it was kept, and what is there now.
        """

    def give_back(self, pair: str) -> None:
        """One attempt less."""

    def trust(self, pair: str, *, until: int) -> None:
        """Forget the pair's attempts, and trust its source for some time."""

    def count_source(
        self, source: str, hour: int, *, by: int, below: int | None, until: int
    ) -> bool:
        """Add to what a source has tried in an hour, if that is `below` or no limit is given; say whether it was so."""


class Passwords(Protocol):
    """How passwords are kept."""

    def hash(self, password: str) -> str:
        """What to keep of a password."""

    def match(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; False, in the same time, where there is no hash to compare with."""
