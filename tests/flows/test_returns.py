"""A delivered order is returned: money and stock come back, and e-mails say so. A refund that the
provider refuses is reported to the admins."""

from typing import Any

import httpx

from tests.flows.views import letters_to, order_of
from tests.simulation.provider import refund_at_the_provider
from tests.simulation.shop import SimulatedShop
from tests.support.invariants import ADMIN_EMAIL, breaches


def delivered(shop: SimulatedShop) -> dict[str, Any]:
    """Two mugs for 10.00 each and a tray for 24.50."""
    order = shop.customer.order((shop.mug, 2), (shop.tray, 1))
    shop.settle()
    for verb in ("ship", "deliver"):
        shop.admin.post(f"/api/v1/orders/{order['id']}/{verb}")
    shop.come_to_rest()
    return order


def good(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def stock(shop: SimulatedShop, product: dict[str, Any]) -> int:
    return int(good(shop.anyone.get(f"/api/v1/products/{product['id']}"))["stock"])


def test_return_brings_money_and_stock_back_and_is_mailed(shop: SimulatedShop) -> None:
    order = delivered(shop)
    path = f"/api/v1/orders/{order['id']}/returns"
    item = {"product_id": shop.mug["id"], "quantity": 1}
    first, second = (
        good(shop.customer.post(path, {"items": [item], "reason": "Too small."})) for _ in range(2)
    )
    good(shop.admin.post(f"{path}/{first['id']}/approve"))
    good(shop.admin.post(f"{path}/{second['id']}/refuse", {"text": "It has been used."}))
    shop.come_to_rest()
    before = stock(shop, shop.mug)
    assert order_of(shop.customer, order)["refunded_amount"] == "0.00"
    good(shop.admin.post(f"{path}/{first['id']}/receive"))
    shop.come_to_rest()
    assert stock(shop, shop.mug) == before + 1
    assert order_of(shop.customer, order)["refunded_amount"] == "10.00"
    [refund] = good(shop.customer.get(f"/api/v1/orders/{order['id']}/refunds"))["refunds"]
    assert (refund["amount"], refund["status"], refund["items"]) == ("10.00", "succeeded", [item])
    assert sorted(letters_to(shop, shop.customer)[-3:]) == [
        "Your money is on its way back",
        "Your return is approved",
        "Your return is refused",
    ]
    texts = [email.text for email in shop.cloud.handed_over if email.to != ADMIN_EMAIL]
    assert [text for text in texts if "It has been used." in text]
    assert [text for text in texts if "refunded 10.00 EUR" in text]
    asked = [e for e in shop.cloud.handed_over if e.subject == "A customer asks for a return"]
    assert {email.to for email in asked} == {ADMIN_EMAIL}
    assert len(asked) == 2
    # The admins' notifications are not erased with a customer: they hold nothing of hers.
    assert not [e for e in asked if "Too small" in e.text or "Carla" in e.text]
    assert breaches(shop.books(), shop.witness) == []


def test_refused_refund_is_reported_to_the_admins_and_made_later(shop: SimulatedShop) -> None:
    order = delivered(shop)
    path = f"/api/v1/orders/{order['id']}/refunds"
    refund_at_the_provider(shop, order, 4400)
    asked = shop.admin.post(path, {"amount": "1.00"}, headers={"Idempotency-Key": "too much"})
    assert asked.status_code == 201
    shop.come_to_rest()
    assert good(shop.customer.get(path))["refunds"][0]["status"] == "failed"
    assert order_of(shop.customer, order)["refunded_amount"] == "0.00"
    mailed = shop.cloud.handed_over[-1]
    assert (mailed.to, mailed.subject) == (ADMIN_EMAIL, "A refund has failed")
    notices = good(shop.admin.get("/api/v1/notifications"))["notifications"]
    assert [one["type"] for one in notices if one.get("order_id") == order["id"]] == [
        "order.refund_failed"
    ]
    again = shop.admin.post(path, {"amount": "0.50"}, headers={"Idempotency-Key": "less"})
    assert again.status_code == 201
    shop.come_to_rest()
    assert order_of(shop.customer, order)["refunded_amount"] == "0.50"


def test_cancelled_order_whose_money_cannot_be_given_back_is_settled_by_an_admin(
    shop: SimulatedShop,
) -> None:
    order = shop.customer.order((shop.mug, 2), (shop.tray, 1))
    shop.settle()
    refund_at_the_provider(shop, order, 400)
    good(shop.customer.post(f"/api/v1/orders/{order['id']}/cancel"))
    shop.come_to_rest()
    path = f"/api/v1/orders/{order['id']}/refunds"
    [failed] = good(shop.admin.get(path))["refunds"]
    assert (failed["amount"], failed["status"]) == ("44.50", "failed")
    letters = [email for email in shop.cloud.handed_over if email.to == ADMIN_EMAIL]
    assert letters[-1].subject == "A refund has failed"
    bodies = {
        "rest": {"amount": "40.50"},
        "bank": {"amount": "4.00", "paid_otherwise": True},
        "more": {"amount": "0.01"},
    }
    answers = [
        shop.admin.post(path, body, headers={"Idempotency-Key": key})
        for key, body in bodies.items()
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    shop.come_to_rest()
    assert order_of(shop.customer, order)["refunded_amount"] == "44.50"
    assert letters_to(shop, shop.customer).count("Your money is on its way back") == 2
    payment = shop.books().payments[order["id"]]
    assert payment["state"] == "refunded"


def test_erasure_and_a_return_leave_no_text_of_the_customer(shop: SimulatedShop) -> None:
    order = delivered(shop)
    path = f"/api/v1/orders/{order['id']}/returns"
    body = {
        "items": [{"product_id": shop.mug["id"], "quantity": 1}],
        "reason": "Delivered to Hasenweg 9.",
    }
    returns = [good(shop.customer.post(path, body)) for _ in range(2)]
    good(shop.admin.post(f"{path}/{returns[0]['id']}/refuse", {"text": "Not to Hasenweg 9."}))
    refund = {"amount": "1.00", "reason": "Called from Hasenweg 9."}
    headers = {"Idempotency-Key": "a"}
    good(shop.admin.post(f"/api/v1/orders/{order['id']}/refunds", refund, headers=headers))
    good(shop.admin.delete(f"/api/v1/users/{shop.customer.user['id']}", params={"erase": "true"}))
    shop.come_to_rest()
    good(shop.admin.post(f"{path}/{returns[1]['id']}/refuse", {"text": "Not to Hasenweg 9."}))
    shop.come_to_rest()
    held = [item for item in shop.books().everything if "Hasenweg" in repr(item)]
    assert held == []
    assert breaches(shop.books(), shop.witness) == []
