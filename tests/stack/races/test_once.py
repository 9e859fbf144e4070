"""The same thing asked for at once, and things that exclude each other, on the emulator: one of them is done, once."""

import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import batched
from itertools import product as every
from typing import Any

import httpx
import pytest

from tests.stack.races.market import Market, Size, at_once, statuses
from tests.support.client import PASSWORD, Client

type Say = Callable[[str], None]


@pytest.mark.parametrize("way", ["here", "over HTTP"])
def test_requests_with_one_key_place_one_order(
    market: Market, size: Size, way: str, say: Say
) -> None:
    for number in range(min(size.rounds, 5)):
        market.begins_anew()
        mug = market.admin.add_product(stock=size.requests)
        [customer] = market.customers(1, market.here if way == "here" else market.there)
        key = uuid.uuid4().hex

        def place(quantity: int, mug: Any = mug, key: str = key, by: Client = customer) -> Any:
            return by.try_order((mug, quantity), key=key)

        answers = at_once(place, [1] * size.requests, threads=size.requests)
        say(market.line(f"one key, {way}, round {number + 1}, {dict(statuses(answers))}"))
        # Over HTTP a cold worker may be too slow for who waits for it, and says nothing definite either.
        slow = {"503 service-unavailable"} if way == "over HTTP" else set()
        assert statuses(answers).keys() <= {"201", "409 request-in-progress"} | slow
        told = [market.definitely(partial(place, 1)), *answers]
        assert len({answer.json()["id"] for answer in told if answer.status_code == 201}) == 1
        assert statuses([place(2)]) == {"422 idempotency-key-reused": 1}
        assert market.closes().products[mug["id"]]["taken"] == 1


def test_requests_with_one_key_place_one_order_where_no_lock_keeps_them_apart(
    market: Market, size: Size, say: Say
) -> None:
    for number in range(min(size.rounds, 5)):
        market.begins_anew()
        mug = market.admin.add_product(stock=size.requests)
        [customer] = market.customers(1)
        key = uuid.uuid4().hex

        def place(quantity: int, mug: Any = mug, key: str = key, by: Client = customer) -> Any:
            return market.definitely(lambda: by.try_order((mug, quantity), key=key))

        with market.environments.without_locks():
            answers = at_once(place, [1, 1, 1, 2] * (size.requests // 4), threads=size.requests)
        say(market.line(f"one key without a lock, round {number + 1}"))
        # Whichever body was first is the order; whoever comes with the other one is told so.
        assert statuses(answers).keys() <= {"201", "422 idempotency-key-reused"}
        [order] = {a.json()["id"]: a.json() for a in answers if a.status_code == 201}.values()
        assert market.closes().products[mug["id"]]["taken"] == order["items"][0]["quantity"]


def test_stock_changes_with_one_key_are_one_change(market: Market, size: Size, say: Say) -> None:
    for number in range(min(size.rounds, 5)):
        market.begins_anew()
        mug = market.admin.add_product(stock=1)
        key = uuid.uuid4().hex

        def restock(delta: int, mug: Any = mug, key: str = key) -> httpx.Response:
            return market.restocks(mug, delta, key)

        answers = at_once(restock, [5] * size.requests, threads=size.requests)
        say(market.line(f"one stock change, round {number + 1}"))
        assert {answer.text for answer in answers} == {answers[0].text}
        assert answers[0].json()["stock"] == 6
        assert statuses([restock(6)]) == {"422 idempotency-key-reused": 1}
        books = market.closes()
        assert books.products[mug["id"]]["available"] == 6


def test_one_address_is_one_account(market: Market, size: Size, say: Say) -> None:
    for number in range(min(size.rounds, 5)):
        market.begins_anew()
        account = {
            "email": f"wanted-{number}-{size.buyers}@example.com",
            "full_name": "Wanda Wanted",
            "password": PASSWORD,
        }

        def register(_: int, account: dict[str, str] = account) -> httpx.Response:
            return market.definitely(lambda: Client(market.here).post("/api/v1/users", account))

        answers = at_once(register, range(32))
        say(market.line(f"one address, round {number + 1}"))
        assert statuses(answers) == {"201": 1, "409 email-taken": 31}
        market.closes()


def test_a_cancelled_order_stays_so_wherever_its_saga_is(
    market: Market, size: Size, say: Say
) -> None:
    mug = market.admin.add_product(stock=size.orders)
    by: dict[str, Client] = {}

    def cancelled_or_confirmed(visit: tuple[str, str]) -> str:
        order_id, what = visit
        if what == "confirm":
            # Beside the deployed worker, which gets the same event.
            return market.environments.deliver(market.cloud.events_of(order_id)[0])
        path = f"/api/v1/orders/{order_id}/cancel"
        [said] = statuses([market.definitely(lambda: by[order_id].post(path))])
        return said

    answers: Counter[str] = Counter()
    # A few at a time, so that the deployed worker has not confirmed them all before they are raced over.
    for customers in batched(market.customers(size.orders), 8, strict=False):
        placed = {market.buys(customer, mug).json()["id"]: customer for customer in customers}
        by |= placed
        visits = list(every(placed, ("confirm", "cancel", "confirm", "cancel")))
        answers.update(at_once(cancelled_or_confirmed, visits))
    say(market.line("cancelled while it is confirmed"))
    assert answers["200"] == answers["409 illegal-transition"] == size.orders
    books = market.closes()
    assert {books.orders[order_id]["status"] for order_id in by} == {"cancelled"}
    assert books.products[mug["id"]]["available"] == size.orders
    say(f"… {dict(Counter(books.payments[order_id]['state'] for order_id in by))}")


def test_an_order_is_shipped_or_cancelled(market: Market, size: Size, say: Say) -> None:
    mug = market.admin.add_product(stock=size.orders)
    orders = [market.buys(c, mug).json() for c in market.customers(size.orders)]
    market.cloud.come_to_rest(within=120)

    def do(visit: tuple[dict[str, Any], str]) -> tuple[str, str]:
        path = f"/api/v1/orders/{visit[0]['id']}/{visit[1]}"
        [said] = statuses([market.definitely(lambda: market.admin.post(path))])
        return visit[0]["id"], said

    answers = Counter(at_once(do, list(every(orders, ("ship", "cancel")))))
    say(market.line("shipped or cancelled"))
    for order in orders:
        assert answers[order["id"], "200"] == answers[order["id"], "409 illegal-transition"] == 1
    books = market.closes()
    ended = Counter(books.orders[order["id"]]["status"] for order in orders)
    assert ended.keys() <= {"shipped", "cancelled"}
    say(f"… {dict(ended)}")
