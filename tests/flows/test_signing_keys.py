"""From each day's signing key to the next: no valid token is refused, by any service, in any
environment, and while KMS is away; a key that was deleted is void within five minutes."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from shared.auth import jws
from shared.auth.public_keys import public_key
from shared.auth.tokens import LIFETIME_SECONDS
from tests.shared.auth.forging import Forge
from tests.simulation.faults import Mode
from tests.simulation.shop import SimulatedShop
from tests.support.callers import PLACES
from tests.support.client import PASSWORD, Client
from tools.template import template

LIFETIME: Final = timedelta(seconds=LIFETIME_SECONDS)
FIVE_MINUTES: Final = timedelta(minutes=5)
JWKS: Final = "/.well-known/jwks.json"
KMS: Final = ("kms.Decrypt", "kms.Encrypt", "kms.GetPublicKey", "kms.Sign")


@dataclass
class Life:
    """A customer who renews the tokens; `tokens` are those given out, with the moment of each."""

    shop: SimulatedShop
    customer: Client
    tokens: list[tuple[datetime, str]] = field(default_factory=list)
    asked: int = 0

    def give_token(self) -> str:
        """A fresh token; its key's id."""
        held = {"refresh_token": self.customer.refresh_token}
        answer = self.customer.http.post("/api/v1/auth/refresh", json=held)
        assert answer.status_code == 200, answer.text
        self.customer.refresh_token = answer.json()["refresh_token"]
        self.tokens.append((datetime.now(UTC), answer.json()["access_token"]))
        return self.kid

    @property
    def kid(self) -> str:
        """The id of the key of the last token."""
        return str(jwt.get_unverified_header(self.tokens[-1][1])["kid"])

    def refused(self) -> list[str]:
        """Which services refuse the oldest or the newest token that is still valid."""
        # A second less: the clock goes on while they are asked about.
        youngest = datetime.now(UTC) - LIFETIME + timedelta(seconds=2)
        valid = [token for given_at, token in self.tokens if given_at > youngest]
        return [
            name
            for token in {valid[0], valid[-1]}
            for name in PLACES
            if not self.takes(name, token)
        ]

    def takes(self, service: str, token: str) -> bool:
        self.asked += 1
        answer = ask(self.shop, service, token)
        assert answer.status_code in (200, 401, 403), answer.text
        return answer.status_code != 401

    def jwks(self) -> list[str]:
        """The ids of the public keys."""
        return [key["kid"] for key in self.customer.http.get(JWKS).json()["keys"]]

    def move_to(self, hour: int, minute: int = 0, *, day: int = 21) -> None:
        self.shop.pass_time(datetime(2026, 11, day, hour, minute, tzinfo=UTC) - datetime.now(UTC))


def ask(shop: SimulatedShop, service: str, token: str) -> httpx.Response:
    method, path = PLACES[service]
    headers = {"Authorization": f"Bearer {token}"}
    return shop.anyone.http.request(method, path, headers=headers)


@pytest.fixture
def life(shop: SimulatedShop) -> Iterator[Life]:
    life = Life(shop, Client(shop.anyone.http, user={"email": "carla@example.com"}))
    life.customer.log_in(PASSWORD)
    yield life
    # What later tests find has been signed with keys that are stored.
    shop.wire.refused.clear()


def keys_table(shop: SimulatedShop) -> dict[Any, Any]:
    return shop.cloud.dynamodb.tables["KeysTable"].items


def delete_signing_keys(shop: SimulatedShop) -> None:
    """As docs/runbook.md has it."""
    items = keys_table(shop)
    for key in [key for key in items if key[0].startswith("SIGNING#")]:
        del items[key]


def kms_calls(shop: SimulatedShop, act: Callable[[], object]) -> list[str]:
    shop.wire.forget()
    act()
    return [str(call) for call in shop.wire.calls if call.service == "kms"]


def test_valid_tokens_are_accepted_through_two_days(life: Life, say: Callable[[str], None]) -> None:
    shop, kids = life.shop, list[str]()
    life.move_to(23, 40, day=20)
    while datetime.now(UTC) < datetime(2026, 11, 22, 0, 30, tzinfo=UTC):
        kids.append(life.give_token())
        assert life.refused() == [], datetime.now(UTC)
        # Some environments are new at any time.
        shop.restart(list(PLACES)[len(kids) % len(PLACES)])
        near_midnight = datetime.now(UTC).hour in (23, 0)
        shop.pass_time(timedelta(minutes=3 if near_midnight else 45))
    assert [kid.partition(".")[0] for kid in dict.fromkeys(kids)] == [
        *("2026-11-20", "2026-11-21", "2026-11-22")
    ]
    say(f"signing keys: {len(kids)} tokens, {life.asked} requests with valid tokens, 0 refused")


def test_clients_that_keep_the_public_keys_for_five_minutes_know_each_key_before_it_signs(
    life: Life,
) -> None:
    life.move_to(23, 50, day=20)
    known: list[tuple[datetime, list[str]]] = []
    for _ in range(90):
        known.append((datetime.now(UTC), life.jwks()))
        kid = life.give_token()
        kept = [kids for at, kids in known if at >= datetime.now(UTC) - FIVE_MINUTES]
        assert kid in kept[0], datetime.now(UTC)
        life.shop.pass_time(timedelta(seconds=20))
    assert life.kid.startswith("2026-11-21")


def test_first_log_in_makes_the_key_of_a_day_after_quiet_days(life: Life) -> None:
    life.move_to(3, day=25)
    assert [kid for kid in life.jwks() if "." in kid] == []
    assert life.give_token().startswith("2026-11-25.")
    life.shop.pass_time(timedelta(seconds=1))
    assert life.kid in life.jwks()
    assert life.refused() == []


def test_log_ins_and_other_requests_call_kms_for_no_token(life: Life) -> None:
    shop = life.shop

    def act() -> None:
        for _ in range(3):
            life.customer.log_in(PASSWORD)
            life.give_token()
            assert life.refused() == []

    act()
    assert kms_calls(shop, act) == []
    # New environments: only that of UsersApi needs the day's key, once.
    for name in PLACES:
        shop.restart(name)
    for who in (shop.customer, shop.admin):
        who.log_in(PASSWORD)
    assert kms_calls(shop, act) == []
    shop.restart("UsersApi")
    assert kms_calls(shop, act) == ["UsersApi: kms.Decrypt"]


def test_log_ins_go_on_while_kms_is_away(life: Life) -> None:
    """In an environment that has a key: also into the next day, till noon."""
    shop = life.shop
    life.give_token()
    for operation in KMS:
        shop.wire.refused[operation] = "", "ThrottlingException", ""
    life.move_to(23, 59, day=20)
    for hour in (0, 5, 11):
        life.move_to(hour, 1)
        life.customer.log_in(PASSWORD)
        assert life.give_token().startswith("2026-11-20.")
        assert life.refused() == []
    # The last token of that key is valid to its end.
    life.move_to(11, 59)
    life.give_token()
    shop.pass_time(LIFETIME - timedelta(seconds=5))
    assert life.refused() == []
    refused = life.customer.http.post(
        "/api/v1/auth/login", json={"email": "carla@example.com", "password": PASSWORD}
    )
    assert refused.status_code == 503
    shop.wire.refused.clear()
    life.customer.log_in(PASSWORD)
    assert life.give_token().startswith("2026-11-21.")
    assert life.refused() == []


def test_deleted_keys_are_void_within_five_minutes_and_log_ins_go_on(life: Life) -> None:
    shop = life.shop
    life.give_token()
    stolen = life.tokens[-1][1]
    assert life.refused() == []
    delete_signing_keys(shop)
    accepted_for = timedelta()
    while [name for name in PLACES if life.takes(name, stolen)]:
        shop.pass_time(timedelta(seconds=10))
        accepted_for += timedelta(seconds=10)
    assert accepted_for <= FIVE_MINUTES
    life.tokens.clear()
    former = jwt.get_unverified_header(stolen)["kid"]
    assert life.give_token() != former
    shop.pass_time(timedelta(seconds=1))
    assert life.refused() == []
    assert former not in life.jwks()


def test_environment_signs_with_a_deleted_key_for_a_minute_at_most(life: Life) -> None:
    former = life.give_token()
    delete_signing_keys(life.shop)
    life.shop.pass_time(timedelta(minutes=1))
    life.tokens.clear()
    assert life.give_token() != former
    assert life.refused() == []


@pytest.mark.parametrize("mode", [Mode.DIES_BEFORE, Mode.DIES_AFTER, Mode.ANSWER_LOST])
def test_day_has_a_key_whenever_its_maker_dies(life: Life, mode: Mode) -> None:
    shop = life.shop
    life.move_to(12)
    shop.wire.forget()
    life.give_token()
    calls = list(shop.wire.calls)
    making = [
        n for n, call in enumerate(calls) if "KeysTable" in call.about or call.service == "kms"
    ]
    assert len(making) >= 5
    for day, number in enumerate(making, start=22):
        life.move_to(12, day=day)
        life.customer.log_in(PASSWORD) if day % 2 else None
        shop.wire.forget()
        shop.wire.plan = {number: mode}
        shop.anyone.post("/api/v1/auth/login", {"email": "ada@example.com", "password": PASSWORD})
        shop.wire.plan = {}
        life.customer.log_in(PASSWORD)
        assert life.give_token().startswith(f"2026-11-{day}.")
        assert life.refused() == []


@pytest.mark.parametrize("lost", ["CredentialsTable", "KeysTable", "MailKey"])
def test_key_that_lost_its_other_half_is_replaced(life: Life, lost: str) -> None:
    """As after the recovery of one table, or with another KMS key."""
    shop = life.shop
    former = life.give_token()
    if lost == "MailKey":
        shop.cloud.make_symmetric_keys_anew()
    else:
        items = shop.cloud.dynamodb.tables[lost].items
        for key in [key for key in items if key[0].startswith("SIGNING#")]:
            del items[key]
    shop.pass_time(timedelta(minutes=6))
    for name in PLACES:
        shop.restart(name)
    life.tokens.clear()
    assert life.give_token() != former
    assert life.refused() == []


def test_tokens_of_the_last_release_are_accepted_by_every_service(life: Life) -> None:
    shop = life.shop

    def kms(operation: str, **more: str) -> Any:
        body = json.dumps({"KeyId": shop._names["TokenKey"], **more}).encode()
        return json.loads(shop.cloud.answer("kms", operation, "/", body)[2])

    def sign(message: bytes) -> bytes:
        sent = {"Message": b64encode(message).decode(), "SigningAlgorithm": "ECDSA_SHA_256"}
        return jws.joined(*decode_dss_signature(b64decode(kms("Sign", **sent)["Signature"])))

    der = b64decode(kms("GetPublicKey")["PublicKey"])
    issuer = template()["Parameters"]["TokenIssuer"]["Default"]
    forge = Forge(public_key(der), sign, issuer, shop.customer.user["id"])
    token = forge.token()
    assert forge.key.kid in life.jwks()
    assert [name for name in PLACES if not life.takes(name, token)] == []
    unknown = forge.token(header=forge.header(kid="x" * 43))
    assert [name for name in PLACES if life.takes(name, unknown)] == []
