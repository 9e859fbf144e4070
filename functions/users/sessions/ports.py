"""What sessions need: storage of token families, and signatures."""

from typing import Protocol

from users.sessions.models import Family


class Families(Protocol):
    """Families of refresh tokens."""

    def add(self, family: Family) -> None:
        """Store a new family."""

    def find(self, family_id: str) -> Family | None:
        """The family, None if it has ended."""

    def newest(self, user_id: str) -> list[Family]:
        """The newest hundred families of a user, the newest first, also those that are void."""

    def rotate(self, before: Family, after: Family) -> None:
        """Store what `Family.rotated` has changed. A repetition is no error.

        Raises:
            ConcurrentChange: the stored digest is not that of `before`, or the family has ended.
        """

    def end(self, family_id: str) -> bool:
        """Delete the family; whether it existed."""


class Signer(Protocol):
    """A private key of access tokens."""

    @property
    def kid(self) -> str:
        """The id of its public key."""

    def sign(self, message: bytes) -> bytes:
        """The ES256 signature as a token has it: see `shared.auth.jws.joined`."""


class Signers(Protocol):
    """The private keys."""

    def current(self) -> Signer:
        """The one that signs now."""
