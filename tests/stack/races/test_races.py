"""Concurrent buyers, and requests that exclude each other, on the emulator's DynamoDB."""

import random
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
from tests.support.books import Books
from tests.support.client import PASSWORD, Client

type Say = Callable[[str], None]


def sold(books: Books) -> Counter[str]:
    """The units of each product in orders that were not cancelled."""
    units: Counter[str] = Counter()
    for order in books.orders.values():
        for line in order["lines"] if order["status"] != "cancelled" else ():
            units[line["product_id"]] += line["quantity"]
    return units


def test_orders_never_exceed_the_stock(market: Market, size: Size, say: Say) -> None:
    for number in market.rounds(size.rounds):
        mug = market.admin.add_product(stock=size.units)
        buyers = market.customers(size.buyers)

        def buy(buyer: Client, mug: dict[str, Any] = mug) -> httpx.Response:
            return market.buy(buyer, mug)

        answers = at_once(buy, buyers)
        say(market.summary(f"one product, round {number + 1}"))
        refused = size.buyers - size.units
        assert statuses(answers) == {"201": size.units, "409 out-of-stock": refused}
        assert sold(market.close())[mug["id"]] == size.units


@pytest.mark.torture
def test_orders_over_http_never_exceed_the_stock(market: Market, size: Size, say: Say) -> None:
    mug = market.admin.add_product(stock=size.units)
    buyers = market.customers(2 * size.units, market.there)
    answers = at_once(lambda buyer: market.buy(buyer, mug), buyers)
    say(market.summary("over HTTP"))
    assert statuses(answers) == {"201": size.units, "409 out-of-stock": size.units}
    assert sold(market.close())[mug["id"]] == size.units


def test_baskets_are_reserved_wholly_or_not_at_all(market: Market, size: Size, say: Say) -> None:
    def visit(visit: tuple[Client, list[dict[str, Any]], bool]) -> None:
        buyer, basket, cancels = visit
        answer = market.buy(buyer, *basket)
        if answer.status_code == 201 and cancels:
            path = f"/api/v1/orders/{answer.json()['id']}/cancel"
            # Repeated after a lost response, it is 409: the books show what was cancelled.
            assert market.definitely(lambda: buyer.post(path)).status_code in (200, 409)

    for number in market.rounds(size.rounds):
        chance = random.Random(number)
        goods = [market.admin.add_product(stock=size.units) for _ in range(4)]
        buyers = market.customers(size.buyers)
        # Overlapping baskets in any order, and a third of them is cancelled.
        baskets = [chance.sample(goods, chance.randint(2, 3)) for _ in buyers]
        cancels = [chance.random() < 0.3 for _ in buyers]
        at_once(visit, list(zip(buyers, baskets, cancels, strict=True)))
        say(market.summary(f"baskets, round {number + 1}"))
        books = market.close()
        for product in goods:
            left = books.products[product["id"]]["available"]
            assert sold(books)[product["id"]] == size.units - left


def test_stock_added_during_a_sale_is_sold(market: Market, size: Size, say: Say) -> None:
    mug = market.admin.add_product(stock=size.units // 2)
    buyers = market.customers(size.buyers)

    def visit(number: int) -> httpx.Response:
        if number % 4 == 0:
            return market.restock(mug, 2 if number % 8 else -1, uuid.uuid4().hex)
        return market.buy(buyers[number], mug)

    answers = at_once(visit, range(size.buyers))
    say(market.summary("restocked during a sale"))
    assert statuses(answers).keys() == {"200", "201", "409 out-of-stock"}
    assert sold(market.close())[mug["id"]] == statuses(answers)["201"]


@pytest.mark.parametrize("way", ["here", pytest.param("over HTTP", marks=pytest.mark.torture)])
def test_requests_with_one_key_place_one_order(
    market: Market, size: Size, way: str, say: Say
) -> None:
    for number in market.rounds(min(size.rounds, 5)):
        mug = market.admin.add_product(stock=size.requests)
        [customer] = market.customers(1, market.here if way == "here" else market.there)
        key = uuid.uuid4().hex

        def place(quantity: int, mug: Any = mug, key: str = key, by: Client = customer) -> Any:
            return by.try_order((mug, quantity), key=key)

        answers = at_once(place, [1] * size.requests, threads=size.requests)
        say(market.summary(f"one key, {way}, round {number + 1}, {dict(statuses(answers))}"))
        # Over HTTP a cold worker may respond too late.
        slow = {"503 service-unavailable"} if way == "over HTTP" else set()
        assert statuses(answers).keys() <= {"201", "409 request-in-progress"} | slow
        final = market.definitely(partial(place, 1))
        placed = [answer for answer in (final, *answers) if answer.status_code == 201]
        assert len({answer.json()["id"] for answer in placed}) == 1
        assert statuses([place(2)]) == {"422 idempotency-key-reused": 1}
        assert market.close().products[mug["id"]]["taken"] == 1


def test_requests_with_one_key_place_one_order_without_a_lock(
    market: Market, size: Size, say: Say
) -> None:
    mug = market.admin.add_product(stock=size.requests)
    [customer] = market.customers(1)
    key = uuid.uuid4().hex

    def place(quantity: int) -> httpx.Response:
        return market.definitely(lambda: customer.try_order((mug, quantity), key=key))

    with market.environments.without_locks():
        answers = at_once(place, [1, 1, 1, 2] * (size.requests // 4), threads=size.requests)
    say(market.summary("one key without a lock"))
    # The first body becomes the order; requests with the other body are refused.
    assert statuses(answers).keys() <= {"201", "422 idempotency-key-reused"}
    [order] = {a.json()["id"]: a.json() for a in answers if a.status_code == 201}.values()
    assert market.close().products[mug["id"]]["taken"] == order["items"][0]["quantity"]


def test_stock_changes_with_one_key_are_one_change(market: Market, size: Size, say: Say) -> None:
    mug = market.admin.add_product(stock=1)
    key = uuid.uuid4().hex
    change = partial(market.restock, mug, key=key)
    answers = at_once(change, [5] * size.requests, threads=size.requests)
    say(market.summary("one stock change"))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert statuses([change(6)]) == {"422 idempotency-key-reused": 1}
    assert market.close().products[mug["id"]]["available"] == 6


def test_one_address_becomes_one_account(market: Market, size: Size, say: Say) -> None:
    email = f"wanted-{uuid.uuid4().hex[:8]}@example.com"
    account = {"email": email, "full_name": "Wanda Wanted", "password": PASSWORD}

    def register(_: int) -> httpx.Response:
        return market.definitely(lambda: Client(market.here).post("/api/v1/users", account))

    answers = at_once(register, range(size.requests))
    say(market.summary("one address"))
    assert statuses(answers) == {"201": 1, "409 email-taken": size.requests - 1}
    market.close()


def test_cancelled_order_stays_cancelled_during_checkout(
    market: Market, size: Size, say: Say
) -> None:
    mug = market.admin.add_product(stock=size.orders)
    by: dict[str, Client] = {}

    def cancel_or_confirm(visit: tuple[str, str]) -> str:
        order_id, what = visit
        if what == "confirm":
            # Beside the deployed worker, which gets the same event.
            return market.environments.deliver(market.cloud.events_of(order_id)[0])
        path = f"/api/v1/orders/{order_id}/cancel"
        [status] = statuses([market.definitely(lambda: by[order_id].post(path))])
        return status

    answers: Counter[str] = Counter()
    # A few at a time, so that the deployed worker has not confirmed them all before the race.
    for customers in batched(market.customers(size.orders), 8, strict=False):
        placed = {market.buy(customer, mug).json()["id"]: customer for customer in customers}
        by |= placed
        visits = list(every(placed, ("confirm", "cancel", "confirm", "cancel")))
        answers.update(at_once(cancel_or_confirm, visits))
    say(market.summary("cancelled during checkout"))
    assert answers["200"] == answers["409 illegal-transition"] == size.orders
    books = market.close()
    assert {books.orders[order_id]["status"] for order_id in by} == {"cancelled"}
    assert books.products[mug["id"]]["available"] == size.orders


def test_order_is_either_shipped_or_cancelled(market: Market, size: Size, say: Say) -> None:
    mug = market.admin.add_product(stock=size.orders)
    orders = [market.buy(c, mug).json() for c in market.customers(size.orders)]
    market.cloud.come_to_rest(within=120)

    def do(visit: tuple[dict[str, Any], str]) -> tuple[str, str]:
        path = f"/api/v1/orders/{visit[0]['id']}/{visit[1]}"
        [status] = statuses([market.definitely(lambda: market.admin.post(path))])
        return visit[0]["id"], status

    answers = Counter(at_once(do, list(every(orders, ("ship", "cancel")))))
    say(market.summary("shipped or cancelled"))
    for order in orders:
        assert answers[order["id"], "200"] == answers[order["id"], "409 illegal-transition"] == 1
    books = market.close()
    ended = {books.orders[order["id"]]["status"] for order in orders}
    assert ended <= {"shipped", "cancelled"}


def test_refresh_token_used_at_once_has_one_child(market: Market, size: Size, say: Say) -> None:
    token = Client(market.here).register().refresh_token

    def refresh(used: str) -> httpx.Response:
        return market.here.post("/api/v1/auth/refresh", json={"refresh_token": used})

    answers = at_once(refresh, [token] * size.buyers)
    say(market.summary(f"one refresh token, {dict(statuses(answers))}"))
    spent = "401 bad-refresh-token"
    assert statuses(answers) == {"200": 1, spent: size.buyers - 1}
    # The reuse ends the family, whoever was first.
    [child] = [a.json()["refresh_token"] for a in answers if a.status_code == 200]
    assert statuses([refresh(child), refresh(token)]) == {spent: 2}


def test_five_of_many_concurrent_guesses_are_compared(market: Market, say: Say) -> None:
    customer = Client(market.here).register()
    guess = {"email": customer.user["email"], "password": "a-wrong-but-long-password"}
    answers = at_once(lambda _: market.here.post("/api/v1/auth/login", json=guess), range(50))
    seen = statuses(answers)
    say(market.summary(f"50 guesses at once, {dict(seen)}"))
    # A second or two pass during the race, and with them the first wait or the second.
    compared = seen["401 bad-credentials"]
    assert 5 <= compared <= 7
    assert seen["429 too-many-attempts"] == 50 - compared
    # From another address the owner logs in.
    elsewhere = Client(market.there, user=customer.user)
    assert elsewhere.log_in(PASSWORD).token
