"""Events on their way from the tables to the workers: real streams, topics, queues and e-mails."""

import uuid

from tests.support.client import Client, eventually
from tests.support.cloud import Cloud

_SERVICES = {"users", "products", "orders", "notifications"}


def test_order_is_confirmed_with_one_email_for_ten_deliveries_of_an_event(
    admin: Client, customer: Client, cloud: Cloud
) -> None:
    placed = customer.order((admin.add_product(), 1))
    customer.order_once(placed["id"], "confirmed")
    address = customer.user["email"]
    eventually(lambda: len(cloud.emails_to(address)), lambda sent: sent == 3)
    subjects = [email.subject for email in cloud.emails_to(address)]
    assert subjects.count("Your order is confirmed") == 1
    first = cloud.events_of(placed["id"])[0]
    cloud.deliver("NotificationsQueue", *[first.model_dump_json()] * 10)
    assert len(cloud.emails_to(address)) == 3
    assert cloud.waiting_in("NotificationsDeadLetters") == 0


def test_payment_without_a_response_is_asked_for_and_confirmed(
    admin: Client, customer: Client
) -> None:
    placed = customer.order((admin.add_product(), 1), payment_token="tok_timeout")
    customer.order_once(placed["id"], "confirmed")


def test_low_stock_is_reported_to_the_admin_address(
    admin: Client, customer: Client, cloud: Cloud
) -> None:
    product = admin.add_product(name=f"Scarce {uuid.uuid4().hex[:8]}", stock=6)
    customer.order((product, 4))
    to_admin = eventually(
        lambda: [e for e in cloud.emails_about(product["name"]) if "keeper@example.com" in e.to]
    )
    assert [email.to for email in to_admin] == [["keeper@example.com"]]


def test_request_id_is_in_the_log_of_every_service_it_reaches(
    admin: Client, customer: Client, cloud: Cloud
) -> None:
    request_id = f"hop-{uuid.uuid4().hex}"
    answer = customer.try_order((admin.add_product(), 1), headers={"X-Request-ID": request_id})
    assert answer.status_code == 201
    logs = cloud.client("logs")

    def reached() -> set[str]:
        return {
            service
            for service in _SERVICES
            if logs.filter_log_events(
                logGroupName=f"/bodega/bodega/{service}", filterPattern=f'"{request_id}"'
            )["events"]
        }

    eventually(reached, lambda seen: seen == _SERVICES)


def test_totals_count_what_was_registered_stocked_and_confirmed(
    admin: Client, customer: Client
) -> None:
    def figures() -> tuple[int, int, int]:
        services = admin.get("/health").json()["services"]
        confirmed = services["orders"]["by_status"]["confirmed"]
        return services["users"]["total"], services["products"]["total_stock"], confirmed

    users, stock, confirmed = figures()
    product = admin.add_product(stock=7)
    placed = Client(customer.http).register().order((product, 2))
    admin.order_once(placed["id"], "confirmed")
    assert figures() == (users + 1, stock + 5, confirmed + 1)
