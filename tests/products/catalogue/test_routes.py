"""The catalogue over HTTP."""

from collections.abc import Mapping
from typing import Any

import pytest

from products.api import create_app
from products.catalogue.service import CatalogueService
from shared.runtime.clock import rfc3339
from shared.web.cursors import Cursors
from tests.products.builders import LATER, SHELF, a_product
from tests.products.fakes import InMemoryProducts
from tests.support.callers import ADMIN, FakeVerifier
from tests.support.http import HttpClient

PATH = "/api/v1/products"
MUG = {"name": "Red Mug", "price": "11.00", "category": "kitchen"}


def serve(products: InMemoryProducts) -> HttpClient:
    service = CatalogueService(products, products, currency="EUR", clock=lambda: LATER)
    cursors = Cursors(lambda: b"k" * 32)
    return HttpClient(create_app(service, verifier=FakeVerifier(), cursors=cursors))


@pytest.fixture
def http(products: InMemoryProducts) -> HttpClient:
    for product in SHELF:
        products.add(product)
    products.add(a_product("mug", description="Good.", category="mugs", is_active=False))
    return serve(products)


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


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({}, {"description": "", "stock": 0}),
        ({"description": None, "stock": None}, {"description": "", "stock": 0}),
        ({"name": "  Red Mug ", "category": " x\u00a0"}, {"name": "Red Mug", "category": "x"}),
        ({"price": "0"}, {"price": "0.00"}),
        ({"price": 0.1}, {"price": "0.10"}),
        ({"price": 19.99}, {"price": "19.99"}),
        ({"price": 7}, {"price": "7.00"}),
    ],
)
def test_add_reads_bodies_leniently_and_prices_exactly(
    http: HttpClient, body: dict[str, Any], shown: dict[str, Any]
) -> None:
    added = http.post(PATH, MUG | body, caller=ADMIN).json
    assert {name: added[name] for name in shown} == shown


@pytest.mark.parametrize("written", ["5.0000000000000000000001", "1e-400", "5.990"])
def test_add_refuses_a_price_with_more_than_two_places_as_written(
    http: HttpClient, written: str
) -> None:
    body = f'{{"name": "Mug", "category": "kitchen", "price": {written}}}'
    answer = http.request("POST", PATH, body=body, caller=ADMIN)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "#/price")


@pytest.mark.parametrize("written", ["4", "4.0", "0.4e1"])
def test_whole_number_is_read_in_every_form(http: HttpClient, written: str) -> None:
    body = f'{{"name": "Mug", "category": "kitchen", "price": 5, "stock": {written}}}'
    added = http.request("POST", PATH, body=body, caller=ADMIN).json
    stock = f"{PATH}/{added['id']}/stock"
    answer = http.request("POST", stock, body=f'{{"delta": {written}}}', caller=ADMIN)
    assert answer.json["stock"] == 8


_INVALID_TEXTS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "#/name"),
    ({"name": "   "}, "#/name"),
    ({"name": "x" * 201}, "#/name"),
    ({"name": "a\0b"}, "#/name"),
    ({"name": "a\nb"}, "#/name"),
    ({"name": 5}, "#/name"),
    ({"name": None}, "#/name"),
    ({"description": "x" * 5001}, "#/description"),
    ({"description": "a\0b"}, "#/description"),
    ({"price": "19.999"}, "#/price"),
    ({"price": "-1"}, "#/price"),
    ({"price": "NaN"}, "#/price"),
    ({"price": True}, "#/price"),
    ({"price": None}, "#/price"),
    ({"category": " "}, "#/category"),
    ({"category": "x" * 65}, "#/category"),
    ({"colour": "red"}, "#/colour"),
]


@pytest.mark.parametrize(
    ("method", "body", "pointer"),
    [
        *(("POST", MUG | body, pointer) for body, pointer in _INVALID_TEXTS),
        *(("PUT", body, pointer) for body, pointer in _INVALID_TEXTS),
        ("POST", MUG | {"stock": -1}, "#/stock"),
        ("POST", MUG | {"stock": 1_000_001}, "#/stock"),
        ("POST", MUG | {"stock": "3"}, "#/stock"),
        ("POST", MUG | {"stock": 1.5}, "#/stock"),
        ("POST", MUG | {"stock": True}, "#/stock"),
        *(
            ("POST", {n: v for n, v in MUG.items() if n != name}, f"#/{name}")
            for name in ("name", "price", "category")
        ),
        ("PUT", {"stock": 5}, "#/stock"),
        ("PUT", {"version": 5}, "#/version"),
        ("PUT", {"is_active": "yes"}, "#/is_active"),
        ("STOCK", {}, "#/delta"),
        ("STOCK", {"delta": "3"}, "#/delta"),
        ("STOCK", {"delta": 1.5}, "#/delta"),
        ("STOCK", {"delta": True}, "#/delta"),
        ("STOCK", {"delta": None}, "#/delta"),
        ("STOCK", {"delta": 1_000_001}, "#/delta"),
        ("STOCK", {"delta": -1_000_001}, "#/delta"),
        ("STOCK", {"delta": 1, "reason": "found"}, "#/reason"),
    ],
)
def test_invalid_body_is_refused_with_its_field(
    http: HttpClient, method: str, body: dict[str, Any], pointer: str
) -> None:
    if method == "STOCK":
        answer = http.post(f"{PATH}/mug/stock", body, caller=ADMIN)
    else:
        path = PATH if method == "POST" else f"{PATH}/mug"
        answer = http.request(method, path, json_body=body, caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{PATH}/nothing", None),
        ("GET", f"{PATH}/{'x' * 3000}", None),
        ("PUT", f"{PATH}/nothing", {"name": "X"}),
        ("POST", f"{PATH}/nothing/stock", {"delta": 1}),
        ("DELETE", f"{PATH}/nothing", None),
    ],
)
def test_unknown_product_is_not_found(http: HttpClient, method: str, path: str, body: Any) -> None:
    answer = http.request(method, path, json_body=body, caller=ADMIN)
    assert (answer.status, answer.code) == (404, "product-not-found")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        *((header, 304) for header in ('"1"', 'W/"1"', '"7", "1"', "*")),
        *((header, 200) for header in ('"2"', "1", "nonsense")),
    ],
)
def test_get_is_not_modified_when_the_client_has_the_version(
    http: HttpClient, header: str, status: int
) -> None:
    answer = http.get(f"{PATH}/p1", headers={"If-None-Match": header})
    assert (answer.status, answer.text == "") == (status, status == 304)
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({"name": "Blue Mug"}, "name", "Blue Mug"),
        ({"description": "Better."}, "description", "Better."),
        ({"price": 9.5}, "price", "9.50"),
        ({"category": "table"}, "category", "table"),
        ({"is_active": True}, "is_active", True),
    ],
)
def test_change_leaves_the_other_fields(
    http: HttpClient, body: dict[str, Any], field: str, value: object
) -> None:
    before = http.get(f"{PATH}/mug").json
    answer = http.put(f"{PATH}/mug", body, caller=ADMIN)
    assert answer.json == {**before, field: value, "version": 2, "updated_at": rfc3339(LATER)}
    assert answer.headers["etag"] == '"2"'
    assert http.put(f"{PATH}/mug", {}, caller=ADMIN).json == answer.json


@pytest.mark.parametrize(
    ("header", "status"),
    [
        *((header, 200) for header in ('"1"', '"7", "1"', "*")),
        *((header, 412) for header in ('"2"', 'W/"1"', "1", '"7", "8"')),
    ],
)
def test_change_is_refused_when_if_match_names_another_version(
    http: HttpClient, header: str, status: int
) -> None:
    answer = http.put(f"{PATH}/p1", {"name": "X"}, caller=ADMIN, headers={"If-Match": header})
    assert answer.status == status
    if status == 412:
        assert answer.code == "version-conflict"
    assert (http.get(f"{PATH}/p1").json["name"] == "X") == (status == 200)


def test_withdrawn_product_leaves_the_lists_until_it_is_on_sale_again(http: HttpClient) -> None:
    for _ in range(2):  # the client may repeat a request whose response was lost
        answer = http.delete(f"{PATH}/p1", caller=ADMIN)
        assert (answer.status, answer.text) == (204, "")
    assert http.get(f"{PATH}/p1").json["is_active"] is False
    assert "p1" not in [product["id"] for product in http.get(PATH).json["products"]]
    http.put(f"{PATH}/p1", {"is_active": True}, caller=ADMIN)
    assert "p1" in [product["id"] for product in http.get(PATH).json["products"]]


def test_restock_changes_the_stock_but_never_below_zero(http: HttpClient) -> None:
    path = f"{PATH}/p1/stock"
    assert http.post(path, {"delta": 3}, caller=ADMIN).json["stock"] == 13
    answer = http.post(path, {"delta": -13}, caller=ADMIN)
    assert (answer.status, answer.json["stock"], answer.headers["etag"]) == (200, 0, '"3"')
    refused = http.post(path, {"delta": -1}, caller=ADMIN)
    assert (refused.status, refused.code) == (409, "out-of-stock")
    data = {name: refused.json[name] for name in ("product_id", "requested", "available")}
    assert data == {"product_id": "p1", "requested": 1, "available": 0}


def test_restock_is_replayed_when_its_key_is_repeated(http: HttpClient) -> None:
    path, key = f"{PATH}/p1/stock", {"Idempotency-Key": "key-1"}
    first = http.post(path, {"delta": 3}, caller=ADMIN, headers=key)
    again = http.post(path, {"delta": 3}, caller=ADMIN, headers=key)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status, again.json) == (first.status, first.json)
    other = http.post(path, {"delta": 4}, caller=ADMIN, headers=key)
    assert (other.status, other.code) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_idempotency_key_has_1_to_255_characters(http: HttpClient, key: str) -> None:
    headers = {"Idempotency-Key": key}
    answer = http.post(f"{PATH}/p1/stock", {"delta": 3}, caller=ADMIN, headers=headers)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert answer.json["errors"][0]["pointer"] == "#/header/Idempotency-Key"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "p6 p5 p4 p3 p2 p1"),
        ("sort=-price", "p3 p4 p5 p6 p1 p2"),
        ("category=table", "p6 p5"),
        ("min_price=11&max_price=24.00&sort=price", "p1 p6 p5"),
        ("min_price=24&max_price=24", "p5"),
        ("q=MU%20Re", "p1"),
        ("q=%21%21", ""),
        ("q=red&category=kitchen&max_price=20", "p1"),
        ("category=&min_price=&max_price=&q=&sort=name", "p2 p4 p6 p3 p1 p5"),
    ],
)
def test_list_finds_what_the_query_asks_for(http: HttpClient, query: str, found: str) -> None:
    answer = http.get(f"{PATH}?{query}")
    assert " ".join(product["id"] for product in answer.json["products"]) == found
    assert answer.headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "#/query/limit"),
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


def test_pages_are_counted_and_end(http: HttpClient) -> None:
    page = http.get(f"{PATH}?limit=4&sort=price").json
    assert (page["count"], len(page["products"])) == (4, 4)
    assert page["products"][0] == http.get(f"{PATH}/p2").json
    rest = http.get(f"{PATH}?limit=5&sort=price&q=&cursor={page['next_cursor']}").json
    assert (rest["count"], rest["next_cursor"]) == (2, None)


@pytest.mark.parametrize(
    "query",
    [
        "sort=name&cursor={}",
        "sort=price&category=kitchen&cursor={}",
        "sort=price&max_price=9999&cursor={}",
        "sort=price&q=r&cursor={}",
        "sort=price&cursor=nonsense",
        "cursor=",
    ],
)
def test_cursor_is_refused_when_forged_or_of_another_query(http: HttpClient, query: str) -> None:
    cursor = http.get(f"{PATH}?limit=2&sort=price").json["next_cursor"]
    answer = http.get(f"{PATH}?{query.format(cursor)}")
    assert (answer.status, answer.code) == (400, "invalid-cursor")


def test_health_has_the_totals_or_is_degraded(http: HttpClient) -> None:
    health = http.get("/health/products").json
    assert (health["status"], health["total"], health["total_stock"]) == ("healthy", 6, 60)

    class Unreachable(InMemoryProducts):
        def totals(self) -> Mapping[str, int]:
            raise ConnectionError

    answer = serve(Unreachable()).get("/health/products")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json.keys() == {"status", "uptime_seconds", "memory_mb"}
