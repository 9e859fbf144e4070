"""What accounts need: storage and password hashes. The repository and the tests' fakes implement it."""

from typing import Protocol

from shared.contracts.directory import Customer
from shared.contracts.events import Event
from users.accounts.models import Place, User, UserPage


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


class Passwords(Protocol):
    """How passwords are kept."""

    def hash(self, password: str) -> str:
        """What to keep of a password."""

    def match(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; False, in the same time, where there is no hash to compare with."""
