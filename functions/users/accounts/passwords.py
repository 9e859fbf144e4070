"""Hashes passwords by Argon2id, with OWASP's least parameters: 19 MiB, two passes, one lane."""

import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# The hash of 256 random bits that were not kept, with the parameters below. The log-in of an
# unknown user verifies it, so that it takes as long as that of a known one.
_DECOY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$le7f2mKZkaw/o4wfJ5HVrw$"
    "hSNAgCEI7pqx6/VTWH5QzWwpFORg94GslU7GogZ1jlc"
)


class Argon2Passwords:
    """Implements `Passwords`."""

    def hash(self, password: str) -> str:
        return self._hasher.hash(_canonical(password))

    def match(self, password_hash: str | None, password: str) -> bool:
        from argon2.exceptions import VerifyMismatchError

        try:
            self._hasher.verify(password_hash or _DECOY, _canonical(password))
        except VerifyMismatchError:
            return False
        return password_hash is not None

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        # Imported where it is used: most requests need no password.
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def _canonical(password: str) -> bytes:
    """The same bytes for the same characters, however a keyboard composes them (NIST SP 800-63B,
    section 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode()
