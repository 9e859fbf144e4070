"""The catalogue over HTTP."""

from collections.abc import Mapping
from typing import Any

import pytest

from products.catalogue.ports import Products
from products.catalogue.repository.products import DynamoProducts
from products.catalogue.routes import router
from products.catalogue.service import CatalogueService
from shared.runtime.clock import rfc3339
from tests.products.builders import LATER, SHELF, a_product
from tests.products.conftest import Stores
from tests.support.callers import ADMIN
from tests.support.http import HttpClient, serve

PATH = "/api/v1/products"
CACHING = "public, max-age=5, s-maxage=60, stale-while-revalidate=30"
MUG: dict[str, Any] = {"name": "Red Mug", "price": "11.00", "category": "kitchen"}


def served(products: Products, stores: Stores) -> HttpClient:
    service = CatalogueService(products, stores.index, currency="EUR", clock=lambda: LATER)
    return serve(router, service=service)


@pytest.fixture
def http(stores: Stores) -> HttpClient:
    stores.add(*SHELF, a_product("mug", description="Good.", category="mugs", is_active=False))
    return served(stores.products, stores)


def test_add_returns_the_product_and_its_location(http: HttpClient) -> None:
    body = {**MUG, "description": "For tea.\nAnd coffee.", "stock": 4}
    answer = http.post(PATH, body, caller=ADMIN)
    assert answer.status == 201
    added = answer.json
    assert added == {
        "id": added["id"],
        "name": "Red Mug",
        "description": "For tea.\nAnd coffee.",
        "price": "11.00",
        "currency": "EUR",
        "category": "kitchen",
        "stock": 4,
        "is_active": True,
        "created_at": rfc3339(LATER),
        "updated_at": rfc3339(LATER),
        "version": 1,
    }
    assert answer.headers["location"] == f"{PATH}/{added['id']}"
    assert http.get(answer.headers["location"]).json == added


def test_add_with_a_repeated_key_answers_again(http: HttpClient) -> None:
    key = {"Idempotency-Key": "key-1"}
    first, again = (http.post(PATH, MUG, caller=ADMIN, headers=key) for _ in range(2))
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["location"] == f"{PATH}/{first.json['id']}"
    replayed = [answer.headers.get("idempotent-replayed") for answer in (first, again)]
    assert replayed == [None, "true"]
    other = http.post(PATH, {**MUG, "stock": 1}, caller=ADMIN, headers=key)
    assert (other.status, other.code) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"description": None, "stock": None}, {"description": "", "stock": 0}),
        (
            {"name": "  Red Mug ", "category": " Cafe\u0301\u00a0"},
            {"name": "Red Mug", "category": "Caf\u00e9", "description": "", "stock": 0},
        ),
        ({"price": "0"}, {"price": "0.00"}),
        ({"price": 19.99}, {"price": "19.99"}),
    ],
)
def test_add_reads_bodies_leniently_and_prices_exactly(
    http: HttpClient, body: dict[str, Any], shown: dict[str, Any]
) -> None:
    added = http.post(PATH, MUG | body, caller=ADMIN).json
    assert {name: added[name] for name in shown} == shown


def test_products_of_a_cart_come_by_their_ids(http: HttpClient) -> None:
    mug, tray = (http.post(PATH, MUG, caller=ADMIN).json for _ in range(2))
    answer = http.get(f"{PATH}?ids={tray['id']},missing,{mug['id']},{mug['id']},")
    assert answer.json == {"products": [tray, mug], "count": 2, "next_cursor": None}
    assert answer.headers["cache-control"] == "no-store"
    assert http.get(f"{PATH}?ids=").json["products"] == []
    for wrong in (f"ids={mug['id']}&limit=5", f"ids={','.join('x' * 51)}"):
        refused = http.get(f"{PATH}?{wrong}")
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/query/ids")


def test_categories_are_listed_with_their_products(http: HttpClient) -> None:
    for category in ("tea", "coffee", "tea"):
        http.post(PATH, MUG | {"category": category}, caller=ADMIN)
    listed = http.get(f"{PATH}/categories")
    found = {one["name"]: one["products"] for one in listed.json["categories"]}
    assert (found["coffee"], found["tea"]) == (1, 2)
    assert listed.headers["cache-control"].startswith("public, max-age=5")


@pytest.mark.parametrize(("price", "status"), [("5", 201), ("5.990", 422), ("1e-400", 422)])
def test_numbers_are_read_as_they_are_written(http: HttpClient, price: str, status: int) -> None:
    body = f'{{"name": "Mug", "category": "kitchen", "price": {price}, "stock": 0.4e1}}'
    answer = http.request("POST", PATH, body=body, caller=ADMIN)
    assert answer.status == status
    if status == 201:
        assert (answer.json["price"], answer.json["stock"]) == ("5.00", 4)


_TEXTS: list[tuple[dict[str, Any], str]] = [
    *(({"name": name}, "#/name") for name in ("", "   ", "x" * 201, "a\0b", "a\nb", 5, None)),
    *(({"description": text}, "#/description") for text in ("x" * 5001, "a\0b")),
    *(({"price": price}, "#/price") for price in ("19.999", "-1", "NaN", True, None)),
    *(({"category": text}, "#/category") for text in (" ", "x" * 65)),
    ({"colour": "red"}, "#/colour"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        *(("POST", "", MUG | body, pointer) for body, pointer in _TEXTS),
        *(("POST", "", MUG | {"stock": n}, "#/stock") for n in (-1, 1_000_001, "3", 1.5, True)),
        ("POST", "", {"name": "Mug", "price": 1}, "#/category"),
        *(("PUT", "/mug", body, pointer) for body, pointer in _TEXTS),
        ("PUT", "/mug", {"stock": 5}, "#/stock"),
        ("PUT", "/mug", {"is_active": "yes"}, "#/is_active"),
        *(
            ("POST", "/mug/stock", {"delta": delta}, "#/delta")
            for delta in ("3", 1.5, True, None, 1_000_001, -1_000_001)
        ),
        ("POST", "/mug/stock", {}, "#/delta"),
        ("POST", "/mug/stock", {"delta": 1, "reason": "found"}, "#/reason"),
    ],
)
def test_invalid_body_is_refused_with_its_field(
    http: HttpClient, method: str, path: str, body: dict[str, Any], pointer: str
) -> None:
    answer = http.request(method, PATH + path, json_body=body, caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *(("GET", path, None) for path in ("nothing", "x" * 3000)),
        ("PUT", "nothing", {"name": "X"}),
        ("POST", "nothing/stock", {"delta": 1}),
        ("DELETE", "nothing", None),
    ],
)
def test_unknown_product_is_not_found(http: HttpClient, method: str, path: str, body: Any) -> None:
    answer = http.request(method, f"{PATH}/{path}", json_body=body, caller=ADMIN)
    assert (answer.status, answer.code) == (404, "product-not-found")


@pytest.mark.parametrize(
    ("header", "status"), [('"1"', 304), ('W/"1"', 304), ("*", 304), ('"2"', 200)]
)
def test_get_is_not_modified_when_the_client_has_the_version(
    http: HttpClient, header: str, status: int
) -> None:
    answer = http.get(f"{PATH}/p1", headers={"If-None-Match": header})
    assert (answer.status, answer.text == "") == (status, status == 304)
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == CACHING


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ({"name": "Blue Mug", "description": "Better."}, {}),
        ({"category": "table", "is_active": True}, {}),
        ({"price": 9.5}, {"price": "9.50"}),
    ],
)
def test_change_leaves_the_other_fields(
    http: HttpClient, body: dict[str, Any], changed: dict[str, Any]
) -> None:
    before = http.get(f"{PATH}/mug").json
    answer = http.put(f"{PATH}/mug", body, caller=ADMIN)
    assert answer.json == before | body | changed | {"version": 2, "updated_at": rfc3339(LATER)}
    assert answer.headers["etag"] == '"2"'
    assert http.put(f"{PATH}/mug", {}, caller=ADMIN).json == answer.json


@pytest.mark.parametrize(
    ("header", "status"), [('"1"', 200), ("*", 200), ('"2"', 412), ('W/"1"', 412)]
)
def test_change_is_refused_when_if_match_names_another_version(
    http: HttpClient, header: str, status: int
) -> None:
    answer = http.put(f"{PATH}/p1", {"name": "X"}, caller=ADMIN, headers={"If-Match": header})
    assert answer.status == status
    assert status == 200 or answer.code == "version-conflict"


def test_withdrawal_answers_204_also_when_it_is_repeated(http: HttpClient) -> None:
    for _ in range(2):
        answer = http.delete(f"{PATH}/p1", caller=ADMIN)
        assert (answer.status, answer.text) == (204, "")
    assert http.get(f"{PATH}/p1").json["is_active"] is False


def test_restock_answers_with_the_product_or_what_is_missing(http: HttpClient) -> None:
    path, key = f"{PATH}/p1/stock", {"Idempotency-Key": "key-1"}
    first = http.post(path, {"delta": 3}, caller=ADMIN, headers=key)
    assert (first.status, first.json["stock"], first.headers["etag"]) == (200, 13, '"2"')
    again = http.post(path, {"delta": 3}, caller=ADMIN, headers=key)
    assert (again.status, again.json) == (200, first.json)
    replayed = [answer.headers.get("idempotent-replayed") for answer in (first, again)]
    assert replayed == [None, "true"]
    other = http.post(path, {"delta": 4}, caller=ADMIN, headers=key)
    assert (other.status, other.code) == (422, "idempotency-key-reused")
    refused = http.post(path, {"delta": -14}, caller=ADMIN)
    assert (refused.status, refused.code) == (409, "out-of-stock")
    data = {name: refused.json[name] for name in ("product_id", "requested", "available")}
    assert data == {"product_id": "p1", "requested": 14, "available": 13}


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_idempotency_key_has_1_to_255_characters(http: HttpClient, key: str) -> None:
    headers = {"Idempotency-Key": key}
    answer = http.post(f"{PATH}/p1/stock", {"delta": 3}, caller=ADMIN, headers=headers)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert answer.json["errors"][0]["pointer"] == "#/header/Idempotency-Key"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("min_price=11&max_price=24.00&sort=price", "p1 p6 p5"),
        ("q=MU%20Re", "p1"),
        ("q=%21%21", ""),
        ("q=red&category=kitchen&max_price=20", "p1"),
        ("category=&min_price=&max_price=&q=&sort=name", "p2 p4 p6 p3 p1 p5"),
    ],
)
def test_list_finds_what_the_query_asks_for(http: HttpClient, query: str, found: str) -> None:
    answer = http.get(f"{PATH}?{query}")
    assert " ".join(product["id"] for product in answer.json["products"]) == found
    assert answer.headers["cache-control"] == CACHING


def test_list_is_not_modified_until_one_of_its_products_changes(http: HttpClient) -> None:
    path = f"{PATH}?sort=price&limit=2"
    first = http.get(path)
    known = {"If-None-Match": first.headers["etag"]}
    again = http.get(path, headers=known)
    assert (again.status, again.text, again.headers["cache-control"]) == (304, "", CACHING)
    assert again.headers["etag"] == first.headers["etag"]
    assert http.get(f"{PATH}?sort=price&limit=3", headers=known).status == 200
    http.post(f"{PATH}/p2/stock", {"delta": 1}, caller=ADMIN)
    changed = http.get(path, headers=known)
    assert changed.status == 200
    assert changed.json["products"][0]["stock"] == first.json["products"][0]["stock"] + 1


def test_answer_to_a_write_is_not_kept(http: HttpClient) -> None:
    for answer in (
        http.put(f"{PATH}/p1", {"price": "9.00"}, caller=ADMIN),
        http.post(f"{PATH}/p1/stock", {"delta": 1}, caller=ADMIN),
        http.get(f"{PATH}/nothing"),
    ):
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=101", "#/query/limit"),
        ("sort=size", "#/query/sort"),
        ("min_price=-1", "#/query/min_price"),
        ("max_price=1.001", "#/query/max_price"),
        ("min_price=2&max_price=1", "#/query/min_price"),
        ("category=" + "x" * 65, "#/query/category"),
        ("q=" + "x" * 201, "#/query/q"),
        ("q=a+b+c+d+e+f+g+h+i+j+k", "#/query/q"),
    ],
)
def test_list_refuses_an_invalid_query(http: HttpClient, query: str, pointer: str) -> None:
    answer = http.get(f"{PATH}?{query}")
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert answer.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("query", ["sort=price&q=r&cursor={}", "sort=price&cursor=x", "cursor="])
def test_cursor_leads_to_the_next_page_of_the_same_query(http: HttpClient, query: str) -> None:
    page = http.get(f"{PATH}?limit=4&sort=price").json
    assert page["count"] == len(page["products"]) == 4
    assert page["products"][0] == http.get(f"{PATH}/p2").json
    rest = http.get(f"{PATH}?limit=5&sort=price&q=&cursor={page['next_cursor']}").json
    assert (rest["count"], rest["next_cursor"]) == (2, None)
    answer = http.get(f"{PATH}?{query.format(page['next_cursor'])}")
    assert (answer.status, answer.code) == (400, "invalid-cursor")


def test_health_has_the_totals_or_is_degraded(stores: Stores) -> None:
    stores.add(*SHELF)
    health = served(stores.products, stores).get("/health/products").json
    assert (health["status"], health["total"], health["total_stock"]) == ("healthy", 6, 60)

    class Unreachable(DynamoProducts):
        def totals(self) -> Mapping[str, int]:
            raise ConnectionError

    answer = served(Unreachable(stores.table), stores).get("/health/products")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json.keys() == {"status", "uptime_seconds", "memory_mb"}
