"""Which key signs, and how a day gets its key. `tests/flows/test_signing_keys.py` has what services
accept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from shared.auth.public_keys import key_of
from shared.storage.dynamodb import Table
from tests.support.aws import before_next, simulated_tables
from tests.support.clock import ManualClock
from users.signing_keys.models import SigningKey, days_that_sign, stored_until
from users.signing_keys.repository import DynamoSigningKeys
from users.signing_keys.service import SigningKeys

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Sealer:
    """Implements `SecretSealer` without encryption; `is_away` makes it fail."""

    is_away: bool = False
    failure: Exception = field(default_factory=lambda: ConnectTimeoutError(endpoint_url="kms"))
    opened: list[str] = field(default_factory=list)

    def seal(self, secret: bytes, *, kid: str) -> str:
        self._answer()
        return f"{kid}:{secret.hex()}"

    def open(self, sealed: str, *, kid: str) -> bytes | None:
        self._answer()
        self.opened.append(kid)
        sealed_for, _, secret = sealed.partition(":")
        return bytes.fromhex(secret) if sealed_for == kid else None

    def _answer(self) -> None:
        if self.is_away:
            raise self.failure


@dataclass
class Shop:
    """Environments on one pair of tables."""

    clock: ManualClock
    tables: list[Table] = field(
        default_factory=lambda: simulated_tables("KeysTable", "CredentialsTable")
    )
    sealer: Sealer = field(default_factory=Sealer)

    def environment(self) -> SigningKeys:
        return SigningKeys(DynamoSigningKeys(*self.tables), self.sealer, self.clock)

    def published(self) -> list[str]:
        """The ids that KeysTable has, by day."""
        kept = [self.tables[0].get(key_of(f"2026-11-{day}")) for day in (21, 22, 23)]
        return [item["kid"] for item in kept if item]


@pytest.fixture
def shop() -> Shop:
    clock = ManualClock()
    clock.advance(seconds=(MIDNIGHT - timedelta(hours=1) - clock()).total_seconds())
    return Shop(clock)


def test_signature_is_that_of_the_public_key_and_has_no_random_number() -> None:
    key, secret = SigningKey.generate("2026-11-22")
    again = SigningKey.of("2026-11-22", secret)
    assert again.kid == key.kid
    signature = key.sign(b"message")
    assert again.sign(b"message") == signature
    r, s = (int.from_bytes(part) for part in (signature[:32], signature[32:]))
    der = utils.encode_dss_signature(r, s)
    key.public.key.verify(der, b"message", ec.ECDSA(SHA256()))
    assert "private" not in repr(key)


def test_keys_differ() -> None:
    assert len({SigningKey.generate("2026-11-22")[1] for _ in range(100)}) == 100


def test_environments_of_a_day_have_one_key_which_each_decrypts_once(shop: Shop) -> None:
    first, second = shop.environment(), shop.environment()
    kids = set()
    for _ in range(30):
        kids |= {first.current().kid, second.current().kid}
        shop.clock.advance(seconds=100)
    assert len(kids) == 1
    assert shop.published() == list(kids)
    assert len(shop.sealer.opened) == 2


def test_new_key_signs_when_readers_of_the_public_keys_know_it(shop: Shop) -> None:
    signing = shop.environment()
    former = signing.current().kid
    shop.clock.advance(hours=1)
    assert signing.current().kid == former
    assert len(shop.published()) == 2
    for environment in (signing, shop.environment()):
        assert environment.current().kid == former
    shop.clock.advance(seconds=329)
    assert shop.environment().current().kid == former
    shop.clock.advance(seconds=1)
    assert {signing.current().kid, shop.environment().current().kid} == {shop.published()[1]}


def test_new_key_signs_at_once_where_the_day_before_has_none(shop: Shop) -> None:
    assert [shop.environment().current().kid] == shop.published()


def test_of_two_environments_that_make_a_key_at_once_one_makes_it(shop: Shop) -> None:
    others: list[str] = []

    def other() -> None:
        others.append(shop.environment().current().kid)

    before_next(shop.tables[0], "transact_write_items", other)
    kid = shop.environment().current().kid
    assert others == [kid]
    assert shop.published() == [kid]


def test_held_key_signs_while_kms_is_away_till_noon_of_the_next_day(shop: Shop) -> None:
    signing = shop.environment()
    held = signing.current().kid
    shop.sealer.is_away = True
    for _ in range(12):
        shop.clock.advance(hours=1)
        assert signing.current().kid == held
    with pytest.raises(ConnectTimeoutError):
        shop.environment().current()
    shop.clock.advance(hours=1)
    with pytest.raises(ConnectTimeoutError):
        signing.current()
    shop.sealer.is_away = False
    assert signing.current().kid.startswith("2026-11-22")


def test_held_key_signs_while_its_key_of_kms_is_disabled(shop: Shop) -> None:
    signing = shop.environment()
    held = signing.current().kid
    shop.sealer.is_away = True
    shop.sealer.failure = ClientError({"Error": {"Code": "DisabledException"}}, "Encrypt")
    shop.clock.advance(hours=12)
    assert signing.current().kid == held


def test_held_key_is_checked_once_a_minute_and_replaced_if_it_was_deleted(shop: Shop) -> None:
    signing = shop.environment()
    before = signing.current().kid
    shop.tables[0].delete(key_of("2026-11-21"))
    shop.clock.advance(seconds=59)
    assert signing.current().kid == before
    shop.clock.advance(seconds=1)
    after = signing.current().kid
    assert after != before
    assert shop.environment().current().kid == after


@pytest.mark.parametrize(
    "lose",
    [
        lambda table, key: table.delete(key),
        lambda table, key: table.update(key, "SET #sealed = :s", values={"s": "x:00"}),
        lambda table, key: table.update(key, "SET #kid = :s", values={"s": "x"}),
    ],
)
def test_key_whose_secret_is_lost_is_replaced(shop: Shop, lose: Callable[..., object]) -> None:
    before = shop.environment().current().kid
    lose(shop.tables[1], key_of("2026-11-21"))
    after = shop.environment().current().kid
    assert after != before
    assert shop.published() == [after]
    assert shop.environment().current().kid == after


def test_key_is_stored_for_longer_than_verifiers_accept_it(shop: Shop) -> None:
    signing = shop.environment()
    kid = signing.current().kid
    shop.clock.advance(seconds=3600 * 12 + 3599)
    assert "2026-11-21" in days_that_sign(shop.clock())
    shop.clock.advance(seconds=1)
    assert "2026-11-21" not in days_that_sign(shop.clock())
    for table in shop.tables:
        item = table.get(key_of("2026-11-21"))
        assert item is not None
        assert item["kid"] == kid
        assert item["ttl"] == stored_until("2026-11-21") == MIDNIGHT.timestamp() + 2 * 86400
