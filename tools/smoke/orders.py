"""Steps about orders and their notifications."""

from typing import Final

from tools.smoke.catalogue import STOCK
from tools.smoke.walk import Walk, given

ORDER: Final = (
    "id user_id user_name status items total_amount currency created_at updated_at version"
)
NOTIFICATION: Final = "id type subject body channel status created_at"


def refused_orders(walk: Walk) -> None:
    """What can be refused without a product."""
    unknown = {"items": [{"product_id": "nothing", "quantity": 1}]}
    for body, key, expected in (
        (unknown, "", "400 idempotency-key-required"),
        (unknown, f"{walk.category}-unknown", "422 unknown-product"),
        ({"items": []}, f"{walk.category}-empty", "422 invalid-request"),
    ):
        walk.api.ask("POST /api/v1/orders", expected, walk.customer, body, Idempotency_Key=key)
    walk.api.ask("POST /api/v1/orders", "401 unauthenticated", json=unknown)


def place_order(walk: Walk) -> None:
    short = walk.order("too-many", STOCK + 1, "409 out-of-stock")
    short.has(product_id=walk.products[0]["id"], requested=STOCK + 1, available=STOCK)
    placed = walk.placed = walk.order("first")
    placed.fields(ORDER)
    placed.has(status="pending", total_amount="24.50", user_id=walk.customer.id)
    [line] = placed["items"]
    placed.should((line["quantity"], line["unit_price"]) == (1, "24.50"), "have one unit")
    location = walk.api.linked(placed, placed.header("Location"))
    walk.api.ask(f"GET {location}", "200", walk.customer).has(id=placed["id"])
    again = walk.order("first")
    again.has(id=placed["id"])
    again.should(again.header("Idempotent-Replayed") == "true", "be replayed")
    walk.order("first", 2, "422 idempotency-key-reused")


def confirmed_order(walk: Walk) -> None:
    api, placed = walk.api, given(walk.placed, "order")
    walk.until_status(placed, "confirmed")
    walk.until_stock(STOCK - 1)
    history = api.ask(f"GET /api/v1/orders/{placed['id']}/events", "200", walk.customer)
    types = [event["type"] for event in history["events"]]
    history.should(types == ["order.placed", "order.confirmed"], "have both events")
    api.until(
        lambda: api.ask("GET /api/v1/orders?status=confirmed", "200", walk.customer),
        lambda page: bool(page["count"] == 1),
        "list the order",
    )
    api.ask("GET /api/v1/orders?status=shipped", "200", walk.customer).has(orders=[], count=0)
    api.ask("GET /api/v1/orders?status=lost", "422 invalid-request", walk.customer)
    of_customer = f"GET /api/v1/orders?user_id={walk.customer.id}"
    api.ask(of_customer, "403 forbidden", walk.stranger)
    listed = api.ask(of_customer, "200", walk.admin)
    listed.should([o["id"] for o in listed["orders"]] == [placed["id"]], "have the order")


def others_orders(walk: Walk) -> None:
    path = f"/api/v1/orders/{given(walk.placed, 'order')['id']}"
    for request in (f"GET {path}", f"GET {path}/events", f"POST {path}/cancel"):
        walk.api.ask(request, "404 order-not-found", walk.stranger)
    walk.api.ask(f"GET {path}", "401 unauthenticated")
    walk.api.ask("GET /api/v1/orders", "200", walk.stranger).has(orders=[], next_cursor=None)
    walk.api.ask(f"GET {path}", "200", walk.admin).has(user_id=walk.customer.id)


def notifications(walk: Walk) -> None:
    """Without an order there is only that of the registration."""
    api, path = walk.api, "/api/v1/notifications"
    types = {"user.registered"} | ({"order.placed", "order.confirmed"} if walk.placed else set())
    page = api.until(
        lambda: api.ask(f"GET {path}?limit=100", "200", walk.customer),
        lambda page: {n["type"] for n in page["notifications"] if n["status"] == "sent"} >= types,
        f"have {', '.join(sorted(types))}, all sent,",
        within=60,  # a new SES account sends one e-mail a second
    )
    if walk.placed:
        about = [n for n in page["notifications"] if n.get("order_id") == walk.placed["id"]]
        page.should({n["type"] for n in about} == types - {"user.registered"}, "name the order")
    read = f"POST {path}/{page['notifications'][0]['id']}/read"
    api.ask(read, "404 notification-not-found", walk.stranger)
    api.ask(read, "401 unauthenticated")
    api.ask(read, "200", walk.customer).fields(f"{NOTIFICATION} read_at")
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
    walk.until_status(placed, "cancelled").has(cancel_reason="payment_declined")
    walk.until_stock(STOCK)


def shipped_order(walk: Walk) -> None:
    api, admin = walk.api, walk.admin
    placed = walk.order("shipped")
    path = f"POST /api/v1/orders/{placed['id']}"
    walk.until_status(placed, "confirmed")
    api.ask(f"{path}/deliver", "409 illegal-transition", admin)
    api.ask(f"{path}/ship", "403 forbidden", walk.customer)
    api.ask(f"{path}/ship", "200", admin).has(status="shipped")
    api.ask(f"{path}/cancel", "409 illegal-transition", walk.customer)
    api.ask(f"{path}/deliver", "200", admin).has(status="delivered")
    api.ask(f"{path}/ship", "409 illegal-transition", admin)
