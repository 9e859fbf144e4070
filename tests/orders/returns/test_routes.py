"""Returns over HTTP: from the customer's request to the refund."""

from datetime import timedelta
from typing import Any, Final

import pytest

from orders.models import Order
from orders.returns.models import ReturnRequest
from shared.auth.tokens import Caller
from shared.contracts.inventory import Line
from tests.orders.builders import SECOND, UNREADABLE, an_order, event_types, events_of
from tests.orders.harness import ORDERS, OrdersHarness
from tests.support.aws import before_next
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.http import Answer

ONE_MUG: Final[dict[str, Any]] = {
    "items": [{"product_id": "mug", "quantity": 1}],
    "reason": "Too small.",
}
REFUSAL: Final = {"text": "It was used.\nSorry."}


@pytest.fixture
def order(shop: OrdersHarness) -> Order:
    """Three mugs for 11.00 each, delivered."""
    paid = shop.advance(shop.placed("k", ("mug", 3)))
    shop.service.ship(paid.id, ADMIN)
    return shop.service.deliver(paid.id, ADMIN)


def ask(
    shop: OrdersHarness,
    order: Order,
    body: Any = ONE_MUG,
    caller: Caller = ALICE,
    *,
    key: str | None = None,
) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return shop.http.post(f"{ORDERS}/{order.id}/returns", body, caller=caller, headers=headers)


def decide(
    shop: OrdersHarness, order: Order, id_: str, verb: str, caller: Caller = ADMIN
) -> Answer:
    path = f"{ORDERS}/{order.id}/returns/{id_}/{verb}"
    return shop.http.post(path, REFUSAL if verb == "refuse" else None, caller=caller)


def listed(shop: OrdersHarness, order: Order, query: str = "") -> Any:
    return shop.http.get(f"{ORDERS}/{order.id}/returns{query}", caller=ALICE).json


def test_return_is_requested_and_listed(shop: OrdersHarness, order: Order) -> None:
    answer = ask(shop, order, {**ONE_MUG, "items": ONE_MUG["items"] * 2})
    assert (answer.status, answer.headers["location"]) == (201, f"{ORDERS}/{order.id}/returns")
    assert answer.json == {
        "id": answer.json["id"],
        "order_id": order.id,
        "status": "requested",
        "items": [{"product_id": "mug", "quantity": 2}],
        "reason": "Too small.",
        "created_at": "2026-11-20T12:00:00.000Z",
        "updated_at": "2026-11-20T12:00:00.000Z",
    }
    assert listed(shop, order) == {"returns": [answer.json], "count": 1, "next_cursor": None}
    event = events_of(shop.orders, order)[-1]
    assert (event.type, event.data["return_id"]) == ("order.return_requested", answer.json["id"])
    history = shop.http.get(f"{ORDERS}/{order.id}/events", caller=ALICE).json["events"]
    assert history[-1]["data"]["return_id"] == answer.json["id"]


@pytest.mark.parametrize("is_received", [False, True])
def test_repeated_request_returns_the_first_return(
    shop: OrdersHarness, order: Order, is_received: bool
) -> None:
    first = ask(shop, order, key="key-1")
    assert "idempotent-replayed" not in first.headers
    shop.clock.now += SECOND
    if is_received:
        for verb in ("approve", "receive"):
            decide(shop, order, first.json["id"], verb)
    # The period is over for new returns.
    shop.clock.now += timedelta(days=31)
    again = ask(shop, order, key="key-1")
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["idempotent-replayed"] == "true"
    assert len(listed(shop, order)["returns"]) == 1
    two = {**ONE_MUG, "items": ONE_MUG["items"] * 2}
    for other in (two, {**ONE_MUG, "reason": "Too large."}):
        refused = ask(shop, order, other, key="key-1")
        assert (refused.status, refused.code) == (422, "idempotency-key-reused")


def test_requests_with_other_keys_or_none_are_other_returns(
    shop: OrdersHarness, order: Order
) -> None:
    ids = {ask(shop, order, key=key).json["id"] for key in ("key-1", None, "key-2")}
    assert {one["id"] for one in listed(shop, order)["returns"]} == ids
    assert len(ids) == 3


def test_concurrent_requests_with_one_key_are_one_return(shop: OrdersHarness, order: Order) -> None:
    wanted = ReturnRequest((Line(product_id="mug", quantity=1),), ONE_MUG["reason"])
    before_next(
        shop.orders._table,
        "transact_write_items",
        lambda: shop.returning.request(order.id, ALICE, "key-1", wanted),
    )
    second = ask(shop, order, key="key-1")
    assert (second.status, second.headers["idempotent-replayed"]) == (201, "true")
    assert shop.current(order).unclaimed("mug") == 2


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_return_refuses_an_invalid_key(shop: OrdersHarness, order: Order, key: str) -> None:
    answer = ask(shop, order, key=key)
    assert (answer.status, answer.code) == (422, "invalid-request")


def test_received_return_is_refunded_and_restocked(shop: OrdersHarness, order: Order) -> None:
    id_ = ask(shop, order).json["id"]
    assert decide(shop, order, id_, "approve").json["status"] == "approved"
    received = decide(shop, order, id_, "receive")
    assert (received.status, received.json["status"]) == (200, "received")
    assert shop.inventory.available["mug"] == 7
    assert shop.current(order).unclaimed("mug") == 2
    for _ in range(2):
        shop.advance(order)
    [refund] = shop.refunds.page(order.id, after=None, limit=9).items
    assert (refund.id, refund.status) == (received.json["refund_id"], "succeeded")
    assert shop.payments.item(order.id)["refunds"] == {refund.id: 1100}
    assert shop.inventory.available["mug"] == 8
    assert shop.current(order).refunded_minor == 1100
    assert shop.current(order).due_at is None
    assert event_types(shop.orders, order)[-4:] == [
        "order.return_requested",
        "order.return_approved",
        "order.return_received",
        "order.refunded",
    ]


def test_refused_return_says_why_and_frees_its_units(shop: OrdersHarness, order: Order) -> None:
    three = {**ONE_MUG, "items": [{"product_id": "mug", "quantity": 3}]}
    id_ = ask(shop, order, three).json["id"]
    assert (ask(shop, order).status, ask(shop, order).code) == (409, "return-exceeds-order")
    refused = decide(shop, order, id_, "refuse").json
    assert (refused["status"], refused["refusal"]) == ("refused", "It was used.\nSorry.")
    event = events_of(shop.orders, order)[-1]
    assert (event.type, event.data["refusal"]) == ("order.return_refused", refused["refusal"])
    shop.clock.now += SECOND
    again = ask(shop, order, three)
    assert again.status == 201
    first = listed(shop, order, "?limit=1")
    second = listed(shop, order, f"?limit=1&cursor={first['next_cursor']}")
    assert [one["id"] for one in first["returns"] + second["returns"]] == [again.json["id"], id_]


def test_return_is_refused_with_its_code(shop: OrdersHarness, order: Order) -> None:
    confirmed = shop.advance(shop.placed("other"))
    id_ = ask(shop, order).json["id"]
    nothing = {**ONE_MUG, "items": [{"product_id": "tray", "quantity": 1}]}
    refusals = [
        (ask(shop, confirmed), "409 illegal-transition"),
        (ask(shop, order, nothing), "409 return-exceeds-order"),
        (ask(shop, order, caller=BOB), "404 order-not-found"),
        (ask(shop, order, caller=ADMIN), "404 order-not-found"),
        (ask(shop, an_order(404)), "404 order-not-found"),
        (decide(shop, order, id_, "approve", ALICE), "403 forbidden"),
        (decide(shop, order, id_, "receive"), "409 illegal-transition"),
        (decide(shop, order, "0" * 32, "approve"), "404 return-not-found"),
        (decide(shop, order, "x" * 2000, "refuse"), "404 return-not-found"),
        (decide(shop, confirmed, id_, "approve"), "404 return-not-found"),
        (decide(shop, an_order(404), id_, "approve"), "404 order-not-found"),
    ]
    for answer, problem in refusals:
        assert f"{answer.status} {answer.code}" == problem
    assert [one["status"] for one in listed(shop, order)["returns"]] == ["requested"]


@pytest.mark.parametrize("is_known", [True, False])
def test_return_is_refused_when_its_period_is_over(
    shop: OrdersHarness, order: Order, is_known: bool
) -> None:
    if not is_known:
        # An earlier release has delivered it, and its customer was erased since.
        key = {"pk": f"ORDER#{order.id}", "sk": "ORDER"}
        shop.orders._table.update(key, "REMOVE #delivered_at")
    shop.clock.now += timedelta(days=30)
    assert ask(shop, order).status == 201
    shop.clock.now += SECOND
    late = ask(shop, order)
    assert (late.status, late.code) == (409, "return-period-over")


def test_open_returns_of_an_order_are_limited(shop: OrdersHarness) -> None:
    shop.inventory.available["mug"] = 99
    order = shop.advance(shop.placed("k", ("mug", 50)))
    shop.service.ship(order.id, ADMIN)
    shop.service.deliver(order.id, ADMIN)
    ids = [ask(shop, order).json["id"] for _ in range(20)]
    assert ask(shop, order).code == "too-many-returns"
    decide(shop, order, ids[0], "refuse")
    assert ask(shop, order).status == 201


@pytest.mark.parametrize("rival", ["approve", "refuse"])
def test_one_of_two_concurrent_decisions_counts(
    shop: OrdersHarness, order: Order, rival: str
) -> None:
    id_ = ask(shop, order).json["id"]
    decisions = {
        "approve": lambda: shop.returning.approve(order.id, id_, ADMIN),
        "refuse": lambda: shop.returning.refuse(order.id, id_, ADMIN, "No."),
    }
    before_next(shop.orders._table, "transact_write_items", decisions[rival])
    other = decide(shop, order, id_, "refuse" if rival == "approve" else "approve")
    assert (other.status, other.code) == (409, "illegal-transition")
    [one] = listed(shop, order)["returns"]
    assert one["status"] == {"approve": "approved", "refuse": "refused"}[rival]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": ONE_MUG["items"]},
        {"reason": "x"},
        {**ONE_MUG, "reason": ""},
        {**ONE_MUG, "reason": "x" * 501},
        *({**ONE_MUG, "reason": text} for text in UNREADABLE),
        {**ONE_MUG, "items": []},
        {**ONE_MUG, "amount": "1.00"},
    ],
    ids=str,
)
def test_return_refuses_an_invalid_body(shop: OrdersHarness, order: Order, body: Any) -> None:
    answer = ask(shop, order, body)
    assert (answer.status, answer.code) == (422, "invalid-request")


def test_refusal_needs_a_text(shop: OrdersHarness, order: Order) -> None:
    path = f"{ORDERS}/{order.id}/returns/{ask(shop, order).json['id']}/refuse"
    assert shop.http.post(path, {}, caller=ADMIN).status == 422
    for text in ("", *UNREADABLE):
        assert shop.http.post(path, {"text": text}, caller=ADMIN).status == 422


def test_reasons_of_many_scripts_are_accepted(shop: OrdersHarness, order: Order) -> None:
    # With joiners.
    for reason in ("Zu groß,\nleider. \U0001f469\u200d\U0001f467", "रिक्\u200dशा"):
        answer = ask(shop, order, {**ONE_MUG, "reason": reason})
        assert (answer.status, answer.json.get("reason")) == (201, reason)


def test_erasure_overwrites_reasons_and_refusals(shop: OrdersHarness, order: Order) -> None:
    ids = [ask(shop, order, {**ONE_MUG, "reason": "Alice is 1.60 m"}).json["id"] for _ in range(2)]
    decide(shop, order, ids[0], "refuse")
    shop.erase(ALICE.id)
    items = repr(shop.orders._table.client.scan(TableName="OrdersTable")["Items"])
    assert "1.60" not in items
    assert "It was used" not in items
    refused, requested = (shop.returns.find(order.id, id_) for id_ in ids)
    assert refused
    assert requested
    assert (refused.reason, refused.refusal, requested.refusal) == ("Erased", "Erased", None)
    # What the others' events have not, the erasure does not add.
    events = [one for one in events_of(shop.orders, order) if "refusal" in one.data]
    assert [one.data["refusal"] for one in events] == [None, None, "Erased"]
    # Steps that are left go on.
    for verb in ("approve", "receive"):
        assert decide(shop, order, ids[1], verb).status == 200
    shop.advance(order)
    assert shop.current(order).refunded_minor == 1100


def test_failed_refund_of_a_return_may_be_made_again(
    shop: OrdersHarness, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = ask(shop, order).json["id"]
    for verb in ("approve", "receive"):
        decide(shop, order, id_, verb)
    monkeypatch.setattr(shop.payments, "refund", lambda *_, **__: "failed")
    shop.advance(order)
    monkeypatch.undo()
    body = {"items": ONE_MUG["items"], "restock": True}
    key = {"Idempotency-Key": "again"}
    path = f"{ORDERS}/{order.id}/refunds"
    assert shop.http.post(path, body, caller=ADMIN, headers=key).status == 201
    shop.advance(order)
    assert shop.current(order).refunded_minor == 1100
    assert shop.inventory.available["mug"] == 8
