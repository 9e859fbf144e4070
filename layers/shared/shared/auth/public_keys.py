"""The public keys of access tokens: UsersApi makes one for each day, and puts it into KeysTable,
which every API may read.

A key's id is its day and a part of its thumbprint (RFC 7638): `2026-11-22.kGo6lv1dXpQhnBt2`. A
verifier reads by the day alone, and only days that tokens can be of: no id that a stranger invents
becomes a key of the table, and the number of reads has a limit.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.auth import jws
from shared.auth.tokens import ALGORITHM, PublicKey
from shared.runtime import logging
from shared.storage.dynamodb import Item, Key, Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from mypy_boto3_kms import KMSClient

KEPT_SECONDS: Final = 300
"""For so long a verifier may use a key without reading it again: a deleted key is void then."""
# A day is read no more often than this for ids that it does not have. A key that signs as soon as
# it is made, because the day before has none, may be unknown for so long.
_UNKNOWN_SECONDS: Final = 1
_THUMBPRINT_LENGTH: Final = 16  # 96 bits
_FORMER_KID_LENGTH: Final = 43


def day_of(moment: datetime) -> str:
    """The day of a key that begins to sign at this time."""
    return moment.astimezone(UTC).date().isoformat()


def key_of(day: str) -> Key:
    """Where a day's key is: the public half in KeysTable, the private one in CredentialsTable."""
    # One partition key for both, which policies name for the transaction that writes both.
    return {"pk": f"SIGNING#{day}", "sk": "KEY"}


def published(public: PublicKey) -> Item:
    """The attributes that verifiers read."""
    return {name: public.jwk[name] for name in ("x", "y")}


def public_key(der: bytes, day: str = "") -> PublicKey:
    """The P-256 key in a DER-encoded SubjectPublicKeyInfo, as KMS gives it; with `day`, as the key
    of that day."""
    # Imported where it is used: requests without a token need none of it, and it is 20 ms of a cold
    # start.
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = load_der_public_key(der)
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise TypeError("the token key must be an elliptic-curve key, of the curve P-256")
    return identified(key, day)


def identified(key: "EllipticCurvePublicKey", day: str = "") -> PublicKey:
    """The key under its id, which for a key without a day is the whole thumbprint."""
    point = key.public_numbers()
    thumbprinted = {
        "crv": "P-256",
        "kty": "EC",
        "x": jws.encoded(point.x.to_bytes(32, "big")),
        "y": jws.encoded(point.y.to_bytes(32, "big")),
    }
    digest = hashlib.sha256(json.dumps(thumbprinted, separators=(",", ":")).encode()).digest()
    thumbprint = jws.encoded(digest)
    kid = f"{day}.{thumbprint[:_THUMBPRINT_LENGTH]}" if day else thumbprint
    return PublicKey(kid, {**thumbprinted, "use": "sig", "alg": ALGORITHM, "kid": kid}, key)


class _Known:
    # No dataclass, which would be compiled at each start: this module is loaded after those whose
    # code is compiled with the package.
    def __init__(self, day: str, item: Item | None, read_at: float) -> None:
        self.key = _public(item, day) if item else None
        self._read_at = read_at

    def is_good_for(self, kid: str) -> bool:
        """Whether the day need not be read again to find this id."""
        is_it = self.key is not None and self.key.kid == kid
        # A clock that was set back makes no key live longer.
        return 0 <= time.time() - self._read_at < (KEPT_SECONDS if is_it else _UNKNOWN_SECONDS)


class DailyKeys:
    """Implements `PublicKeys`.

    Args:
        former: the key by which the last release has signed. No shop needs it 15 minutes after the
            last environment of that release has ended.
    """

    def __init__(self, table: Table, former: "FormerKey") -> None:
        self._table = table
        self._former = former
        self._known: dict[str, _Known] = {}

    def find(self, kid: str) -> PublicKey | None:
        day = kid.partition(".")[0]
        if day not in _days():
            return self._former.find(kid)
        known = self._known.get(day)
        if known is None or not known.is_good_for(kid):
            read_at = time.time()
            known = self._known[day] = _Known(day, self._table.get(key_of(day)), read_at)
        return known.key if known.key and known.key.kid == kid else None

    def all(self) -> Sequence[PublicKey]:
        days = _days()
        if not all(day in self._known and self._known[day].is_good_for("") for day in days):
            read_at = time.time()
            read = self._table.get_many([key_of(day) for day in days], consistent=True)
            items = {item["pk"]: item for item in read}
            for day in days:
                self._known[day] = _Known(day, items.get(key_of(day)["pk"]), read_at)
        found = [self._known[day].key for day in days]
        return [key for key in (*found, self._former.key) if key]


class FormerKey:
    """The public half of the KMS key by which the last release signs."""

    def __init__(self, key_id: str, kms: Callable[[], "KMSClient"]) -> None:
        self._key_id = key_id
        self._kms = kms
        self._found: PublicKey | None = None
        self._asked_at = 0.0

    @property
    def key(self) -> PublicKey | None:
        """None while KMS does not give it: no other key depends on it.

        Requested at the first token of that release: hardly any environment needs the client.
        """
        # Strangers' tokens cause a call a second at most.
        if self._found is None and not 0 <= time.time() - self._asked_at < _UNKNOWN_SECONDS:
            self._asked_at = time.time()
            try:
                answer = self._kms().get_public_key(KeyId=self._key_id)
            except (BotoCoreError, ClientError):
                logging.logger().warning("the key of the last release is missing", exc_info=True)
            else:
                self._found = public_key(answer["PublicKey"])
        return self._found

    def find(self, kid: str) -> PublicKey | None:
        """The key, if this is its id."""
        key = self.key if len(kid) == _FORMER_KID_LENGTH else None
        return key if key and key.kid == kid else None


def _days() -> list[str]:
    """Those that a token may name: a key signs on its day and the morning after, and the signer's
    clock may be ahead."""
    now = datetime.now(UTC)
    return [day_of(now + timedelta(days=by)) for by in (-1, 0, 1)]


def _public(item: Item, day: str) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # see public_key

    x, y = (int.from_bytes(jws.decoded(item[name]), "big") for name in ("x", "y"))
    return identified(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key(), day)
