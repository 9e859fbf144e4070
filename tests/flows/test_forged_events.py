"""A function that was taken over publishes what its role allows: no reader handles an event of
another service."""

from itertools import product
from typing import Final

import pytest

from shared.contracts.events import DATA, PUBLISHERS, Event
from shared.runtime import aws
from tests.simulation.shop import SimulatedShop
from tests.support.functions import FUNCTIONS
from tests.support.grants import granted

ADDRESS: Final = "mallory@example.com"
# For each function that may publish, the topics on which it may.
TOPICS: Final = {
    name: topics
    for name in FUNCTIONS
    if (
        topics := [
            topic
            for statement in granted(name)
            if statement.effect == "Allow" and "sns:Publish" in statement.actions
            for topic in statement.resources
        ]
    )
}

publishers = pytest.mark.parametrize("function", TOPICS)


def publish(function: str, event: Event, *, attribute: str) -> None:
    """Publish an event on each topic that the function's role allows, with this attribute."""
    for topic in TOPICS[function]:
        aws.client("sns").publish_batch(
            TopicArn=topic,
            PublishBatchRequestEntries=[
                {
                    "Id": "0",
                    "Message": event.model_dump_json(),
                    "MessageAttributes": {"type": {"DataType": "String", "StringValue": attribute}},
                }
            ],
        )


def forged(shop: SimulatedShop, type_: str) -> Event:
    """An event that a reader would handle. Its data suits every type."""
    user, [order] = shop.customer.user, shop.customer.get("/api/v1/orders").json()["orders"]
    of_users = {"user_id": user["id"], "full_name": "Mallory", "email": ADDRESS, "purpose": "taken"}
    of_orders = {"order_id": order["id"], "user_name": "Mallory", "status": "shipped", "lines": []}
    of_amounts = {"total_minor": 1, "currency": "EUR"}
    of_products = {"product_id": shop.mug["id"], "name": "Mug", "available": 1, "threshold": 2}
    data = of_users | of_orders | of_amounts | of_products
    aggregate = user["id"] if type_.startswith("user.") else order["id"]
    return Event(
        id=f"{aggregate}.99",
        type=type_,
        aggregate_id=aggregate,
        version=99,
        at="2026-11-20T12:00:00.000Z",
        request_id="forged",
        data=data,
    )


@publishers
def test_event_of_another_service_is_refused_whatever_its_attribute(
    shop: SimulatedShop, function: str
) -> None:
    shop.customer.order((shop.tray, 1))
    shop.come_to_rest()
    books, emails = shop.books(), list(shop.cloud.handed_over)
    own = FUNCTIONS[function].service
    foreign = [type_ for type_ in DATA if PUBLISHERS[type_.partition(".")[0]] != own]
    assert {"users": "order.shipped"}.get(own, "user.erased") in foreign
    for type_, attribute in product(foreign, (*DATA, "order.due")):
        publish(function, forged(shop, type_), attribute=attribute)
    shop.come_to_rest()
    assert shop.cloud.handed_over == emails
    assert shop.books() == books
    # A filter that reads the attribute has let some through: the readers have refused them.
    dead = [shop.cloud.queues[f"{name}DeadLetters"] for name in ("Checkout", "Notifications")]
    reasons = [m.attributes["Reason"]["StringValue"] for queue in dead for m in queue.messages]
    assert reasons
    assert all(reason.startswith("PermanentFailure: the attribute") for reason in reasons)


@publishers
def test_event_of_the_own_service_is_handled(shop: SimulatedShop, function: str) -> None:
    """So the events above would have an effect; docs/security.md names what is left."""
    shop.customer.order((shop.tray, 1))
    shop.come_to_rest()
    emails = len(shop.cloud.handed_over)
    own = {"users": "user.registered", "orders": "order.shipped", "products": "product.low_stock"}
    type_ = own[FUNCTIONS[function].service]
    publish(function, forged(shop, type_), attribute=type_)
    shop.come_to_rest()
    assert len(shop.cloud.handed_over) == emails + 1
