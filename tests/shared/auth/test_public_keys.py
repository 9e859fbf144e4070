"""The public keys of access tokens: which one a token names, and what strangers can have read."""

import base64
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
import pytest
import time_machine
from botocore.exceptions import ConnectTimeoutError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth.public_keys import DailyKeys, FormerKey, key_of, public_key, published
from shared.auth.tokens import PublicKey, TokenVerifier
from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.shared.auth.forging import ISSUER, Forge, Key, is_accepted
from tests.shared.auth.hostile_tokens import hostile
from tests.support.aws import simulated_table

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
YESTERDAY, TODAY, TOMORROW = "2026-11-21", "2026-11-22", "2026-11-23"
PAIRS: Final = {day: Key() for day in (YESTERDAY, TODAY, TOMORROW, "2026-11-20", "2026-11-24")}
FORMER: Final = Key()


class Kms:
    """Counts what it is asked."""

    asked = 0
    is_away = False

    def get_public_key(self, **_: Any) -> dict[str, bytes]:
        self.asked += 1
        if self.is_away:
            raise ConnectTimeoutError(endpoint_url="kms")
        return {"PublicKey": FORMER.der}


@pytest.fixture
def moment() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


@pytest.fixture
def table() -> Table:
    return simulated_table("KeysTable")


@pytest.fixture
def kms() -> Kms:
    return Kms()


@pytest.fixture
def keys(moment: Any, table: Table, kms: Kms) -> DailyKeys:
    return DailyKeys(table, FormerKey("former", lambda: kms))  # type: ignore[arg-type,return-value]  # a part


def publish(table: Table, day: str, pair: Key | None = None) -> PublicKey:
    public = public_key((pair or PAIRS[day]).der, day)
    table.put({**key_of(day), **published(public), "made_at": 0})
    return public


def reads_of(table: Table) -> list[str]:
    """The partitions that are read from now on."""
    read: list[str] = []
    get = table.client.get_item

    def counted(**request: Any) -> Any:
        read.append(request["Key"]["pk"]["S"])
        return get(**request)

    table.client.get_item = counted  # type: ignore[method-assign]  # of the simulation
    return read


def test_key_s_id_is_its_day_and_a_part_of_its_thumbprint() -> None:
    whole, ours = FORMER.public, public_key(FORMER.der, TODAY)
    assert len(base64.urlsafe_b64decode(f"{whole.kid}=")) == 32
    assert ours.kid == f"{TODAY}.{whole.kid[:16]}"
    # The example of RFC 7638 is RSA; PyJWT's own reading of the key is compared instead.
    assert jwt.PyJWK(dict(ours.jwk)).key.public_numbers() == ours.key.public_numbers()
    assert set(ours.jwk) == {"crv", "kty", "x", "y", "use", "alg", "kid"}


def test_key_of_another_kind_is_refused() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for other in (der, Key(ec.SECP384R1()).der, Key(ec.SECP256K1()).der):
        with pytest.raises(TypeError, match=r"elliptic.*P-256"):
            public_key(other)


def test_keys_of_days_that_tokens_can_be_of_are_found(keys: DailyKeys, table: Table) -> None:
    made = {day: publish(table, day) for day in PAIRS}
    found = {day for day, key in made.items() if keys.find(key.kid) == key}
    assert found == {YESTERDAY, TODAY, TOMORROW}
    assert [key.kid for key in keys.all()] == [
        *(made[day].kid for day in (YESTERDAY, TODAY, TOMORROW)),
        FORMER.public.kid,
    ]


def test_key_is_read_once_in_five_minutes(keys: DailyKeys, table: Table, moment: Any) -> None:
    kid, read = publish(table, TODAY).kid, reads_of(table)
    for _ in range(300):
        assert keys.find(kid)
        moment.shift(1)
    assert len(read) == 1
    assert keys.find(kid)
    assert len(read) == 2


def test_deleted_key_is_void_within_five_minutes(
    keys: DailyKeys, table: Table, moment: Any
) -> None:
    kid = publish(table, TODAY).kid
    assert keys.find(kid)
    table.delete(key_of(TODAY))
    moment.shift(300)
    assert keys.find(kid) is None


def test_clock_that_is_set_back_makes_no_key_live_longer(
    keys: DailyKeys, table: Table, moment: Any
) -> None:
    kid = publish(table, TODAY).kid
    assert keys.find(kid)
    table.delete(key_of(TODAY))
    moment.shift(-1)
    assert keys.find(kid) is None


def test_replaced_key_is_found_at_once_and_the_former_one_no_more(
    keys: DailyKeys, table: Table, moment: Any
) -> None:
    before = publish(table, TODAY)
    assert keys.find(before.kid)
    after = publish(table, TODAY, Key())
    moment.shift(1)
    assert keys.find(after.kid) == after
    assert keys.find(before.kid) is None


def test_unknown_ids_cause_a_bounded_number_of_reads(
    keys: DailyKeys, table: Table, kms: Kms, moment: Any, say: Callable[[str], None]
) -> None:
    kid = publish(table, TODAY).kid
    read, tried = reads_of(table), 0
    numbers = itertools.count()
    for _ in range(60):
        for _ in range(100):
            for day in (YESTERDAY, TODAY, TOMORROW, "2026-11-20", "9999-12-31", "x"):
                assert keys.find(f"{day}.{next(numbers):016}") is None
                tried += 1
            assert keys.find(f"{next(numbers):043}") is None
            assert keys.find(kid)
        moment.shift(1)
    say(f"public keys: {tried} unknown ids in a minute, {len(read)} reads")
    # Each of three days once a second.
    assert len(read) <= 180
    assert set(read) == {f"SIGNING#{day}" for day in (YESTERDAY, TODAY, TOMORROW)}
    assert kms.asked == 1


@pytest.mark.parametrize(
    "kid",
    [
        *("", ".", "..", f"{TODAY}", f"{TODAY}.", f".{TODAY}", f"{TODAY}/../x", f"{TODAY}\x00.x"),
        *("CURSORS#orders", "CURSORS#orders.KEY", "SIGNING#2026-11-22", f"SIGNING#{TODAY}.KEY"),
        *(
            "2026-11-2\uff12.x",
            "2026-W47-7.x",
            "20261122.x",
            "+2026-11-22.x",
            " 2026-11-22.x",
            "x" * 9999,
        ),
        *("2026-11-22T00:00:00.x", "0000-00-00.x", "2026-11-2\u0662.x", "['2026-11-22']"),
    ],
)
def test_kid_of_another_form_is_unknown_and_names_no_other_item(
    keys: DailyKeys, table: Table, kms: Kms, kid: str
) -> None:
    publish(table, TODAY)
    table.put({"pk": "CURSORS#orders", "sk": "KEY", "secret": "00" * 32})
    read = reads_of(table)
    assert keys.find(kid) is None
    assert set(read) <= {f"SIGNING#{TODAY}"}
    assert kms.asked == 0


def test_key_is_found_under_its_own_day_only(keys: DailyKeys, table: Table) -> None:
    kid = publish(table, TODAY).kid
    assert keys.find(kid.replace(TODAY, TOMORROW)) is None
    table.put({**key_of(TOMORROW), **published(public_key(PAIRS[TODAY].der)), "kid": kid})
    assert keys.find(kid) is not None
    assert keys.find(f"{TOMORROW}.{'x' * 16}") is None


def test_no_hostile_token_is_accepted_under_a_daily_key(
    keys: DailyKeys, table: Table, say: Callable[[str], None]
) -> None:
    publish(table, YESTERDAY, Key())
    forge = Forge(publish(table, TODAY), PAIRS[TODAY].sign)
    verifier = TokenVerifier(ISSUER, keys)
    assert verifier.caller(forge.token()).id == "alice"
    tokens = hostile(forge)
    # A cursor's secret, and a key of another day.
    tokens |= {
        f"under {kid}": forge.token(header=forge.header(kid=kid))
        for kid in (f"{YESTERDAY}.{forge.key.kid[11:]}", "CURSORS#orders", FORMER.public.kid)
    }
    accepted = [name for name, text in tokens.items() if is_accepted(verifier, text)]
    assert accepted == []
    say(f"hostile tokens, daily keys: {len(tokens)} tried, {len(accepted)} accepted")


def test_key_of_the_last_release_is_requested_once_and_for_ids_of_its_form_only(
    keys: DailyKeys, kms: Kms
) -> None:
    for other in ("x", FORMER.public.kid[:-1], f"{FORMER.public.kid}="):
        assert keys.find(other) is None
    assert kms.asked == 0
    for _ in range(2):
        found = keys.find(FORMER.public.kid)
        assert found
        assert found.kid == FORMER.public.kid
        assert keys.find("x" * 43) is None
    assert kms.asked == 1


def test_daily_keys_are_listed_while_kms_is_away_which_is_asked_once_a_second(
    keys: DailyKeys, table: Table, kms: Kms, moment: Any
) -> None:
    kid = publish(table, TODAY).kid
    kms.is_away = True
    for _ in range(3):
        assert [key.kid for key in keys.all()] == [kid]
        assert keys.find("x" * 43) is None
    assert kms.asked == 1
    kms.is_away = False
    moment.move_to(NOW + timedelta(seconds=2))
    assert [key.kid for key in keys.all()] == [kid, FORMER.public.kid]


@pytest.mark.usefixtures("account")
def test_key_of_the_last_release_is_that_of_kms() -> None:
    kms = aws.client("kms")
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    der = kms.get_public_key(KeyId=made)["PublicKey"]
    key = FormerKey(made, lambda: kms).key
    assert key
    assert key.kid == public_key(der).kid


def test_days_follow_the_clock(keys: DailyKeys, table: Table, moment: Any) -> None:
    kid = publish(table, TODAY).kid
    for by, is_found in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        moment.move_to(NOW + timedelta(days=by))
        assert (keys.find(kid) is not None) is is_found, by
