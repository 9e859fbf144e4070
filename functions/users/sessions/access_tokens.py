"""Issues access tokens (RFC 9068), which `shared.auth.tokens` defines and verifies."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from shared.auth import jws
from shared.auth.tokens import ALGORITHM, AUDIENCE, LIFETIME_SECONDS, TYPE
from shared.runtime.clock import Clock, epoch
from users.accounts.models import User
from users.sessions.ports import Signer

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsSigner:
    """Implements `Signer` by an ECC_NIST_P256 key that never leaves KMS.

    Args:
        kid: returns the id of the public key; called at each signature.
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
    """A token's signature from a DER-encoded one, as KMS and cryptography return it."""
    # Imported where it is used: most requests sign nothing, and it is 20 ms of a cold start.
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    return jws.joined(*decode_dss_signature(der))


class AccessTokens:
    """Issues access tokens.

    Args:
        issuer: their `iss`.
    """

    def __init__(self, issuer: str, signer: Signer, clock: Clock) -> None:
        self._issuer = issuer
        self._signer = signer
        self._clock = clock

    def issue(self, user: User) -> str:
        """A token for the user in the role of this moment, valid for `LIFETIME_SECONDS`."""
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
            "epoch": user.session_epoch,
        }
        message = ".".join(jws.encoded(_json(part)) for part in (header, claims))
        return f"{message}.{jws.encoded(self._signer.sign(message.encode()))}"


def _json(part: Mapping[str, object]) -> bytes:
    return json.dumps(part, separators=(",", ":")).encode()
