"""The steps of a walk: each uses a few routes, and says in the terminal what did not hold."""

import json
import re
from collections.abc import Callable
from typing import Final

import jwt

from tools.smoke import document
from tools.smoke.client import Reply
from tools.smoke.walk import Walk, given

SERVICES: Final = ("users", "products", "orders", "notifications")
# Above the threshold of the e-mails about low stock.
STOCK: Final = 20


def index(walk: Walk) -> None:
    reply = walk.api.ask("GET /", "200")
    links = {service["name"]: service["base_url"] for service in reply["services"]}
    reply.should(links.keys() == set(SERVICES), f"name {', '.join(SERVICES)}")
    for link in (reply["health"], reply["docs"], links["products"]):
        walk.api.ask(f"GET {walk.api.linked(reply, link)}", "200")
    for name in ("users", "orders", "notifications"):
        walk.api.ask(f"GET {walk.api.linked(reply, links[name])}", "401 unauthenticated")


def health(walk: Walk) -> None:
    walk.api.ask("GET /health/live", "200").has(status="alive")
    ready = walk.api.ask("GET /health/ready", "200")
    for name in SERVICES:
        ready.should(ready["services"][name]["status"] == "healthy", f"have {name} healthy")
        walk.api.ask(f"GET /health/{name}", "200").has(status="healthy")
    walk.api.ask("GET /health", "200").has(status="healthy")


def docs(walk: Walk) -> None:
    page = walk.api.ask("GET /docs", "200")
    for link in re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page.response.text):
        walk.api.ask(f"GET {walk.api.linked(page, link)}", "200")
    walk.api.ask("GET /asyncapi.json", "200").has(asyncapi="3.0.0")
    described = walk.api.ask("GET /openapi.json", "200")
    described.should(str(described["openapi"]).startswith("3.1"), "be OpenAPI 3.1")
    walk.document = described.json
    described.header("Content-Encoding")
    plain = walk.api.ask("GET /openapi.json", "200", Accept_Encoding="identity")
    plain.should("Content-Encoding" not in plain.response.headers, "not be compressed")


def register(walk: Walk) -> None:
    for person in (walk.newcomer("customer"), walk.newcomer("stranger")):
        body = {"email": person.email, "full_name": "Smoke Test", "password": person.password}
        reply = walk.api.ask("POST /api/v1/users", "201", json=body)
        reply.has(email=person.email, role="customer", is_active=True, email_confirmed=False)
        person.id, person.location = reply["id"], walk.api.linked(reply, reply.header("Location"))
        again = {**body, "email": person.email.upper()}
        walk.api.ask("POST /api/v1/users", "409 email-taken", json=again)
    wrong = {"email": "nobody", "full_name": "", "password": "short"}
    reply = walk.api.ask("POST /api/v1/users", "422 invalid-request", json=wrong)
    pointers = {error["pointer"] for error in reply["errors"]}
    reply.should(pointers == {f"#/{name}" for name in wrong}, "point to each wrong field")


def confirm_email(walk: Walk) -> None:
    for person in (walk.customer, walk.stranger):
        token = given(walk.api.emailed_token(person.email), "way to read e-mails")
        link = {"token": token}
        walk.api.ask("POST /api/v1/auth/confirm", "200", json=link).has(email_confirmed=True)
        walk.api.ask("POST /api/v1/auth/confirm", "400 bad-token", json=link)


def log_in(walk: Walk) -> None:
    replies = [(person, walk.log_in(person)) for person in (walk.customer, walk.stranger)]
    # The first log-in of a new shop makes its key.
    keys = walk.api.ask("GET /.well-known/jwks.json", "200")["keys"]
    for person, reply in replies:
        try:
            kid = jwt.get_unverified_header(person.access_token)["kid"]
            [key] = [jwt.PyJWK(key).key for key in keys if key["kid"] == kid]
            # The signature alone: this machine's clock may be wrong.
            payload = jwt.PyJWS().decode(person.access_token, key, algorithms=["ES256"])
        except (jwt.PyJWTError, LookupError, ValueError) as reason:
            what = f"have a token that a key of jwks.json verifies ({type(reason).__name__})"
            raise reply.unexpected(what) from None
        reply.should(json.loads(payload)["sub"] == person.id, "have a token of this account")
    for email in (walk.customer.email, f"no-{walk.customer.email}"):
        body = {"email": email, "password": "not-the-password"}
        walk.api.ask("POST /api/v1/auth/login", "401 bad-credentials", json=body)


def own_account(walk: Walk) -> None:
    api, person = walk.api, walk.customer
    changed = api.ask(f"PUT {person.location}", "200", person, {"full_name": "Smoke Tester"})
    for path in ("/api/v1/users/me", person.location):
        api.ask(f"GET {path}", "200", person).has(**changed.json)
    api.ask(f"PUT {person.location}", "403 forbidden", person, {"role": "admin"})
    api.ask("GET /api/v1/users", "403 forbidden", person)


def refresh_and_log_out(walk: Walk) -> None:
    """The reuse of a refresh token ends its session, and so does the log-out."""
    api, person = walk.api, walk.customer
    spent = {"refresh_token": person.refresh_token}
    child = {
        "refresh_token": api.ask("POST /api/v1/auth/refresh", "200", json=spent)["refresh_token"]
    }
    for token in (spent, child):
        api.ask("POST /api/v1/auth/refresh", "401 bad-refresh-token", json=token)
    walk.log_in(person)
    current = {"refresh_token": person.refresh_token}
    api.ask("POST /api/v1/auth/logout", "204", json=current)
    api.ask("POST /api/v1/auth/refresh", "401 bad-refresh-token", json=current)


def admin_log_in(walk: Walk) -> None:
    if walk.owner:
        walk.log_in(walk.owner)
    api, admin, person = walk.api, walk.admin, walk.customer
    api.ask("GET /api/v1/users/me", "200", admin).has(role="admin")
    api.ask(f"GET {person.location}", "200", admin).has(id=person.id, email=person.email)
    api.ask("GET /api/v1/users/no-such-user", "404 user-not-found", admin)
    api.ask("GET /api/v1/users?active=true&limit=2", "200", admin).has(count=2)


def browse(walk: Walk) -> None:
    """The products on sale; a new shop has none."""
    walk.api.ask("GET /api/v1/products?limit=5", "200")
    walk.api.ask("GET /api/v1/products?cursor=forged", "400 invalid-cursor")
    walk.api.ask("GET /api/v1/products?skip=1", "422 invalid-request")
    walk.api.ask("GET /api/v1/products/nothing", "404 product-not-found")


def add_products(walk: Walk) -> None:
    api = walk.api
    for name, price, shown in (("Anvil", "24.50", "24.50"), ("Bell", 9.5, "9.50")):
        body = {"name": f"{name} {walk.category}", "price": price, "category": walk.category}
        added = api.ask("POST /api/v1/products", "201", walk.admin, {**body, "stock": STOCK})
        walk.added.append(added.json)
        added.has(price=shown, stock=STOCK, category=walk.category, is_active=True)
        read = api.ask(f"GET {api.linked(added, added.header('Location'))}", "200")
        read.has(**added.json)
    body = {"name": "X", "price": "9.999", "category": walk.category}
    api.ask("POST /api/v1/products", "422 invalid-request", walk.admin, body)
    api.ask("POST /api/v1/products", "403 forbidden", walk.customer, body)
    api.ask("POST /api/v1/products", "401 unauthenticated", json=body)


def filter_and_sort(walk: Walk) -> None:
    anvil, bell = (product["name"] for product in walk.products)
    path = f"GET /api/v1/products?category={walk.category}"
    walk.api.until(path, None, lambda page: page["count"] == 2, "list both")
    for query, names in (
        ("sort=price", [bell, anvil]),
        ("sort=-price", [anvil, bell]),
        ("sort=newest", [bell, anvil]),
        ("min_price=9.51", [anvil]),
        ("q=ANV%20smoke", [anvil]),
    ):
        page = walk.api.ask(f"{path}&{query}", "200")
        page.should(_names(page) == names, f"list the right products for {query}")
    first = walk.api.ask(f"{path}&limit=1&sort=name", "200")
    cursor = given(first["next_cursor"], "second page")
    second = walk.api.ask(f"{path}&limit=1&sort=name&cursor={cursor}", "200")
    second.should(_names(first) + _names(second) == [anvil, bell], "list the second product")


def change_product(walk: Walk) -> None:
    api, admin, product = walk.api, walk.admin, walk.products[1]
    path = f"/api/v1/products/{product['id']}"
    old = api.ask(f"GET {path}", "200").header("ETag")
    unchanged = api.ask(f"GET {path}", "304", If_None_Match=old)
    unchanged.should(not unchanged.response.content, "be without a body")
    changed = api.ask(f"PUT {path}", "200", admin, {"price": "8.00"}, If_Match=old)
    changed.has(price="8.00", name=product["name"])
    api.ask(f"PUT {path}", "412 version-conflict", admin, {"price": "7.00"}, If_Match=old)
    key = f"{walk.category}-stock"
    for replayed in (False, True):
        added = api.ask(f"POST {path}/stock", "200", admin, {"delta": 3}, Idempotency_Key=key)
        added.has(stock=STOCK + 3)
        added.should(added.is_replayed == replayed, "say whether it is replayed")
    api.ask(f"POST {path}/stock", "409 out-of-stock", admin, {"delta": -1000})
    api.ask(f"GET {path}", "200").has(price="8.00", stock=STOCK + 3)


def place_order(walk: Walk) -> None:
    short = walk.order("too-many", STOCK + 1, "409 out-of-stock")
    short.has(product_id=walk.products[0]["id"], requested=STOCK + 1, available=STOCK)
    placed = walk.placed = walk.order("first")
    placed.has(status="pending", total_amount="24.50", user_id=walk.customer.id)
    location = walk.api.linked(placed, placed.header("Location"))
    walk.api.ask(f"GET {location}", "200", walk.customer).has(id=placed["id"])
    again = walk.order("first")
    again.has(id=placed["id"])
    again.should(again.is_replayed, "be replayed")
    walk.order("first", 2, "422 idempotency-key-reused")


def confirmed_order(walk: Walk) -> None:
    api, placed = walk.api, given(walk.placed, "order")
    walk.until_order(placed, "confirmed")
    walk.until_stock(STOCK - 1)
    history = api.ask(f"GET /api/v1/orders/{placed['id']}/events", "200", walk.customer)
    types = [event["type"] for event in history["events"]]
    history.should(types == ["order.placed", "order.confirmed"], "have both events")
    confirmed = "GET /api/v1/orders?status=confirmed"
    api.until(confirmed, walk.customer, lambda page: page["count"] == 1, "list the order")
    listed = api.ask(f"GET /api/v1/orders?user_id={walk.customer.id}", "200", walk.admin)
    listed.should([o["id"] for o in listed["orders"]] == [placed["id"]], "have the order")


def notifications(walk: Walk) -> None:
    """Without an order there is only that of the registration."""
    api, path = walk.api, "/api/v1/notifications"
    types = {"user.registered"} | ({"order.placed", "order.confirmed"} if walk.placed else set())
    page = api.until(
        f"GET {path}?limit=100",
        walk.customer,
        lambda page: {n["type"] for n in page["notifications"] if n["status"] == "sent"} >= types,
        f"have {', '.join(sorted(types))}, all sent,",
        within=60,  # a new SES account sends one e-mail a second
    )
    read = f"POST {path}/{page['notifications'][0]['id']}/read"
    api.ask(read, "404 notification-not-found", walk.stranger)
    api.ask(read, "200", walk.customer)
    unread = api.ask(f"GET {path}?unread=true", "200", walk.customer)
    unread.has(count=page["count"] - 1)


def cancelled_order(walk: Walk) -> None:
    path = f"POST /api/v1/orders/{given(walk.placed, 'order')['id']}"
    walk.api.ask(f"{path}/cancel", "200", walk.customer).has(status="cancelled")
    walk.until_stock(STOCK)
    walk.api.ask(f"{path}/cancel", "409 illegal-transition", walk.customer)


def declined_payment(walk: Walk) -> None:
    token = "tok_declined"  # noqa: S105  # public: the sandbox payment provider's
    placed = walk.order("declined", payment_token=token)
    walk.until_order(placed, "cancelled").has(cancel_reason="payment_declined")
    walk.until_stock(STOCK)


def shipped_order(walk: Walk) -> None:
    placed = walk.order("shipped", 3)
    path = f"POST /api/v1/orders/{placed['id']}"
    walk.until_order(placed, "confirmed")
    walk.api.ask(f"{path}/ship", "403 forbidden", walk.customer)
    walk.api.ask(f"{path}/ship", "200", walk.admin).has(status="shipped")
    walk.api.ask(f"{path}/cancel", "409 illegal-transition", walk.customer)
    walk.delivered = walk.api.ask(f"{path}/deliver", "200", walk.admin)
    walk.delivered.has(status="delivered")


def refunds(walk: Walk) -> None:
    """An amount, and a unit that is on sale again."""
    path = f"/api/v1/orders/{given(walk.delivered, 'delivered order')['id']}/refunds"
    unit = {"product_id": walk.products[0]["id"], "quantity": 1}
    for amount, body in (
        ("0.50", {"amount": "0.50"}),
        ("24.50", {"items": [unit], "restock": True}),
    ):
        key = f"{walk.category}-{amount}"
        refund = walk.api.ask(f"POST {path}", "201", walk.admin, body, Idempotency_Key=key)
        refund.has(amount=amount, status="pending")
    walk.until_refunded("25.00")
    walk.until_stock(STOCK - 2)
    listed = walk.api.ask(f"GET {path}", "200", walk.customer)
    statuses = [refund["status"] for refund in listed["refunds"]]
    listed.should(statuses == ["succeeded"] * 2, "have both refunds, succeeded")


def returns(walk: Walk) -> None:
    """One is refused; the units of the other are on sale again, and their price is refunded."""
    api = walk.api
    path = f"/api/v1/orders/{given(walk.delivered, 'delivered order')['id']}/returns"
    unit = {"product_id": walk.products[0]["id"], "quantity": 1}
    body = {"items": [unit], "reason": "A smoke test."}
    first, second = (
        api.ask(f"POST {path}", "201", walk.customer, body, Idempotency_Key=f"{walk.category}-{n}")
        for n in range(2)
    )
    refused = api.ask(f"POST {path}/{first['id']}/refuse", "200", walk.admin, {"text": "Used."})
    refused.has(status="refused", refusal="Used.")
    for verb, status in (("approve", "approved"), ("receive", "received")):
        decided = api.ask(f"POST {path}/{second['id']}/{verb}", "200", walk.admin)
        decided.has(status=status)
    walk.until_refunded("49.50")
    walk.until_stock(STOCK - 1)
    api.ask(f"GET {path}", "200", walk.customer).has(count=2)


def withdraw_product(walk: Walk) -> None:
    product = walk.products[0]
    walk.api.ask(f"DELETE /api/v1/products/{product['id']}", "204", walk.admin)
    walk.api.until(
        f"GET /api/v1/products?category={walk.category}",
        None,
        lambda page: product["name"] not in _names(page),
        "be without the product",
    )
    walk.order("withdrawn", expected="422 unknown-product").has(product_id=product["id"])


def erase_account(walk: Walk) -> None:
    api, person = walk.api, walk.stranger
    erased = api.ask(f"DELETE {person.location}?erase=true", "200", person, person.proof)
    erased.has(deactivated=True, erased=True)
    api.ask("GET /api/v1/users/me", "401 unauthenticated", person)
    # From here on the clean-up has to log in, and cannot.
    person.access_token = ""


def refused_requests(walk: Walk) -> None:
    walk.api.ask("GET /nothing", "404 not-found")
    walk.api.ask("POST /health", "405 method-not-allowed").header("Allow")
    walk.api.ask("GET /api/v1/users/me", "401 unauthenticated", Authorization="Bearer nonsense")


def openapi_document(walk: Walk) -> None:
    """Every answer is as the shop's own document says."""
    document.check(given(walk.document, "document"), walk.api.replies)


def _names(page: Reply) -> list[str]:
    return [product["name"] for product in page["products"]]


STEPS: Final[tuple[Callable[[Walk], None], ...]] = (
    index,
    health,
    docs,
    register,
    confirm_email,
    log_in,
    own_account,
    refresh_and_log_out,
    admin_log_in,
    browse,
    add_products,
    filter_and_sort,
    change_product,
    place_order,
    confirmed_order,
    notifications,
    cancelled_order,
    declined_payment,
    shipped_order,
    refunds,
    returns,
    withdraw_product,
    erase_account,
    refused_requests,
    # It looks at all answers so far.
    openapi_document,
)
