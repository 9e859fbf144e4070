"""Orders from click to e-mail, over HTTP on the deployed stack: real queues, real deliveries."""

import uuid

import pytest

from tests.support.client import Client, code, eventually
from tests.support.cloud import Cloud

ORDER_FIELDS = {
    "id", "user_id", "user_name", "status", "items", "total_amount", "currency", "created_at",
    "updated_at", "version",
}  # fmt: skip


def test_an_order_is_confirmed_and_its_customer_told(
    admin: Client, customer: Client, root_path: str
) -> None:
    mug = admin.add_product(name="Mug", price="11.00", stock=5)
    tray = admin.add_product(name="Tray", price="24.50", stock=5)
    answer = customer.try_order((mug, 2), (tray, 1))
    assert answer.status_code == 201
    placed = answer.json()
    assert set(placed) == ORDER_FIELDS
    assert (placed["status"], placed["total_amount"], placed["currency"]) == (
        "pending",
        "46.50",
        "EUR",
    )
    assert answer.headers["location"] == f"{root_path}/api/v1/orders/{placed['id']}"
    assert placed["items"][0] == {
        "product_id": mug["id"], "name": "Mug", "quantity": 2, "unit_price": "11.00", "line_total": "22.00",
    }  # fmt: skip
    customer.order_once(placed["id"], "confirmed")
    assert (admin.stock_of(mug), admin.stock_of(tray)) == (3, 4)
    history = customer.get(f"/api/v1/orders/{placed['id']}/events").json()["events"]
    assert [event["type"] for event in history] == ["order.placed", "order.confirmed"]
    assert [event["version"] for event in history] == [1, 2]
    told = eventually(lambda: customer.notifications_of(placed["id"]), lambda n: len(n) == 2)
    assert set(told) == {"order.placed", "order.confirmed"}
    eventually(
        lambda: {n["status"] for n in customer.notifications_of(placed["id"]).values()},
        lambda statuses: statuses == {"sent"},
    )


def test_a_declined_payment_cancels_the_order_and_gives_the_stock_back(
    admin: Client, customer: Client
) -> None:
    product = admin.add_product(stock=4)
    placed = customer.order((product, 3), payment_token="tok_declined")
    cancelled = customer.order_once(placed["id"], "cancelled")
    assert cancelled["cancel_reason"] == "payment_declined"
    eventually(lambda: admin.stock_of(product), lambda stock: stock == 4)
    told = eventually(lambda: customer.notifications_of(placed["id"]), lambda n: len(n) == 2)
    assert set(told) == {"order.placed", "order.cancelled"}


def test_a_charge_whose_answer_never_came_confirms_the_order(
    admin: Client, customer: Client
) -> None:
    placed = customer.order((admin.add_product(), 1), payment_token="tok_timeout")
    customer.order_once(placed["id"], "confirmed")


def test_a_confirmed_order_is_cancelled_and_refunded(admin: Client, customer: Client) -> None:
    product = admin.add_product(stock=4)
    placed = customer.order((product, 4))
    customer.order_once(placed["id"], "confirmed")
    answer = customer.post(f"/api/v1/orders/{placed['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    eventually(lambda: admin.stock_of(product), lambda stock: stock == 4)
    again = customer.post(f"/api/v1/orders/{placed['id']}/cancel")
    assert (again.status_code, code(again)) == (409, "illegal-transition")


def test_an_order_waiting_for_its_payment_can_be_cancelled(admin: Client, customer: Client) -> None:
    product = admin.add_product(stock=4)
    placed = customer.order((product, 4), payment_token="tok_unavailable")
    answer = customer.post(f"/api/v1/orders/{placed['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    eventually(lambda: admin.stock_of(product), lambda stock: stock == 4)


def test_an_order_is_shipped_and_delivered_by_an_admin(admin: Client, customer: Client) -> None:
    placed = customer.order((admin.add_product(), 1))
    path = f"/api/v1/orders/{placed['id']}"
    customer.order_once(placed["id"], "confirmed")
    early = admin.post(f"{path}/deliver")
    assert (early.status_code, code(early)) == (409, "illegal-transition")
    for forbidden in (customer.post(f"{path}/ship"), customer.post(f"{path}/deliver")):
        assert (forbidden.status_code, code(forbidden)) == (403, "forbidden")
    assert admin.post(f"{path}/ship").json()["status"] == "shipped"
    assert admin.post(f"{path}/deliver").json()["status"] == "delivered"
    late = customer.post(f"{path}/cancel")
    assert (late.status_code, code(late)) == (409, "illegal-transition")
    told = eventually(lambda: customer.notifications_of(placed["id"]), lambda n: len(n) == 4)
    assert set(told) == {"order.placed", "order.confirmed", "order.shipped", "order.delivered"}


def test_an_order_beyond_stock_reserves_nothing(admin: Client, customer: Client) -> None:
    plenty, scarce = admin.add_product(stock=5), admin.add_product(stock=1)
    answer = customer.try_order((plenty, 2), (scarce, 2))
    assert (answer.status_code, code(answer)) == (409, "out-of-stock")
    problem = answer.json()
    assert problem["product_id"] == scarce["id"]
    assert (problem["requested"], problem["available"]) == (2, 1)
    assert (admin.stock_of(plenty), admin.stock_of(scarce)) == (5, 1)


def test_an_unknown_product_is_named(admin: Client, customer: Client) -> None:
    answer = customer.try_order((admin.add_product(), 1), ({"id": "nothing"}, 1))
    assert (answer.status_code, code(answer)) == (422, "unknown-product")
    assert answer.json()["product_id"] == "nothing"


def test_the_same_product_twice_is_one_line(admin: Client, customer: Client) -> None:
    product = admin.add_product(stock=5)
    placed = customer.order((product, 1), (product, 2))
    assert [item["quantity"] for item in placed["items"]] == [3]


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"product_id": "x", "quantity": 0}],
        [{"product_id": "x", "quantity": 1001}],
        [{"product_id": "x", "quantity": "1"}],
        [{"product_id": "x", "quantity": 1.5}],
        [{"product_id": "x"}],
        [{"product_id": "x", "quantity": 1, "price": "0.01"}],
        [{"product_id": f"p{n}", "quantity": 1} for n in range(51)],
        "x",
    ],
)
def test_a_wrong_basket_is_refused(customer: Client, items: object) -> None:
    answer = customer.post(
        "/api/v1/orders", {"items": items}, headers={"Idempotency-Key": uuid.uuid4().hex}
    )
    assert (answer.status_code, code(answer)) == (422, "invalid-request")


def test_an_order_needs_an_idempotency_key(admin: Client, customer: Client) -> None:
    items = [{"product_id": admin.add_product()["id"], "quantity": 1}]
    answer = customer.post("/api/v1/orders", {"items": items})
    assert (answer.status_code, code(answer)) == (400, "idempotency-key-required")
    too_long = customer.try_order(key="k" * 256)
    assert too_long.status_code in (400, 422)


def test_one_key_makes_one_order(admin: Client, customer: Client, other: Client) -> None:
    product = admin.add_product(stock=9)
    key = uuid.uuid4().hex
    first = customer.try_order((product, 1), key=key)
    again = customer.try_order((product, 1), key=key)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    changed = customer.try_order((product, 2), key=key)
    assert (changed.status_code, code(changed)) == (422, "idempotency-key-reused")
    of_another = other.try_order((product, 1), key=key)
    assert of_another.json()["id"] != first.json()["id"]
    assert admin.stock_of(product) == 7


def test_a_refused_order_may_be_tried_again_with_its_key(admin: Client, customer: Client) -> None:
    product = admin.add_product(stock=0)
    key = uuid.uuid4().hex
    assert customer.try_order((product, 1), key=key).status_code == 409
    admin.post(f"/api/v1/products/{product['id']}/stock", {"delta": 1})
    assert customer.try_order((product, 1), key=key).status_code == 201


def test_a_deactivated_customer_orders_nothing(admin: Client, customer: Client) -> None:
    product = admin.add_product()
    admin.put(f"/api/v1/users/{customer.user['id']}", {"is_active": False})
    answer = customer.try_order((product, 1))
    assert (answer.status_code, code(answer)) == (403, "account-inactive")


def test_orders_of_others_are_not_there(
    admin: Client, customer: Client, other: Client, anyone: Client
) -> None:
    placed = customer.order((admin.add_product(), 1))
    path = f"/api/v1/orders/{placed['id']}"
    for answer in (other.get(path), other.get(f"{path}/events"), other.post(f"{path}/cancel")):
        assert (answer.status_code, code(answer)) == (404, "order-not-found")
    for answer in (
        anyone.get(path),
        anyone.get("/api/v1/orders"),
        anyone.try_order(),
        anyone.post(f"{path}/cancel"),
        anyone.post(f"{path}/ship"),
    ):
        assert (answer.status_code, code(answer)) == (401, "unauthenticated")
    assert other.get("/api/v1/orders").json()["orders"] == []
    assert admin.get(path).json()["user_id"] == customer.user["id"]
    assert admin.get("/api/v1/orders/nothing").status_code == 404


def test_orders_are_listed_newest_first_page_by_page(
    admin: Client, customer: Client, other: Client
) -> None:
    product = admin.add_product(stock=50)
    placed = [customer.order((product, 1))["id"] for _ in range(3)]
    for order_id in placed:
        customer.order_once(order_id, "confirmed")
    query: dict[str, str] = {"limit": "2"}
    first = customer.get("/api/v1/orders", params=query).json()
    rest = customer.get("/api/v1/orders", params={**query, "cursor": first["next_cursor"]}).json()
    assert [o["id"] for p in (first, rest) for o in p["orders"]] == placed[::-1]
    assert rest["next_cursor"] is None
    stolen = other.get("/api/v1/orders", params={**query, "cursor": first["next_cursor"]})
    assert (stolen.status_code, code(stolen)) == (400, "invalid-cursor")
    customer.post(f"/api/v1/orders/{placed[0]}/cancel")
    cancelled = customer.get("/api/v1/orders", params={"status": "cancelled"}).json()
    assert [o["id"] for o in cancelled["orders"]] == [placed[0]]
    assert customer.get("/api/v1/orders", params={"status": "lost"}).status_code == 422
    of_customer = admin.get("/api/v1/orders", params={"user_id": customer.user["id"]}).json()
    assert [o["id"] for o in of_customer["orders"]] == placed[::-1]
    newest = admin.get("/api/v1/orders", params={"limit": 100}).json()["orders"]
    assert set(placed) <= {o["id"] for o in newest}
    times = [o["created_at"] for o in newest]
    assert times == sorted(times, reverse=True)


def test_a_product_running_low_is_reported_to_the_admin_address(
    admin: Client, customer: Client, cloud: Cloud
) -> None:
    product = admin.add_product(name=f"Scarce {uuid.uuid4().hex[:8]}", stock=6)
    customer.order((product, 4))
    [email] = eventually(
        lambda: [e for e in cloud.emails_about(product["name"]) if "keeper@example.com" in e.to]
    )
    assert email.to == ["keeper@example.com"]


def test_ten_deliveries_of_one_event_make_one_email(
    admin: Client, customer: Client, cloud: Cloud
) -> None:
    placed = customer.order((admin.add_product(), 1))
    customer.order_once(placed["id"], "confirmed")
    address = customer.user["email"]
    # Welcome, placed, confirmed.
    eventually(lambda: len(cloud.emails_to(address)), lambda sent: sent == 3)
    first = cloud.events_of(placed["id"])[0]
    cloud.deliver("NotificationsQueue", *[first.model_dump_json()] * 10)
    assert len(cloud.emails_to(address)) == 3
    assert cloud.waiting_in("NotificationsDeadLetters") == 0
