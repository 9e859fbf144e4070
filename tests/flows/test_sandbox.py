"""An account in SES's sandbox: e-mails to unverified addresses wait until the account may send, and
are sent once."""

from datetime import timedelta

from tests.flows.views import figures, letters_to
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client

QUEUE = "NotificationsQueue"
DEAD = "NotificationsDeadLetters"
CONFIRM = "Confirm your e-mail address"
CONFIRMED = "Your order is confirmed"


def statuses(customer: Client) -> set[str]:
    listed = customer.get("/api/v1/notifications").json()["notifications"]
    return {notification["status"] for notification in listed}


def redrive(shop: SimulatedShop) -> None:
    """As `make dlq ACTION=redrive` does."""
    dead = shop.cloud.queues[DEAD]
    for message in dead.messages:
        shop.cloud.put(QUEUE, message.body)
    dead.messages = []


def test_emails_are_parked_in_the_sandbox_and_sent_once_afterwards(
    shop: SimulatedShop,
) -> None:
    customer = shop.customer
    mug = shop.admin.add_product(stock=50)
    with shop.refusing(
        "sesv2.SendEmail",
        about=customer.user["email"],
        code="MessageRejected",
        said="Email address is not verified. ",
    ):
        customer.order((mug, 1))
        shop.settle()
        assert letters_to(shop, customer) == [CONFIRM]
        parked = shop.cloud.queues[DEAD].messages
        assert [m.attributes["Reason"]["StringValue"] for m in parked] == [
            "EmailBlocked: MessageRejected: Email address is not verified"
        ]
        assert {m.attributes["Attempts"]["StringValue"] for m in parked} == {"1"}
        assert statuses(customer) == {"pending", "sent"}
        # Moved back too early, they are parked again.
        shop.pass_time(timedelta(minutes=5))
        redrive(shop)
        shop.settle()
        assert len(shop.cloud.queues[DEAD].messages) == 1
    shop.pass_time(timedelta(days=1))
    for _ in range(2):
        redrive(shop)
        shop.come_to_rest()
    assert sorted(letters_to(shop, customer)) == sorted([CONFIRM, CONFIRMED])
    assert statuses(customer) == {"sent"}
    assert figures(customer, "notifications")["failed"] == 0
