"""An account in SES's sandbox: letters to those who are not verified wait until the account may send, and go out once."""

from datetime import timedelta

from tests.flows.views import CONFIRMED, RECEIVED, WELCOME, figures, letters_to
from tests.simulation.town import Town
from tests.support.client import Client

QUEUE = "NotificationsQueue"
DEAD = "NotificationsDeadLetters"


def statuses(customer: Client) -> set[str]:
    listed = customer.get("/api/v1/notifications").json()["notifications"]
    return {notification["status"] for notification in listed}


def redrive(town: Town) -> None:
    """As `make dlq ACTION=redrive` does."""
    dead = town.cloud.queues[DEAD]
    for message in dead.messages:
        town.cloud.put(QUEUE, message.body)
    dead.messages = []


def test_letters_of_the_sandbox_are_parked_with_the_reason_and_sent_once_when_it_is_left(
    town: Town, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=50)
    with town.refusing(
        "sesv2.SendEmail",
        about=customer.user["email"],
        code="MessageRejected",
        said="Email address is not verified. ",
    ):
        customer.order((mug, 1))
        town.settle()
        assert letters_to(town, customer) == []
        parked = town.cloud.queues[DEAD].messages
        assert [m.attributes["Reason"]["StringValue"] for m in parked] == [
            "EmailBlocked: MessageRejected: Email address is not verified"
        ] * 3
        assert {m.attributes["Attempts"]["StringValue"] for m in parked} == {"1"}
        assert not town.cloud.queues[QUEUE].messages
        assert statuses(customer) == {"pending"}
        # Moved back too early, they are parked again.
        town.pass_time(timedelta(minutes=5))
        redrive(town)
        town.settle()
        assert len(town.cloud.queues[DEAD].messages) == 3
    town.pass_time(timedelta(days=1))
    for _ in range(2):
        redrive(town)
        town.come_to_rest()
    assert sorted(letters_to(town, customer)) == sorted([WELCOME, RECEIVED, CONFIRMED])
    assert statuses(customer) == {"sent"}
    assert figures(customer, "notifications")["failed"] == 0
