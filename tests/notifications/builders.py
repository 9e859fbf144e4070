"""Events, and the notifications of them."""

from datetime import timedelta
from typing import Any

from notifications.models import Notification, notification_id
from shared.contracts.events import AccountEmail, Event, EventType
from shared.runtime.clock import rfc3339
from tests.support.clock import NOON


def an_event(type_: EventType, data: dict[str, Any], *, minute: int = 0, version: int = 1) -> Event:
    """An event of that minute after noon."""
    aggregate_id = data.get("order_id") or data.get("product_id") or data["user_id"]
    return Event(
        id=f"{aggregate_id}.{version}",
        type=type_,
        aggregate_id=aggregate_id,
        version=version,
        at=rfc3339(NOON + timedelta(minutes=minute)),
        request_id="request-1",
        data=data,
    )


def a_user_event(
    type_: EventType = "user.registered",
    *,
    user_id: str = "alice-1",
    sealed_token: str | None = "sealed",
) -> Event:
    user = {"user_id": user_id, "full_name": "Alice Example", "email": f"{user_id}@example.com"}
    return an_event(type_, {**user, "sealed_token": sealed_token})


def an_account_event(purpose: AccountEmail, *, token: str | None = "sealed") -> Event:
    """The request of an e-mail about Alice's account, to another address of hers."""
    data = {"user_id": "alice-1", "email": "alice-2@example.com", "purpose": purpose}
    return an_event("user.email_requested", {**data, "sealed_token": token}, version=5)


def an_order_event(
    type_: EventType = "order.confirmed", *, minute: int = 0, version: int = 1, **changes: Any
) -> Event:
    order = {
        "order_id": "order-7",
        "user_id": "alice-1",
        "user_name": "Alice Example",
        "email": "alice-1@example.com",
        "status": type_.partition(".")[2].replace("placed", "pending"),
        "lines": [
            {"product_id": "mug", "name": "Blue Mug", "quantity": 2, "unit_price_minor": 1250},
            {"product_id": "tea", "name": "Tea & Honey", "quantity": 1, "unit_price_minor": 99999},
        ],
        "total_minor": 102499,
        "currency": "EUR",
    }
    return an_event(type_, order | changes, minute=minute, version=version)


def a_low_stock_event(
    name: str = "Blue Mug", *, product_id: str = "mug", minute: int = 0, version: int = 1
) -> Event:
    product = {"product_id": product_id, "name": name, "available": 3, "threshold": 5}
    return an_event("product.low_stock", product, minute=minute, version=version)


def a_payment_report(report: str = "charge.dispute.created") -> Event:
    data = {"report": report, "object_id": "du_1", "payment_id": "pi_1"}
    return an_event("payment.reported", {"order_id": "evt_1", **data})


def a_notification(minute: int = 0) -> Notification:
    """The pending notification of an order's event of that minute after noon."""
    event = an_order_event("order.placed", minute=minute, version=minute + 1)
    return Notification(
        id=notification_id(event),
        type=event.type,
        subject="Your order",
        body="Hello",
        channel="email",
        status="pending",
        order_id="order-7",
        created_at=event.at,
    )
