"""The key that signs access tokens in the canned shop: always the same, as the key of today."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

SECRET: Final = bytes(range(1, 33))
_POINT: Final = ec.derive_private_key(int.from_bytes(SECRET), ec.SECP256R1()).public_key()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# As shared.auth.public_keys has it, which the process of the canned AWS does not load.
_X, _Y = (_encoded(n.to_bytes(32)) for n in (_POINT.public_numbers().x, _POINT.public_numbers().y))
_JWK: Final = {"crv": "P-256", "kty": "EC", "x": _X, "y": _Y}
_THUMBPRINT: Final = _encoded(
    hashlib.sha256(json.dumps(_JWK, separators=(",", ":")).encode()).digest()
)


def items() -> dict[tuple[str, str, str], dict[str, Any]]:
    """Both halves of the key of today, by table and key."""
    day = datetime.now(UTC).date().isoformat()
    place = f"SIGNING#{day}", "KEY"
    both = {"pk": place[0], "sk": place[1], "kid": f"{day}.{_THUMBPRINT[:16]}"}
    return {
        ("KeysTable", *place): {**both, "x": _X, "y": _Y, "made_at": 0},
        ("CredentialsTable", *place): {**both, "sealed": "c2VhbGVk"},
    }
