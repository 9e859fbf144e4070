"""Concurrent requests to the deployed shop that exclude each other: the database decides."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from products.catalogue.repository.products import DynamoProducts
from tests.support.client import PASSWORD, Client, code, eventually, is_in_progress
from tests.support.cloud import Cloud
from tools.local.shop import Shop

type Product = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How many requests there are for how many units, by how many threads."""

    requests: int
    units: int
    threads: int


@pytest.fixture(
    params=[
        pytest.param(Size(24, 8, 8), id="quick"),
        pytest.param(
            Size(1000, 100, 32), id="long", marks=[pytest.mark.torture, pytest.mark.timeout(3600)]
        ),
    ]
)
def size(request: pytest.FixtureRequest) -> Size:
    chosen: Size = request.param
    return chosen


@pytest.fixture(scope="module")
def buyers(shop: Shop) -> Iterator[list[Client]]:
    with httpx.Client(base_url=shop.url, timeout=60) as http, ThreadPoolExecutor(4) as pool:
        yield list(pool.map(lambda _: Client(http).register(), range(6)))


def at_once[T, R](do: Callable[[T], R], each: Sequence[T], threads: int) -> list[R]:
    """`do` for each; all threads begin at the same moment."""
    threads = min(threads, len(each))
    gate = threading.Barrier(threads)
    with ThreadPoolExecutor(threads, initializer=gate.wait) as pool:
        return list(pool.map(do, each))


def definitely(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer to a client that repeats its request until the answer is definite."""
    return eventually(ask, lambda a: a.status_code < 500 and not is_in_progress(a), within=120)


def outcomes(answers: Sequence[httpx.Response]) -> Counter[str]:
    """How many answers have each status, with the code of a problem."""
    return Counter(
        str(a.status_code) if a.is_success else f"{a.status_code} {code(a)}" for a in answers
    )


def stored(cloud: Cloud, product: Product) -> tuple[int, int]:
    """The units of a product that are available, and that are taken."""
    found = DynamoProducts(cloud.table("ProductsTable")).find(product["id"])
    assert found is not None
    return found.available, found.taken


def buy(customer: Client, *products: Product) -> httpx.Response:
    key = uuid.uuid4().hex
    return definitely(lambda: customer.try_order(*((one, 1) for one in products), key=key))


def test_orders_never_exceed_the_stock_during_a_restock(
    admin: Client, buyers: list[Client], cloud: Cloud, size: Size
) -> None:
    mug = admin.add_product(stock=size.units)

    def visit(number: int) -> httpx.Response:
        if number % 8:
            return buy(buyers[number % len(buyers)], mug)
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        path = f"/api/v1/products/{mug['id']}/stock"
        return definitely(lambda: admin.post(path, {"delta": 1}, headers=headers))

    answers = at_once(visit, range(size.requests), size.threads)
    restocked = len(range(0, size.requests, 8))
    seen = outcomes(answers)
    assert seen.keys() == {"200", "201", "409 out-of-stock"}
    available, taken = stored(cloud, mug)
    assert taken == seen["201"] >= size.units
    assert available + taken == size.units + restocked


def test_baskets_are_reserved_wholly_or_not_at_all(
    admin: Client, buyers: list[Client], cloud: Cloud, size: Size
) -> None:
    chance = random.Random(1)
    goods = [admin.add_product(stock=size.units // 2) for _ in range(3)]
    baskets = [chance.sample(goods, 2) for _ in range(size.requests)]

    def visit(number: int) -> httpx.Response | None:
        """Order, and cancel a third of the orders."""
        buyer = buyers[number % len(buyers)]
        answer = buy(buyer, *baskets[number])
        if answer.status_code != 201 or number % 3:
            return answer
        path = f"/api/v1/orders/{answer.json()['id']}/cancel"
        # Repeated after a lost response, it is 409.
        assert definitely(lambda: buyer.post(path)).status_code in (200, 409)
        return None

    answers = at_once(visit, range(size.requests), size.threads)
    sold = Counter(
        line["product_id"]
        for answer in answers
        if answer is not None and answer.status_code == 201
        for line in answer.json()["items"]
    )
    expected = [(size.units // 2 - sold[one["id"]], sold[one["id"]]) for one in goods]
    eventually(lambda: [stored(cloud, one) for one in goods], lambda found: found == expected)


def test_requests_with_one_key_place_one_order(
    admin: Client, customer: Client, cloud: Cloud, size: Size
) -> None:
    mug, key = admin.add_product(stock=50), uuid.uuid4().hex

    def place(quantity: int) -> httpx.Response:
        return definitely(lambda: customer.try_order((mug, quantity), key=key))

    answers = at_once(place, [1, 1, 1, 2] * (size.threads // 4), size.threads)
    # The first body becomes the order; requests with the other body are refused.
    assert outcomes(answers).keys() <= {"201", "422 idempotency-key-reused"}
    [order] = {a.json()["id"]: a.json() for a in answers if a.status_code == 201}.values()
    assert stored(cloud, mug)[1] == order["items"][0]["quantity"]


def test_stock_changes_with_one_key_are_one_change(admin: Client, cloud: Cloud, size: Size) -> None:
    mug = admin.add_product(stock=1)
    path, headers = f"/api/v1/products/{mug['id']}/stock", {"Idempotency-Key": uuid.uuid4().hex}

    def change(delta: int) -> httpx.Response:
        return definitely(lambda: admin.post(path, {"delta": delta}, headers=headers))

    answers = at_once(change, [5] * size.threads, size.threads)
    assert {answer.text for answer in answers} == {answers[0].text}
    assert outcomes([change(6)]) == {"422 idempotency-key-reused": 1}
    assert stored(cloud, mug) == (6, 0)


def test_one_address_becomes_one_account(http: httpx.Client, size: Size) -> None:
    email = f"wanted-{uuid.uuid4().hex[:8]}@example.com"
    account = {"email": email, "full_name": "Wanda Wanted", "password": PASSWORD}

    def register(_: int) -> httpx.Response:
        return definitely(lambda: Client(http).post("/api/v1/users", account))

    answers = at_once(register, range(size.threads), size.threads)
    assert outcomes(answers) == {"201": 1, "409 email-taken": size.threads - 1}


def test_cancelled_order_stays_cancelled_during_checkout(
    admin: Client, buyers: list[Client], cloud: Cloud
) -> None:
    mug = admin.add_product(stock=len(buyers))

    def buy_and_cancel_twice(buyer: Client) -> Counter[str]:
        # The deployed worker confirms the order meanwhile.
        path = f"/api/v1/orders/{buy(buyer, mug).json()['id']}/cancel"
        return outcomes(at_once(lambda _: definitely(lambda: buyer.post(path)), range(2), 2))

    seen = sum(at_once(buy_and_cancel_twice, buyers, len(buyers)), Counter[str]())
    assert seen == {"200": len(buyers), "409 illegal-transition": len(buyers)}
    eventually(lambda: stored(cloud, mug), lambda found: found == (len(buyers), 0))


def test_order_is_either_shipped_or_cancelled(
    admin: Client, customer: Client, cloud: Cloud
) -> None:
    mug = admin.add_product(stock=1)
    order = customer.order((mug, 1))
    customer.order_once(order["id"], "confirmed")

    def do(what: str) -> httpx.Response:
        return definitely(lambda: admin.post(f"/api/v1/orders/{order['id']}/{what}"))

    answers = at_once(do, ("ship", "cancel"), 2)
    assert outcomes(answers) == {"200": 1, "409 illegal-transition": 1}
    taken = int(admin.get(f"/api/v1/orders/{order['id']}").json()["status"] == "shipped")
    eventually(lambda: stored(cloud, mug), lambda found: found == (1 - taken, taken))


def test_refunds_never_exceed_the_payment(
    admin: Client, customer: Client, cloud: Cloud, size: Size
) -> None:
    units = min(size.units, 50)  # an order takes only so many changes
    mug = admin.add_product(price="1.00", stock=units)
    order = customer.order((mug, units))
    customer.order_once(order["id"], "confirmed")
    path, unit = f"/api/v1/orders/{order['id']}", {"product_id": mug["id"], "quantity": 1}

    def refund(number: int) -> httpx.Response:
        """A unit or its price; each request is sent twice."""
        body = {"items": [unit], "restock": True} if number % 4 < 2 else {"amount": "1.00"}
        headers = {"Idempotency-Key": f"refund-{number // 2}"}
        return definitely(lambda: admin.post(f"{path}/refunds", body, headers=headers))

    answers = at_once(refund, range(4 * units), size.threads)
    assert outcomes(answers).keys() == {"201", "409 refund-exceeds-payment"}
    made = {a.json()["id"]: a.json() for a in answers if a.status_code == 201}
    assert len(made) == units
    eventually(
        lambda: customer.get(path).json()["refunded_amount"],
        lambda refunded: refunded == f"{units}.00",
        within=120,
    )
    restocked = sum("items" in one for one in made.values())
    eventually(lambda: stored(cloud, mug), lambda found: found == (restocked, units - restocked))


def test_refresh_token_used_at_once_has_one_child(
    http: httpx.Client, customer: Client, size: Size
) -> None:
    def refresh(token: str) -> httpx.Response:
        return http.post("/api/v1/auth/refresh", json={"refresh_token": token})

    answers = at_once(refresh, [customer.refresh_token] * size.threads, size.threads)
    spent = "401 bad-refresh-token"
    assert outcomes(answers) == {"200": 1, spent: size.threads - 1}
    # The reuse ends the session, whichever request was first.
    [child] = [a.json()["refresh_token"] for a in answers if a.status_code == 200]
    assert outcomes([refresh(child), refresh(customer.refresh_token)]) == {spent: 2}


def test_five_of_many_concurrent_guesses_are_compared(http: httpx.Client, customer: Client) -> None:
    guess = {"email": customer.user["email"], "password": "a-wrong-but-long-password"}
    answers = at_once(lambda _: http.post("/api/v1/auth/login", json=guess), range(16), 8)
    seen = outcomes(answers)
    # Seconds pass during the race, and with them the first waits.
    assert 5 <= seen["401 bad-credentials"] <= 7
    assert seen["429 too-many-attempts"] == 16 - seen["401 bad-credentials"]
