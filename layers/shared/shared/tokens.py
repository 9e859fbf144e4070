"""Access tokens (RFC 9068): what is in one, and how a service checks it by itself with the public keys."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from shared.errors import Unauthenticated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from mypy_boto3_kms import KMSClient

ALGORITHM = "ES256"
AUDIENCE = "bodega"
TYPE = "at+jwt"
LIFETIME_SECONDS = 900
_LONGEST = 4096
_REQUIRED = ["iss", "aud", "exp", "iat", "jti", "sub", "role"]

Role = Literal["customer", "admin"]


@dataclass(frozen=True)
class Caller:
    """Whoever holds the token of a request."""

    id: str
    role: Role

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    def may_act_for(self, user_id: str) -> bool:
        """Whether it is oneself, or an admin."""
        return self.is_admin or self.id == user_id


@dataclass(frozen=True)
class PublicKey:
    """One verification key, with its id: the JWK's thumbprint (RFC 7638)."""

    kid: str
    jwk: Mapping[str, str]
    key: "EllipticCurvePublicKey"


def public_key(der: bytes) -> PublicKey:
    """The P-256 key in a DER-encoded SubjectPublicKeyInfo, as KMS gives it."""
    # Loaded where used: a request without a token needs no cryptography, and it is 20 ms of a cold start.
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = load_der_public_key(der)
    if not isinstance(key, EllipticCurvePublicKey):
        raise TypeError("the token key must be an elliptic-curve key")
    point = key.public_numbers()
    thumbprinted = {
        "crv": "P-256",
        "kty": "EC",
        "x": _base64url(point.x.to_bytes(32, "big")),
        "y": _base64url(point.y.to_bytes(32, "big")),
    }
    digest = hashlib.sha256(json.dumps(thumbprinted, separators=(",", ":")).encode()).digest()
    kid = _base64url(digest)
    return PublicKey(kid, {**thumbprinted, "use": "sig", "alg": ALGORITHM, "kid": kid}, key)


def keys_from_kms(kms: "KMSClient", key_ids: str) -> Callable[[], list[PublicKey]]:
    """The public halves of the KMS keys in a comma-separated list; the first is the one that signs."""

    def load() -> list[PublicKey]:
        return [public_key(kms.get_public_key(KeyId=i)["PublicKey"]) for i in key_ids.split(",")]

    return load


class TokenVerifier:
    """Checks access tokens. The keys are asked for once, at the first token.

    Args:
        issuer: the `iss` that tokens must carry.
        keys: gives the public keys that may have signed.
    """

    def __init__(self, issuer: str, keys: Callable[[], Sequence[PublicKey]]) -> None:
        self._issuer = issuer
        self._load = keys

    @cached_property
    def keys(self) -> Mapping[str, PublicKey]:
        """The public keys by their ids."""
        return {key.kid: key for key in self._load()}

    def caller(self, token: str) -> Caller:
        """Who holds this token.

        Raises:
            Unauthenticated: the token is not one of ours, not an access token, or past its time.
        """
        import jwt  # where used: see public_key

        try:
            if len(token) > _LONGEST:
                raise Unauthenticated("The access token is not valid.", reason="oversized")
            header = jwt.get_unverified_header(token)
            key = self.keys.get(str(header.get("kid")))
            if key is None or header.get("typ") != TYPE or "crit" in header:
                raise Unauthenticated("The access token is not valid.", reason="header")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The access token has expired.", reason="expired") from None
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthenticated("The access token is not valid.", reason="invalid") from None
        if claims["role"] not in ("customer", "admin") or not isinstance(claims["sub"], str):
            raise Unauthenticated("The access token is not valid.", reason="claims")
        return Caller(claims["sub"], claims["role"])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
