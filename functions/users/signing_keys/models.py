"""What a signing key is."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from shared.auth import jws
from shared.auth.public_keys import day_of, identified

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_SECRET_BYTES: Final = 32
# n, the order of P-256.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# Longer than any verifier may use the key. Whether it may does not depend on the deletion.
_STORED: Final = timedelta(days=3)
# So long into the next day a key signs, if that day's key is new or cannot be made.
_OVERTIME: Final = timedelta(hours=12)


@dataclass(frozen=True)
class PublishedKey:
    """The key of a day, as the table of public keys names it.

    Attributes:
        made_at: epoch seconds.
    """

    day: str
    kid: str
    made_at: int


class SigningKey:
    """A key pair of P-256."""

    def __init__(self, day: str, private: "EllipticCurvePrivateKey") -> None:
        self.day = day
        self.public = identified(private.public_key(), day)
        self._private = private

    @classmethod
    def generate(cls, day: str) -> tuple[Self, bytes]:
        """A new key for the day, and its secret."""
        # By "extra random bits" (FIPS 186-5, A.2.1). The kernel's random numbers differ in
        # environments that start from one snapshot. OpenSSL's generator, which a library's own
        # function would ask, is part of the snapshot.
        number = int.from_bytes(os.urandom(_SECRET_BYTES + 8), "big") % (_ORDER - 1) + 1
        secret = number.to_bytes(_SECRET_BYTES, "big")
        return cls.of(day, secret), secret

    @classmethod
    def of(cls, day: str, secret: bytes) -> Self:
        """The day's key with this secret."""
        # Imported where it is used: most requests sign nothing, and it is 20 ms of a cold start.
        from cryptography.hazmat.primitives.asymmetric import ec

        return cls(day, ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1()))

    @property
    def kid(self) -> str:
        return self.public.kid

    def sign(self, message: bytes) -> bytes:
        """The ES256 signature as a token has it."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        # RFC 6979: no random number, which would give the key away if it came twice.
        der = self._private.sign(message, ECDSA(SHA256(), deterministic_signing=True))
        return jws.joined(*decode_dss_signature(der))


def days_that_sign(now: datetime) -> tuple[str, ...]:
    """Today, and in its first hours the day before."""
    today, before = day_of(now), day_of(now - _OVERTIME)
    return (today,) if before == today else (today, before)


def stored_until(day: str) -> int:
    """When the key of the day may be deleted, in epoch seconds."""
    begin = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    return int((begin + _STORED).timestamp())
