"""The form of a token: the compact serialisation (RFC 7515, section 3.1) of an ES256 signature over
two flat JSON objects.

Each part has one spelling here. PyJWT's decoder is lenient: it skips characters that are no
base64url, ignores bits that no byte needs, lets the last of two members of one name count, and
accepts `"1"`, 1.0 and true as a number. A token that two readers may read differently is refused.
If (r, s) is a signature, (r, n - s) is one as well: only the one with the smaller s is a token's.
"""

import base64
import json
from typing import Any, Final

_LONGEST: Final = 4096
_NUMBER_BYTES: Final = 32
# n, the order of P-256 (FIPS 186-5 and SP 800-186, section 3.2.1.3).
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

type Members = dict[str, str | int]


class Malformed(ValueError):
    """The text is no token, or not in the one valid spelling."""


def parse(token: str) -> tuple[Members, Members]:
    """The header and the claims; the signature is not verified.

    Raises:
        Malformed: the text is no token, or not in the one valid spelling.
    """
    if len(token) > _LONGEST:
        raise Malformed
    try:
        header, claims, signature = token.split(".")
        _check_signature(decoded(signature))
        return _members(header), _members(claims)
    except (ValueError, RecursionError) as cause:
        raise Malformed from cause


def joined(r: int, s: int) -> bytes:
    """The two numbers of a signature as a token has them: side by side (RFC 7518, section 3.4), and
    the smaller one of s and n - s."""
    return b"".join(n.to_bytes(_NUMBER_BYTES, "big") for n in (r, min(s, _ORDER - s)))


def encoded(data: bytes) -> str:
    """base64url as JOSE wants it, without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """The bytes that `encoded` has made this of.

    Raises:
        Malformed: it is not their one spelling.
    """
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if encoded(data) != part:
        raise Malformed
    return data


def _check_signature(signature: bytes) -> None:
    s = int.from_bytes(signature[_NUMBER_BYTES:], "big")
    if len(signature) != 2 * _NUMBER_BYTES or s > _ORDER // 2:
        raise Malformed


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Malformed
    return members


_decode: Final = json.JSONDecoder(object_pairs_hook=_once_each).decode


def _members(part: str) -> Members:
    members = _decode(decoded(part).decode())
    # Exactly: True is an int to isinstance.
    if type(members) is not dict or any(type(m) not in (str, int) for m in members.values()):
        raise Malformed
    return members
