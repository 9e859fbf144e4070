"""Access tokens as we give them out (RFC 9068). `shared.auth.tokens` says what is in one, and checks them."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from shared.auth import jws
from shared.auth.tokens import ALGORITHM, AUDIENCE, LIFETIME_SECONDS, TYPE
from shared.runtime.clock import Clock, epoch
from users.accounts.models import User

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class Signer(Protocol):
    """Holds the private key."""

    def kid(self) -> str:
        """The id of the public half."""

    def sign(self, message: bytes) -> bytes:
        """The ES256 signature as JWS wants it: r and s, 32 bytes each (RFC 7518, section 3.4)."""


class KmsSigner:
    """Signs with an ECC_NIST_P256 key that never leaves KMS.

    Args:
        kid: gives the id of the key's public half; asked for at each signature.
    """

    def __init__(self, kms: "KMSClient", key_id: str, kid: Callable[[], str]) -> None:
        self._kms = kms
        self._key_id = key_id
        self._kid = kid

    def kid(self) -> str:
        return self._kid()

    def sign(self, message: bytes) -> bytes:
        answer = self._kms.sign(
            KeyId=self._key_id,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return raw_signature(answer["Signature"])


def raw_signature(der: bytes) -> bytes:
    """r and s side by side of a DER-encoded signature, as KMS and cryptography give it."""
    # Where used: most requests sign nothing, and cryptography is 20 ms of a cold start.
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class AccessTokens:
    """Mints access tokens.

    Args:
        issuer: their `iss`.
    """

    def __init__(self, issuer: str, signer: Signer, clock: Clock) -> None:
        self._issuer = issuer
        self._signer = signer
        self._clock = clock

    def mint(self, user: User) -> str:
        """A token for the user in the role of this moment, good for `LIFETIME_SECONDS`."""
        issued_at = epoch(self._clock())
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._signer.kid()}
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "exp": issued_at + LIFETIME_SECONDS,
            "iat": issued_at,
            "jti": uuid.uuid4().hex,
            "sub": user.id,
            "role": user.role,
        }
        message = ".".join(jws.encoded(_json(part)) for part in (header, claims))
        return f"{message}.{jws.encoded(self._signer.sign(message.encode()))}"


def _json(part: Mapping[str, object]) -> bytes:
    return json.dumps(part, separators=(",", ":")).encode()
