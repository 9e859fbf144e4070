"""Passwords by Argon2id, with the least parameters that OWASP recommends: 19 MiB, two passes, one lane."""

import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# Nobody's: the hash of 256 random bits that were not kept, with the parameters below. An unknown user costs a
# verification of it, and a constant costs the first one no more than the next.
_NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$le7f2mKZkaw/o4wfJ5HVrw$"
    "hSNAgCEI7pqx6/VTWH5QzWwpFORg94GslU7GogZ1jlc"
)


class Argon2Passwords:
    """The `Passwords` port."""

    def hash(self, password: str) -> str:
        return self._hasher.hash(_canonical(password))

    def match(self, password_hash: str | None, password: str) -> bool:
        from argon2.exceptions import VerifyMismatchError

        try:
            self._hasher.verify(password_hash or _NOBODY, _canonical(password))
        except VerifyMismatchError:
            return False
        return password_hash is not None

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        # Where used: most requests of an environment's life need no password, and some environments none at all.
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def _canonical(password: str) -> bytes:
    """The same bytes for the same characters, however a keyboard composes them (NIST SP 800-63B, section 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode()
