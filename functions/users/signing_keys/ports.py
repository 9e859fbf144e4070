"""What signing keys need: storage, and a key that encrypts them there."""

from typing import Protocol

from users.signing_keys.models import PublishedKey, SigningKey


class StoredKeys(Protocol):
    """The keys, each in two halves."""

    def find(self, day: str) -> PublishedKey | None:
        """The key of the day."""

    def find_sealed(self, key: PublishedKey) -> str | None:
        """Its encrypted secret; None if the day's secret is that of another key, or missing."""

    def add(
        self, key: SigningKey, sealed: str, *, at: int, instead_of: PublishedKey | None
    ) -> bool:
        """Store both halves of a new key for its day; False, and nothing is stored, if meanwhile
        the day has another one than `instead_of`."""


class SecretSealer(Protocol):
    """Encrypts the secrets of keys."""

    def seal(self, secret: bytes, *, kid: str) -> str:
        """The secret of the key with this id, encrypted, in base64."""

    def open(self, sealed: str, *, kid: str) -> bytes | None:
        """The secret; None if it was not sealed for this id, or by another KMS key."""
