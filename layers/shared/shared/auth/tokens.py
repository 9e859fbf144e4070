"""Access tokens (RFC 9068): their claims, and how a service verifies them with the public keys."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args

from shared.auth import jws
from shared.errors import Unauthenticated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

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
    """One verification key."""

    kid: str
    jwk: Mapping[str, str]
    key: "EllipticCurvePublicKey"


class PublicKeys(Protocol):
    """The keys that tokens verify with."""

    def find(self, kid: str) -> PublicKey | None:
        """The key with this id, which may be any text."""

    def all(self) -> Sequence[PublicKey]:
        """All that a token may name."""


class TokenVerifier:
    """Verifies access tokens, by RFC 8725: one algorithm, one type, and the shop's own keys.

    Args:
        issuer: the `iss` that tokens must carry.
    """

    def __init__(self, issuer: str, keys: PublicKeys) -> None:
        self._issuer = issuer
        self.keys = keys

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
        key = self.keys.find(str(header["kid"]))
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
        import jwt  # imported where it is used: see public_keys.public_key

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
