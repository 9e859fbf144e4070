"""Makes tokens part by part, right or wrong, signed by whatever signs."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth import jws
from shared.auth.public_keys import public_key
from shared.auth.tokens import PublicKey, TokenVerifier
from shared.errors import Unauthenticated

type Sign = Callable[[bytes], bytes]
type Part = Mapping[str, Any] | bytes

ISSUER: Final = "https://tests.example"


class Key:
    """A key pair, of P-256 unless another curve is named."""

    def __init__(self, curve: ec.EllipticCurve | None = None) -> None:
        self.private = ec.generate_private_key(curve or ec.SECP256R1())

    @property
    def der(self) -> bytes:
        return self.private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def public(self) -> PublicKey:
        return public_key(self.der)

    def sign(self, message: bytes) -> bytes:
        """r and s, each as long as the curve's numbers; of P-256 the smaller one of s and n - s."""
        size = (self.private.curve.key_size + 7) // 8
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
        if size == 32:
            return jws.joined(r, s)
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


@dataclass(frozen=True)
class Forge:
    """Makes tokens under a key that a verifier takes: good ones, unless something else is said."""

    key: PublicKey
    sign: Sign
    issuer: str = ISSUER
    subject: str = "alice"

    def claims(self, **changes: object) -> dict[str, Any]:
        """What a good token says, with changes; `...` takes a claim away."""
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": "bodega",
            "iat": now,
            "exp": now + 900,
            "jti": "1",
            "sub": self.subject,
            "role": "customer",
            "epoch": 0,
        }
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def header(self, **changes: object) -> dict[str, Any]:
        """A good token's header, with changes; `...` takes a member away."""
        good = {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid}
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def token(
        self, claims: Part | None = None, header: Part | None = None, *, sign: Sign | None = None
    ) -> str:
        """The token of these parts, given as members or as bytes."""
        parts = (self.header() if header is None else header, claims or self.claims())
        return self.signed(".".join(jws.encoded(as_bytes(part)) for part in parts), sign=sign)

    def signed(self, message: str, *, sign: Sign | None = None) -> str:
        """The message with a signature behind it."""
        return f"{message}.{jws.encoded((sign or self.sign)(message.encode()))}"


def as_bytes(part: Part) -> bytes:
    """A part as it is before it is encoded."""
    return part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def is_accepted(verifier: TokenVerifier, text: str) -> bool:
    """Whether the verifier takes the text for a token."""
    try:
        verifier.caller(text)
    except Unauthenticated:
        return False
    return True
