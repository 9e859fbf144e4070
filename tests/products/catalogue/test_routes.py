"""The products' rows of the contract, through the app."""

from typing import Any

import pytest

from products.api import create_app
from products.catalogue.service import CatalogueService
from shared.runtime.clock import rfc3339
from shared.web.cursors import Cursors
from tests.products.builders import LATER, SHELF, a_product
from tests.products.fakes import InMemoryShop
from tests.support.callers import ADMIN, ALICE, FakeVerifier
from tests.support.http import HttpClient

PATH = "/api/v1/products"
MUG = {"name": "Red Mug", "price": "11.00", "category": "kitchen"}


@pytest.fixture
def api(shop: InMemoryShop) -> HttpClient:
    service = CatalogueService(shop, shop, currency="EUR", clock=lambda: LATER)
    cursors = Cursors(lambda: b"k" * 32)
    return HttpClient(create_app(service, verifier=FakeVerifier(), cursors=cursors))


def test_an_admin_adds_a_product(api: HttpClient) -> None:
    body = {**MUG, "description": "For tea.\nAnd coffee.", "stock": 4}
    answer = api.post(PATH, body, caller=ADMIN)
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
    assert api.get(answer.headers["location"]).json == added


def test_a_product_has_no_description_and_no_stock_unless_given(api: HttpClient) -> None:
    added = api.post(PATH, MUG, caller=ADMIN).json
    assert (added["description"], added["stock"]) == ("", 0)


def test_texts_lose_the_blanks_around_them(api: HttpClient) -> None:
    body = {**MUG, "name": "  Red Mug ", "category": " kitchen\u00a0"}
    added = api.post(PATH, body, caller=ADMIN).json
    assert (added["name"], added["category"]) == ("Red Mug", "kitchen")


@pytest.mark.parametrize(
    ("price", "shown"), [("0", "0.00"), (0.1, "0.10"), (19.99, "19.99"), (7, "7.00")]
)
def test_prices_are_exact(api: HttpClient, price: object, shown: str) -> None:
    assert api.post(PATH, {**MUG, "price": price}, caller=ADMIN).json["price"] == shown


@pytest.mark.parametrize("written", ["5.0000000000000000000001", "1e-400", "5.990"])
def test_places_of_a_number_are_counted_as_they_are_written(api: HttpClient, written: str) -> None:
    body = f'{{"name": "Mug", "category": "kitchen", "price": {written}}}'
    answer = api.request("POST", PATH, body=body, caller=ADMIN)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "#/price")


@pytest.mark.parametrize("written", ["4", "4.0", "4e0", "0.4e1"])
def test_a_whole_number_is_one_however_it_is_written(api: HttpClient, written: str) -> None:
    body = f'{{"name": "Mug", "category": "kitchen", "price": 5, "stock": {written}}}'
    added = api.request("POST", PATH, body=body, caller=ADMIN).json
    stock = f"{PATH}/{added['id']}/stock"
    body = f'{{"delta": {written}}}'
    assert api.request("POST", stock, body=body, caller=ADMIN).json["stock"] == 8


def test_null_leaves_a_field_out(api: HttpClient) -> None:
    added = api.post(PATH, {**MUG, "description": None, "stock": None}, caller=ADMIN).json
    assert (added["description"], added["stock"]) == ("", 0)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
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
        ({"category": ""}, "#/category"),
        ({"category": "x" * 65}, "#/category"),
        ({"stock": -1}, "#/stock"),
        ({"stock": 1_000_001}, "#/stock"),
        ({"stock": "3"}, "#/stock"),
        ({"stock": 1.5}, "#/stock"),
        ({"stock": True}, "#/stock"),
        ({"colour": "red"}, "#/colour"),
    ],
)
def test_a_product_that_cannot_be_is_refused(
    api: HttpClient, wrong: dict[str, Any], pointer: str
) -> None:
    answer = api.post(PATH, {**MUG, **wrong}, caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("missing", ["name", "price", "category"])
def test_what_a_product_must_have_is_named(api: HttpClient, missing: str) -> None:
    body = {name: value for name, value in MUG.items() if name != missing}
    answer = api.post(PATH, body, caller=ADMIN)
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == f"#/{missing}"


def test_only_admins_change_the_catalogue(api: HttpClient, shop: InMemoryShop) -> None:
    shop.add(a_product("mug"))
    for method, path, body in [
        ("POST", PATH, MUG),
        ("PUT", f"{PATH}/mug", {"name": "X"}),
        ("POST", f"{PATH}/mug/stock", {"delta": 1}),
        ("DELETE", f"{PATH}/mug", None),
    ]:
        stranger = api.request(method, path, json_body=body)
        assert (stranger.status, stranger.code) == (401, "unauthenticated")
        assert "www-authenticate" in stranger.headers
        customer = api.request(method, path, json_body=body, caller=ALICE)
        assert (customer.status, customer.code) == (403, "forbidden")
    assert shop.products == {"mug": shop.products["mug"]}
    assert shop.products["mug"].version == 1


def test_an_unknown_product_is_not_found(api: HttpClient) -> None:
    for method, path, body in [
        ("GET", f"{PATH}/nothing", None),
        ("GET", f"{PATH}/{'x' * 3000}", None),
        ("PUT", f"{PATH}/nothing", {"name": "X"}),
        ("POST", f"{PATH}/nothing/stock", {"delta": 1}),
        ("DELETE", f"{PATH}/nothing", None),
    ]:
        answer = api.request(method, path, json_body=body, caller=ADMIN)
        assert (answer.status, answer.code) == (404, "product-not-found")


@pytest.mark.parametrize("header", ['"1"', 'W/"1"', '"7", "1"', "*"])
def test_a_product_is_not_sent_to_who_has_it(
    api: HttpClient, shop: InMemoryShop, header: str
) -> None:
    shop.add(a_product("mug"))
    assert api.get(f"{PATH}/mug").headers["etag"] == '"1"'
    answer = api.get(f"{PATH}/mug", headers={"If-None-Match": header})
    assert (answer.status, answer.text) == (304, "")
    assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize("header", ['"2"', "1", "nonsense"])
def test_a_product_is_sent_to_who_has_an_old_one(
    api: HttpClient, shop: InMemoryShop, header: str
) -> None:
    shop.add(a_product("mug"))
    assert api.get(f"{PATH}/mug", headers={"If-None-Match": header}).status == 200


def test_a_sale_changes_the_etag(api: HttpClient, shop: InMemoryShop) -> None:
    shop.add(a_product("mug"))
    etag = api.get(f"{PATH}/mug").headers["etag"]
    api.post(f"{PATH}/mug/stock", {"delta": -1}, caller=ADMIN)
    assert api.get(f"{PATH}/mug", headers={"If-None-Match": etag}).status == 200


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({"name": "Blue Mug"}, "name", "Blue Mug"),
        ({"description": "Better."}, "description", "Better."),
        ({"price": 9.5}, "price", "9.50"),
        ({"category": "table"}, "category", "table"),
        ({"is_active": False}, "is_active", False),
    ],
)
def test_fields_that_are_left_out_stay(
    api: HttpClient, shop: InMemoryShop, body: dict[str, Any], field: str, value: object
) -> None:
    shop.add(a_product("mug", description="Good."))
    before = api.get(f"{PATH}/mug").json
    answer = api.put(f"{PATH}/mug", body, caller=ADMIN)
    assert answer.status == 200
    assert answer.json == {**before, field: value, "version": 2, "updated_at": rfc3339(LATER)}
    assert answer.headers["etag"] == '"2"'


def test_a_change_of_nothing_is_no_change(api: HttpClient, shop: InMemoryShop) -> None:
    shop.add(a_product("mug"))
    before = api.get(f"{PATH}/mug").json
    assert api.put(f"{PATH}/mug", {}, caller=ADMIN).json == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": None}, "#/name"),
        ({"price": None}, "#/price"),
        ({"price": "1.001"}, "#/price"),
        ({"stock": 5}, "#/stock"),
        ({"version": 5}, "#/version"),
        ({"is_active": "yes"}, "#/is_active"),
        ({"category": " "}, "#/category"),
    ],
)
def test_a_wrong_change_is_refused(
    api: HttpClient, shop: InMemoryShop, body: dict[str, Any], pointer: str
) -> None:
    shop.add(a_product("mug"))
    answer = api.put(f"{PATH}/mug", body, caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("header", ['"2"', 'W/"1"', "1", '"7", "8"'])
def test_a_change_on_other_knowledge_is_refused(
    api: HttpClient, shop: InMemoryShop, header: str
) -> None:
    shop.add(a_product("mug"))
    answer = api.put(f"{PATH}/mug", {"name": "X"}, caller=ADMIN, headers={"If-Match": header})
    assert (answer.status, answer.code) == (412, "version-conflict")
    assert shop.products["mug"].name == "Red Mug"


@pytest.mark.parametrize("header", ['"1"', '"7", "1"', "*"])
def test_a_change_on_present_knowledge_is_made(
    api: HttpClient, shop: InMemoryShop, header: str
) -> None:
    shop.add(a_product("mug"))
    answer = api.put(f"{PATH}/mug", {"name": "X"}, caller=ADMIN, headers={"If-Match": header})
    assert (answer.status, answer.json["name"]) == (200, "X")


def test_a_withdrawn_product_leaves_the_lists_and_says_so_itself(
    api: HttpClient, shop: InMemoryShop
) -> None:
    shop.add(a_product("mug"))
    for _ in range(2):  # a repeated request may not have heard of its success
        answer = api.delete(f"{PATH}/mug", caller=ADMIN)
        assert (answer.status, answer.text) == (204, "")
    assert api.get(PATH).json["products"] == []
    assert api.get(f"{PATH}/mug").json["is_active"] is False


def test_a_withdrawn_product_can_be_put_on_sale_again(api: HttpClient, shop: InMemoryShop) -> None:
    shop.add(a_product("mug", is_active=False))
    api.put(f"{PATH}/mug", {"is_active": True}, caller=ADMIN)
    assert [product["id"] for product in api.get(PATH).json["products"]] == ["mug"]


def test_a_list_is_public_and_counted(api: HttpClient, shop: InMemoryShop) -> None:
    for product in SHELF:
        shop.add(product)
    page = api.get(f"{PATH}?limit=4&sort=price").json
    assert (page["count"], len(page["products"])) == (4, 4)
    assert page["products"][0] == api.get(f"{PATH}/p2").json
    rest = api.get(f"{PATH}?limit=4&sort=price&cursor={page['next_cursor']}").json
    assert (rest["count"], rest["next_cursor"]) == (2, None)
