"""Steps about products: one category of the walk's own."""

from typing import Final

from tools.smoke.client import Reply
from tools.smoke.walk import Walk, given

PRODUCT: Final = (
    "id name description price currency category stock is_active created_at updated_at version"
)
# Above the threshold of the e-mails about low stock.
STOCK: Final = 20


def add_products(walk: Walk) -> None:
    api = walk.api
    for name, price, shown in (("Anvil", "24.50", "24.50"), ("Bell", 9.5, "9.50")):
        added = walk.add_product(f"{name} {walk.category}", price, STOCK)
        added.fields(PRODUCT)
        added.has(price=shown, stock=STOCK, category=walk.category, is_active=True)
        read = api.ask(f"GET {api.linked(added, added.header('Location'))}", "200")
        read.has(**added.json)
    body = {"name": "X", "price": "19.999", "category": walk.category}
    wrong = api.ask("POST /api/v1/products", "422 invalid-request", walk.admin, body)
    wrong.should(wrong["errors"][0]["pointer"] == "#/price", "point to the price")
    api.ask("POST /api/v1/products", "403 forbidden", walk.customer, body)
    api.ask("POST /api/v1/products", "401 unauthenticated", json=body)


def browse(walk: Walk) -> None:
    """The products on sale; a new shop has none."""
    page = walk.api.ask("GET /api/v1/products?limit=5", "200")
    page.fields("products count next_cursor")
    page.has(count=len(page["products"]))
    walk.api.ask("GET /api/v1/products?cursor=forged", "400 invalid-cursor")
    walk.api.ask("GET /api/v1/products/nothing", "404 product-not-found")
    for query in ("limit=101", "sort=size", "skip=1"):
        wrong = walk.api.ask(f"GET /api/v1/products?{query}", "422 invalid-request")
        name = query.partition("=")[0]
        wrong.should(name in str(wrong["errors"]), f"name {name}")


def filter_and_sort(walk: Walk) -> None:
    api = walk.api
    anvil, bell = (product["name"] for product in walk.products)
    path = f"GET /api/v1/products?category={walk.category}"
    # The index of a list may be a moment late.
    api.until(lambda: api.ask(path, "200"), lambda page: bool(page["count"] == 2), "list both")
    for query, names in (
        ("sort=price", [bell, anvil]),
        ("sort=-price", [anvil, bell]),
        ("sort=newest", [bell, anvil]),
        ("min_price=9.51", [anvil]),
        ("max_price=9.50", [bell]),
        ("q=ANV%20smoke", [anvil]),
        ("q=nvil", []),
    ):
        page = api.ask(f"{path}&{query}", "200")
        page.should(_names(page) == names, f"list the right products for {query}")


def pages(walk: Walk) -> None:
    api = walk.api
    anvil, bell = (product["name"] for product in walk.products)
    path = f"GET /api/v1/products?category={walk.category}&limit=1"
    first = api.ask(f"{path}&sort=name", "200")
    cursor = given(first["next_cursor"], "second page")
    page, listed = first, _names(first)
    while page["next_cursor"] and len(listed) < 3:
        page = api.ask(f"{path}&sort=name&cursor={page['next_cursor']}", "200")
        listed += _names(page)
    page.should(listed == [anvil, bell], "end a list that has each product once")
    api.ask(f"{path}&sort=price&cursor={cursor}", "400 invalid-cursor")


def etag(walk: Walk) -> None:
    path = f"GET /api/v1/products/{walk.products[0]['id']}"
    known = walk.api.ask(path, "200").header("ETag")
    again = walk.api.ask(path, "304", If_None_Match=known)
    again.should(not again.response.content, "be without a body")


def change_product(walk: Walk) -> None:
    api, admin, product = walk.api, walk.admin, walk.products[1]
    path = f"/api/v1/products/{product['id']}"
    old = api.ask(f"GET {path}", "200").header("ETag")
    changed = api.ask(f"PUT {path}", "200", admin, {"price": "8.00"}, If_Match=old)
    changed.has(price="8.00", name=product["name"])
    api.ask(f"PUT {path}", "412 version-conflict", admin, {"price": "7.00"}, If_Match=old)
    key = f"{walk.category}-stock"
    for replayed in (False, True):
        added = api.ask(f"POST {path}/stock", "200", admin, {"delta": 3}, Idempotency_Key=key)
        added.has(stock=STOCK + 3)
        added.should(_is_replayed(added) == replayed, "say whether it is replayed")
    api.ask(f"POST {path}/stock", "409 out-of-stock", admin, {"delta": -1000})
    api.ask(f"GET {path}", "200").has(price="8.00", stock=STOCK + 3)


def withdraw_product(walk: Walk) -> None:
    api, product = walk.api, walk.products[0]
    api.ask(f"DELETE /api/v1/products/{product['id']}", "204", walk.admin)
    path = f"GET /api/v1/products?category={walk.category}"
    api.until(
        lambda: api.ask(path, "200"),
        lambda page: product["name"] not in _names(page),
        "be without the product",
    )
    walk.order("withdrawn", expected="422 unknown-product").has(product_id=product["id"])
    if walk.placed:
        kept = api.ask(f"GET /api/v1/orders/{walk.placed['id']}", "200", walk.customer)
        kept.should(kept["items"][0]["name"] == product["name"], "still show the product")


def _names(page: Reply) -> list[str]:
    return [product["name"] for product in page["products"]]


def _is_replayed(reply: Reply) -> bool:
    return bool(reply.response.headers.get("Idempotent-Replayed") == "true")
