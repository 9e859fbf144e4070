"""Access tokens (RFC 9068): their claims, and how a service verifies them with the public keys."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, get_args

from shared.auth import jws
from shared.errors import Unauthenticated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from mypy_boto3_kms import KMSClient

ALGORITHM = "ES256"
AUDIENCE = "bodega"
TYPE = "at+jwt"
LIFETIME_SECONDS = 900
_REQUIRED = ["iss", "aud", "exp", "iat", "jti", "sub", "role"]
_HEADER = {"alg", "typ", "kid"}
# An environment whose clock is behind the signer's must accept a new token.
_CLOCKS_DIFFER_SECONDS = 5
# Goes into database keys and logs.
_ID = re.compile(r"[!-~]{1,128}")

Role = Literal["customer", "admin"]
ROLES: Final = get_args(Role)


@dataclass(frozen=True)
class Caller:
    """The user whose access token a request has.

    Attributes:
        session_epoch: the account's when the token was issued. Where the account is read, a token
            of an earlier epoch is refused.
    """

    id: str
    role: Role
    session_epoch: int = 0


@dataclass(frozen=True)
class PublicKey:
    """One verification key, with its id: the JWK's thumbprint (RFC 7638)."""

    kid: str
    jwk: Mapping[str, str]
    key: "EllipticCurvePublicKey"


def public_key(der: bytes) -> PublicKey:
    """The P-256 key in a DER-encoded SubjectPublicKeyInfo, as KMS gives it."""
    # Imported where it is used: requests without a token need none of it, and it is 20 ms of a cold
    # start.
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = load_der_public_key(der)
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise TypeError("the token key must be an elliptic-curve key, of the curve P-256")
    point = key.public_numbers()
    thumbprinted = {
        "crv": "P-256",
        "kty": "EC",
        "x": jws.encoded(point.x.to_bytes(32, "big")),
        "y": jws.encoded(point.y.to_bytes(32, "big")),
    }
    digest = hashlib.sha256(json.dumps(thumbprinted, separators=(",", ":")).encode()).digest()
    kid = jws.encoded(digest)
    return PublicKey(kid, {**thumbprinted, "use": "sig", "alg": ALGORITHM, "kid": kid}, key)


def keys_from_kms(kms: "KMSClient", key_ids: str) -> Callable[[], Iterator[PublicKey]]:
    """Loads the public keys of a comma-separated list of KMS keys one by one; the first signs."""

    def load() -> Iterator[PublicKey]:
        for key_id in key_ids.split(","):
            yield public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])

    return load


class TokenVerifier:
    """Verifies access tokens, by RFC 8725: one algorithm, one type, and keys of the configuration.

    Keys are loaded when they are needed, and kept for the environment's life: a deployment that
    changes them makes new environments. A further key that IAM does not allow yet does not keep
    tokens of the first from being verified.

    Args:
        issuer: the `iss` that tokens must carry.
        keys: loads the public keys, the one that signs first.
    """

    def __init__(self, issuer: str, keys: Callable[[], Iterable[PublicKey]]) -> None:
        self._issuer = issuer
        self._load = keys
        self._found: dict[str, PublicKey] = {}
        self._has_all = False

    @property
    def keys(self) -> Sequence[PublicKey]:
        """All keys, the one that signs first."""
        self._find(None)
        return list(self._found.values())

    @cached_property
    def signing_key_id(self) -> str:
        """The id of the key that signs."""
        first = next(iter(self._found.values() or self._load()))
        self._found[first.kid] = first
        return first.kid

    def _find(self, kid: str | None) -> PublicKey | None:
        """The key with this id, None if it does not exist. For None as the id, loads all keys."""
        if kid not in self._found and not self._has_all:
            for key in self._load():
                self._found[key.kid] = key
                if key.kid == kid:
                    return key
            # Unknown ids do not load the keys again.
            self._has_all = True
        return self._found.get(kid) if kid else None

    def caller(self, token: str) -> Caller:
        """The caller with this token.

        Raises:
            Unauthenticated: the token is forged, no access token, or expired.
        """
        try:
            header, claims = jws.parse(token)
        except jws.Malformed:
            raise _invalid("form") from None
        # The shop writes no other member (jku, jwk, x5u, x5c, crit).
        if header.keys() != _HEADER or header["alg"] != ALGORITHM or header["typ"] != TYPE:
            raise _invalid("header")
        key = self._find(str(header["kid"]))
        if key is None:
            raise _invalid("key")
        self._verify(token, key)
        _check_times(claims)
        # Tokens that the last release issued, for 15 minutes after a deployment, have none.
        session_epoch = claims.get("epoch", 0)
        user_id, role = str(claims["sub"]), claims["role"]
        is_complete = role in ROLES and all(map(_is_id, (claims["sub"], claims["jti"])))
        if not is_complete or not isinstance(session_epoch, int) or session_epoch < 0:
            raise _invalid("claims")
        return Caller(user_id, role, session_epoch)  # type: ignore[arg-type]  # `in` does not narrow a Literal

    def _verify(self, token: str, key: PublicKey) -> None:
        """Return if the key has signed it, for this audience, and it is not expired."""
        import jwt  # imported where it is used: see public_key

        try:
            jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                # `_check_times` checks `iat`: PyJWT's one leeway would be that of `exp` too.
                options={"require": _REQUIRED, "strict_aud": True, "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The access token has expired.", reason="expired") from None
        except jwt.InvalidTokenError:
            raise _invalid("invalid") from None


def _check_times(claims: jws.Members) -> None:
    """Return if the times are numbers, and the lifetime is no longer than the shop's."""
    issued_at, expires_at, not_before = claims["iat"], claims["exp"], claims.get("nbf", 0)
    if (
        not isinstance(issued_at, int)
        or not isinstance(expires_at, int)
        or not isinstance(not_before, int)
        or expires_at - issued_at > LIFETIME_SECONDS
        or issued_at > time.time() + _CLOCKS_DIFFER_SECONDS
    ):
        raise _invalid("times")


def _is_id(claim: str | int) -> bool:
    return isinstance(claim, str) and _ID.fullmatch(claim) is not None


def _invalid(reason: str) -> Unauthenticated:
    return Unauthenticated("The access token is not valid.", reason=reason)
