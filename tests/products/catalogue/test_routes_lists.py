"""The products' lists, stock and health of the contract, through the app."""

from collections.abc import Mapping
from typing import Any

import pytest

from products.api import create_app
from products.catalogue.service import CatalogueService
from shared.web.cursors import Cursors
from tests.products.builders import LATER, SHELF, a_product
from tests.products.fakes import InMemoryShop
from tests.support.callers import ADMIN, FakeVerifier
from tests.support.http import HttpClient

PATH = "/api/v1/products"


def serve(shop: InMemoryShop) -> HttpClient:
    service = CatalogueService(shop, shop, currency="EUR", clock=lambda: LATER)
    cursors = Cursors(lambda: b"k" * 32)
    return HttpClient(create_app(service, verifier=FakeVerifier(), cursors=cursors))


@pytest.fixture
def api(shop: InMemoryShop) -> HttpClient:
    for product in SHELF:
        shop.add(product)
    return serve(shop)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "p6 p5 p4 p3 p2 p1"),
        ("sort=newest", "p6 p5 p4 p3 p2 p1"),
        ("sort=-price", "p3 p4 p5 p6 p1 p2"),
        ("sort=name", "p2 p4 p6 p3 p1 p5"),
        ("category=table", "p6 p5"),
        ("category=nothing", ""),
        ("min_price=11&max_price=24.00&sort=price", "p1 p6 p5"),
        ("min_price=24&max_price=24", "p5"),
        ("q=red&sort=price", "p1 p6 p5 p3"),
        ("q=MU%20Re", "p1"),
        ("q=%21%21", ""),
        ("q=red&category=kitchen&max_price=20", "p1"),
        ("category=&min_price=&max_price=&q=&sort=name", "p2 p4 p6 p3 p1 p5"),
    ],
)
def test_products_are_found_by_what_is_asked_for(api: HttpClient, query: str, found: str) -> None:
    answer = api.get(f"{PATH}?{query}")
    assert answer.status == 200
    assert " ".join(product["id"] for product in answer.json["products"]) == found


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "#/query/limit"),
        ("limit=101", "#/query/limit"),
        ("limit=x", "#/query/limit"),
        ("sort=size", "#/query/sort"),
        ("min_price=-1", "#/query/min_price"),
        ("max_price=1.001", "#/query/max_price"),
        ("min_price=2&max_price=1", "#/query/min_price"),
        ("category=" + "x" * 65, "#/query/category"),
        ("q=" + "x" * 201, "#/query/q"),
        ("q=a+b+c+d+e+f+g+h+i+j+k", "#/query/q"),
    ],
)
def test_a_wrong_filter_is_named(api: HttpClient, query: str, pointer: str) -> None:
    answer = api.get(f"{PATH}?{query}")
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_a_cursor_serves_its_own_list_only(api: HttpClient) -> None:
    cursor = api.get(f"{PATH}?limit=2&sort=price").json["next_cursor"]
    assert api.get(f"{PATH}?limit=5&sort=price&cursor={cursor}").status == 200
    for query in (
        f"sort=name&cursor={cursor}",
        f"sort=price&category=kitchen&cursor={cursor}",
        f"sort=price&max_price=9999&cursor={cursor}",
        f"sort=price&q=r&cursor={cursor}",
        "sort=price&cursor=nonsense",
        "cursor=",
    ):
        answer = api.get(f"{PATH}?{query}")
        assert (answer.status, answer.code) == (400, "invalid-cursor")


def test_stock_goes_up_and_down_but_never_below_zero(api: HttpClient) -> None:
    path = f"{PATH}/p1/stock"
    assert api.post(path, {"delta": 3}, caller=ADMIN).json["stock"] == 13
    answer = api.post(path, {"delta": -13}, caller=ADMIN)
    assert (answer.status, answer.json["stock"], answer.headers["etag"]) == (200, 0, '"3"')
    below = api.post(path, {"delta": -1}, caller=ADMIN)
    assert (below.status, below.code) == (409, "out-of-stock")
    assert (below.json["product_id"], below.json["requested"], below.json["available"]) == (
        "p1",
        1,
        0,
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"delta": "3"},
        {"delta": 1.5},
        {"delta": True},
        {"delta": None},
        {"delta": 1_000_001},
        {"delta": -1_000_001},
        {"delta": 1, "reason": "found"},
    ],
)
def test_a_wrong_stock_change_is_refused(api: HttpClient, body: dict[str, Any]) -> None:
    answer = api.post(f"{PATH}/p1/stock", body, caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")


def test_a_repeated_stock_change_is_answered_again(api: HttpClient) -> None:
    path, key = f"{PATH}/p1/stock", {"Idempotency-Key": "key-1"}
    first = api.post(path, {"delta": 3}, caller=ADMIN, headers=key)
    again = api.post(path, {"delta": 3}, caller=ADMIN, headers=key)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status, again.json) == (first.status, first.json)
    other = api.post(path, {"delta": 4}, caller=ADMIN, headers=key)
    assert (other.status, other.code) == (422, "idempotency-key-reused")
    assert api.get(f"{PATH}/p1").json["stock"] == 13


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_idempotency_key_has_1_to_255_characters(api: HttpClient, key: str) -> None:
    headers = {"Idempotency-Key": key}
    answer = api.post(f"{PATH}/p1/stock", {"delta": 3}, caller=ADMIN, headers=headers)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert answer.json["errors"][0]["pointer"] == "#/header/Idempotency-Key"


def test_health_tells_what_is_on_sale(api: HttpClient, shop: InMemoryShop) -> None:
    shop.add(a_product("gone", is_active=False))
    health = api.get("/health/products").json
    assert (health["status"], health["total"], health["total_stock"]) == ("healthy", 6, 60)
    assert health["memory_mb"] > 0
    assert health["uptime_seconds"] > 0


def test_health_is_degraded_without_its_figures() -> None:
    class NoFigures(InMemoryShop):
        def totals(self) -> Mapping[str, int]:
            raise ConnectionError

    answer = serve(NoFigures()).get("/health/products")
    assert answer.status == 200
    assert answer.json.keys() == {"status", "uptime_seconds", "memory_mb"}
    assert answer.json["status"] == "degraded"


def test_who_is_overtaken_for_ever_is_told_to_come_back(shop: InMemoryShop) -> None:
    shop.add(a_product("mug"))

    def sell() -> None:
        shop.products["mug"] = shop.products["mug"].restocked(1, at=LATER)
        shop.rivals.append(sell)

    shop.rivals = [sell]
    answer = serve(shop).delete(f"{PATH}/mug", caller=ADMIN)
    assert (answer.status, answer.code) == (503, "service-unavailable")
    assert answer.headers["retry-after"] == "1"


def test_an_answer_may_be_kept_but_must_be_asked_about(api: HttpClient) -> None:
    for path in (PATH, f"{PATH}/p1"):
        assert api.get(path).headers["cache-control"] == "public, no-cache"
