"""Signed cursors: positions in lists, bound to one caller and one query (see `paging`)."""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.errors import InvalidCursor

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_MAC_BYTES = 32
LONGEST = 4096


def key_from_kms(kms: "KMSClient", key_id: str) -> Callable[[], bytes]:
    """A signing key that is stored nowhere: KMS's HMAC of a constant."""

    def derive() -> bytes:
        return kms.generate_mac(
            KeyId=key_id, Message=b"bodega/cursors/1", MacAlgorithm="HMAC_SHA_256"
        )["Mac"]

    return derive


class Cursors:
    """Signs and opens cursors.

    Args:
        key: returns the signing key, 32 bytes; called at the first use, most requests need none.
    """

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._derive = key

    @cached_property
    def _key(self) -> bytes:
        return self._derive()

    def seal(self, position: Any, *, caller: str, query: Mapping[str, Any]) -> str | None:
        """The cursor for a position, which is any JSON value; None for None, at the end of a list.

        Args:
            caller: the caller's id, empty in a public list.
            query: the list and its filters, without `limit` and `cursor`.
        """
        if position is None:
            return None
        payload = json.dumps(position, separators=(",", ":"), sort_keys=True).encode()
        signed = self._mac(payload, caller, query) + payload
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def open(self, cursor: str | None, *, caller: str, query: Mapping[str, Any]) -> Any:
        """The position in a cursor of this caller and query; None without a cursor.

        Raises:
            InvalidCursor: the cursor is forged, cut short, or sealed for another caller or query.
        """
        if cursor is None:
            return None
        try:
            if len(cursor) > LONGEST:
                raise InvalidCursor
            signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidCursor from None
        mac, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, caller, query)):
            raise InvalidCursor
        return json.loads(payload)

    def _mac(self, payload: bytes, caller: str, query: Mapping[str, Any]) -> bytes:
        bound = json.dumps(
            [caller, {k: v for k, v in query.items() if v is not None}], sort_keys=True
        )
        return hmac.digest(self._key, bound.encode() + b"\0" + payload, "sha256")
