"""DynamoDB may serve a read that is not consistent from an earlier state: no decision depends on
such a read."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.crashes.matrix import Play
from tests.crashes.scenarios import SCENARIOS, Scenario
from tests.simulation.shop import SimulatedShop
from tests.support.invariants import breaches

_BEHIND = 30.0  # seconds: less than an erasure waits before it looks once more

STALENESS: dict[str, Callable[[bool], float]] = {
    "tables": lambda of_index: 0.0 if of_index else _BEHIND,
    "all": lambda _: _BEHIND,
    "some": lambda _: random.choice((0.0, _BEHIND)),
}


@pytest.mark.parametrize(
    ("scenario", "staleness"),
    [
        # Every scenario in one way, which take turns, and the others in the long form.
        pytest.param(
            scenario,
            staleness,
            id=f"{scenario.name}-{staleness}",
            marks=[] if (number - turn) % len(STALENESS) == 0 else pytest.mark.torture,
        )
        for number, scenario in enumerate(SCENARIOS)
        for turn, staleness in enumerate(STALENESS)
    ],
)
def test_promises_hold_with_stale_reads(
    shop: SimulatedShop, scenario: Scenario, staleness: str
) -> None:
    with shop.reading_stale(STALENESS[staleness]):
        point = Play(shop, scenario).run({})
    assert point.breaches == ()


@pytest.fixture
def stale(shop: SimulatedShop) -> Iterator[SimulatedShop]:
    """A shop on which all that was written within the last half minute may be read as it was
    before."""
    with shop.reading_stale(STALENESS["tables"]):
        yield shop


def test_a_product_is_ordered_as_soon_as_it_is_on_sale(stale: SimulatedShop) -> None:
    product = stale.admin.add_product(name="New Mug", stock=3)
    assert stale.customer.try_order((product, 1)).status_code == 201


def test_a_customer_orders_from_registration_until_deactivation(
    stale: SimulatedShop,
) -> None:
    new = stale.anyone.register(email="nina@example.com")
    assert new.try_order((stale.mug, 1)).status_code == 201
    assert stale.admin.delete(f"/api/v1/users/{new.user['id']}").status_code in (200, 204)
    assert new.try_order((stale.mug, 1)).status_code in (401, 403)


def test_a_stock_change_is_replayed_when_its_key_is_repeated(
    stale: SimulatedShop,
) -> None:
    path, headers = f"/api/v1/products/{stale.tray['id']}/stock", {"Idempotency-Key": "a-key"}
    answers = [stale.admin.post(path, {"delta": 5}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert stale.admin.stock_of(stale.tray) == 35


def test_a_session_is_renewed_and_ended_at_once(stale: SimulatedShop) -> None:
    new = stale.anyone.register(email="nina@example.com")

    def refresh(token: str) -> tuple[int, str]:
        answer = stale.anyone.post("/api/v1/auth/refresh", {"refresh_token": token})
        return answer.status_code, answer.json().get("refresh_token", "")

    status, token = refresh(new.refresh_token)
    assert status == 200
    # The first token is a thief's now, and ends the session.
    assert refresh(new.refresh_token)[0] == 401
    assert refresh(token)[0] == 401
    new.log_in()
    stale.admin.delete(f"/api/v1/users/{new.user['id']}")
    assert refresh(new.refresh_token)[0] == 401


def test_an_erasure_finds_an_order_that_was_just_shipped(stale: SimulatedShop) -> None:
    order = stale.order((stale.mug, 1), key="an-order")
    stale.settle()
    stale.pass_time(timedelta(seconds=_BEHIND + 5))
    stale.move(stale.admin, order, "ship", "shipped")
    answer = stale.admin.delete(
        f"/api/v1/users/{stale.customer.user['id']}", params={"erase": "true"}
    )
    assert answer.json()["erased"]
    stale.come_to_rest()
    stale.pass_every_deadline()
    assert breaches(stale.books(), stale.witness) == []


def test_an_erasure_finds_a_customer_who_just_registered(stale: SimulatedShop) -> None:
    new = stale.anyone.register(email="nina@example.com", full_name="Nina New")
    path = f"/api/v1/users/{new.user['id']}"
    assert stale.admin.delete(path, params={"erase": "true"}).json()["erased"]
    stale.come_to_rest()
    assert breaches(stale.books(), stale.witness) == []
