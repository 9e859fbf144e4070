"""The catalogue and its stock, over HTTP on the deployed stack."""

import uuid
from typing import Any

import pytest

from tests.support.client import Client, code

PRODUCT_FIELDS = {
    "id", "name", "description", "price", "currency", "category", "stock", "is_active",
    "created_at", "updated_at", "version",
}  # fmt: skip


@pytest.fixture(scope="module")
def shelf(admin: Client) -> str:
    """A category of its own with five products, on sale for the tests of this module."""
    category = f"shelf-{uuid.uuid4().hex[:8]}"
    for name, price in [
        ("Red Mug", "11.00"),
        ("Blue Mug", "9.50"),
        ("Red Kettle", "74.50"),
        ("Grinder", "59.90"),
        ("Redwood Tray", "24.00"),
    ]:
        admin.add_product(name=name, price=price, category=category)
    return category


def names(client: Client, **query: Any) -> list[str]:
    answer = client.get("/api/v1/products", params=query)
    assert answer.status_code == 200, answer.text
    return [product["name"] for product in answer.json()["products"]]


def test_an_admin_adds_a_product_that_anyone_can_read(admin: Client, anyone: Client) -> None:
    answer = admin.post(
        "/api/v1/products", {"name": "Tray", "price": 24, "category": "tests", "stock": 3}
    )
    assert answer.status_code == 201
    added = answer.json()
    assert set(added) == PRODUCT_FIELDS
    assert (added["price"], added["currency"], added["stock"]) == ("24.00", "EUR", 3)
    read = anyone.get(str(answer.request.url.join(answer.headers["location"])))
    assert read.json() == added


@pytest.mark.parametrize("price", ["19.999", "-1", "NaN", "Infinity", "1e400", "abc", True, None])
def test_money_is_exact_or_refused(admin: Client, price: object) -> None:
    answer = admin.post("/api/v1/products", {"name": "X", "price": price, "category": "tests"})
    assert (answer.status_code, code(answer)) == (422, "invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "#/price"


def test_prices_are_read_as_text_or_number(admin: Client) -> None:
    for price, shown in [("0.10", "0.10"), (0.1, "0.10"), (19.99, "19.99"), (7, "7.00")]:
        assert admin.add_product(price=price)["price"] == shown


def test_only_admins_change_the_catalogue(admin: Client, customer: Client, anyone: Client) -> None:
    path = f"/api/v1/products/{admin.add_product()['id']}"
    body = {"name": "X", "price": "1.00", "category": "tests"}
    for client, status, expected in [
        (customer, 403, "forbidden"),
        (anyone, 401, "unauthenticated"),
    ]:
        for answer in (
            client.post("/api/v1/products", body),
            client.put(path, {"name": "Y"}),
            client.post(f"{path}/stock", {"delta": 1}),
            client.delete(path),
        ):
            assert (answer.status_code, code(answer)) == (status, expected)


def test_a_category_is_browsed_by_price(shelf: str, anyone: Client) -> None:
    by_price = ["Blue Mug", "Red Mug", "Redwood Tray", "Grinder", "Red Kettle"]
    assert names(anyone, category=shelf, sort="price") == by_price
    assert names(anyone, category=shelf, sort="-price") == by_price[::-1]
    assert names(anyone, category=shelf, sort="name") == sorted(by_price)
    between = names(anyone, category=shelf, sort="price", min_price="9.51", max_price="59.90")
    assert between == ["Red Mug", "Redwood Tray", "Grinder"]
    assert set(names(anyone, category=shelf, max_price="11")) == {"Blue Mug", "Red Mug"}
    newest = names(anyone, category=shelf, sort="newest")
    assert newest == ["Redwood Tray", "Grinder", "Red Kettle", "Blue Mug", "Red Mug"]


def test_words_of_a_name_are_found_by_their_beginning(shelf: str, anyone: Client) -> None:
    assert set(names(anyone, category=shelf, q="red")) == {"Red Mug", "Red Kettle", "Redwood Tray"}
    assert names(anyone, category=shelf, q="MU re") == ["Red Mug"]
    assert names(anyone, category=shelf, q="ug") == []
    by_price = names(anyone, category=shelf, q="red", sort="-price")
    assert by_price == ["Red Kettle", "Redwood Tray", "Red Mug"]


def test_a_list_goes_on_where_its_cursor_says_and_nowhere_else(
    shelf: str, anyone: Client, customer: Client
) -> None:
    query = {"category": shelf, "sort": "price", "limit": 2}
    first = anyone.get("/api/v1/products", params=query).json()
    assert first["count"] == 2
    second = anyone.get("/api/v1/products", params={**query, "cursor": first["next_cursor"]}).json()
    last = anyone.get("/api/v1/products", params={**query, "cursor": second["next_cursor"]}).json()
    listed = [p["name"] for page in (first, second, last) for p in page["products"]]
    assert listed == ["Blue Mug", "Red Mug", "Redwood Tray", "Grinder", "Red Kettle"]
    assert last["next_cursor"] is None
    cursor = first["next_cursor"]
    for wrong in (
        {**query, "sort": "name", "cursor": cursor},
        {**query, "category": "tests", "cursor": cursor},
        {**query, "cursor": "A" + cursor[1:] if cursor[0] != "A" else "B" + cursor[1:]},
        {**query, "cursor": "nonsense"},
    ):
        answer = anyone.get("/api/v1/products", params=wrong)
        assert (answer.status_code, code(answer)) == (400, "invalid-cursor")


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"sort": "size"}, {"min_price": "-1"}, {"limit": "x"}],
)
def test_a_wrong_filter_is_named(anyone: Client, query: dict[str, str]) -> None:
    answer = anyone.get("/api/v1/products", params=query)
    assert (answer.status_code, code(answer)) == (422, "invalid-request")
    assert next(iter(query)) in answer.json()["errors"][0]["pointer"]


def test_a_product_is_not_sent_twice_to_who_has_it(admin: Client, anyone: Client) -> None:
    path = f"/api/v1/products/{admin.add_product()['id']}"
    etag = anyone.get(path).headers["etag"]
    again = anyone.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.text) == (304, "")


def test_a_change_on_old_knowledge_is_refused(admin: Client) -> None:
    path = f"/api/v1/products/{admin.add_product()['id']}"
    etag = admin.get(path).headers["etag"]
    changed = admin.put(path, {"price": "12.00"}, headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["price"]) == (200, "12.00")
    assert changed.json()["name"] == "Test Mug"
    late = admin.put(path, {"price": "13.00"}, headers={"If-Match": etag})
    assert (late.status_code, code(late)) == (412, "version-conflict")
    assert admin.get(path).json()["price"] == "12.00"


def test_stock_goes_up_and_down_but_never_below_zero(admin: Client) -> None:
    product = admin.add_product(stock=2)
    path = f"/api/v1/products/{product['id']}/stock"
    assert admin.post(path, {"delta": 3}).json()["stock"] == 5
    assert admin.post(path, {"delta": -5}).json()["stock"] == 0
    below = admin.post(path, {"delta": -1})
    assert (below.status_code, code(below)) == (409, "out-of-stock")
    assert admin.stock_of(product) == 0


def test_a_repeated_stock_change_is_done_once(admin: Client) -> None:
    product = admin.add_product(stock=2)
    path = f"/api/v1/products/{product['id']}/stock"
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = admin.post(path, {"delta": 3}, headers=key)
    again = admin.post(path, {"delta": 3}, headers=key)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert admin.stock_of(product) == 5
    other = admin.post(path, {"delta": 4}, headers=key)
    assert (other.status_code, code(other)) == (422, "idempotency-key-reused")


def test_a_withdrawn_product_leaves_the_lists_and_old_orders_keep_it(
    admin: Client, customer: Client
) -> None:
    category = f"gone-{uuid.uuid4().hex[:8]}"
    product = admin.add_product(category=category)
    placed = customer.order((product, 1))
    assert admin.delete(f"/api/v1/products/{product['id']}").status_code == 204
    assert names(customer, category=category) == []
    refused = customer.try_order((product, 1))
    assert (refused.status_code, code(refused)) == (422, "unknown-product")
    kept = customer.get(f"/api/v1/orders/{placed['id']}").json()
    assert kept["items"][0]["name"] == "Test Mug"


def test_an_unknown_product_is_not_found(anyone: Client, admin: Client) -> None:
    for answer in (
        anyone.get("/api/v1/products/nothing"),
        admin.put("/api/v1/products/nothing", {"name": "X"}),
        admin.post("/api/v1/products/nothing/stock", {"delta": 1}),
        admin.delete("/api/v1/products/nothing"),
    ):
        assert (answer.status_code, code(answer)) == (404, "product-not-found")
