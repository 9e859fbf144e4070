"""An order on its way from the table to the workers: real streams, topics, queues and e-mails."""

import uuid

from tests.support.client import Client, eventually
from tests.support.cloud import Cloud

# Calls of internal functions that succeed are not logged.
_SERVICES = {"orders", "notifications"}


def test_order_is_confirmed_with_one_email_for_ten_deliveries_of_an_event(
    admin: Client, customer: Client, cloud: Cloud
) -> None:
    request_id = f"hop-{uuid.uuid4().hex}"
    product = admin.add_product()
    placed = customer.order((product, 1), headers={"X-Request-ID": request_id})
    customer.order_once(placed["id"], "confirmed")
    address = customer.user["email"]
    # The link that confirms the address, and one about the order.
    eventually(lambda: len(cloud.emails_to(address)), lambda sent: sent == 2)
    assert cloud.emails_to(address)[0].subject == "Your order is confirmed"
    first = cloud.events_of(placed["id"])[0]
    cloud.deliver("NotificationsQueue", *[first.model_dump_json()] * 10)
    assert len(cloud.emails_to(address)) == 2
    assert cloud.waiting_in("NotificationsDeadLetters") == 0
    # The request's id is in the log of every service that has logged anything.
    logs = cloud.client("logs")

    def reached() -> set[str]:
        found = {
            service: logs.filter_log_events(
                logGroupName=f"/bodega/bodega/{service}", filterPattern=f'"{request_id}"'
            )
            for service in _SERVICES
        }
        return {service for service, page in found.items() if page["events"]}

    eventually(reached, lambda seen: seen == _SERVICES)
