"""What sessions need: storage of their families."""

from typing import Protocol

from users.sessions.models import Family


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
