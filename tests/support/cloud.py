"""The deployed stack from behind: the e-mails that the emulator's SES took, queues, and tables."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.contracts.events import Event
from shared.messaging import outbox
from shared.storage.dynamodb import Table
from tests.support.client import eventually
from tools.local import mail, stack
from tools.local.places import STACK
from tools.local.shop import Shop

# Streams are read twice a second, and their content cannot be counted.
_CALM_SECONDS = 1.0


@dataclass(frozen=True)
class Email:
    """One e-mail that was handed to the provider."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Cloud:
    """A deployed stack's inside."""

    shop: Shop
    physical_ids: dict[str, str] = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        """An AWS client of the emulator's root user."""
        return stack.session().client(service, endpoint_url=self.shop.endpoint)

    def physical_id(self, logical_id: str) -> str:
        """What a resource of the template is called once it is deployed."""
        if not self.physical_ids:
            pages = self.client("cloudformation").get_paginator("list_stack_resources")
            for page in pages.paginate(StackName=STACK):
                for resource in page["StackResourceSummaries"]:
                    name = resource["LogicalResourceId"]
                    self.physical_ids[name] = resource["PhysicalResourceId"]
        return self.physical_ids[logical_id]

    def table(self, logical_id: str) -> Table:
        return Table(self.physical_id(logical_id), self.client("dynamodb"))

    def events_of(self, order_id: str) -> list[Event]:
        """The event items of an order."""
        return list(outbox.history(self.table("OrdersTable"), f"ORDER#{order_id}"))

    def log_lines(self) -> Iterator[str]:
        """Every line that a function has logged."""
        logs = self.client("logs")
        for group in stack.log_groups(stack.read(self.shop.endpoint)):
            with suppress(logs.exceptions.ResourceNotFoundException):  # nothing was written to it
                for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
                    for event in page["events"]:
                        yield from event["message"].splitlines()

    def emails_to(self, address: str) -> list[Email]:
        """The e-mails to an address so far, newest first."""
        answer = httpx.get(f"{self.shop.url}{mail.PATH}", params={"to": address})
        return [
            Email(sent["subject"], sent["text"], sent["html"]) for sent in answer.json()["mails"]
        ]

    def deliver(self, queue: str, *bodies: str) -> None:
        """Put messages into a queue, as the topic does, and wait until none is left in it."""
        sqs = self.client("sqs")
        url = self.physical_id(queue)
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)
        eventually(lambda: self.waiting_in(queue), lambda waiting: waiting == 0)

    def waiting_in(self, queue: str) -> int:
        """Messages in a queue, those in flight and those that wait included."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        attributes = self.client("sqs").get_queue_attributes(
            QueueUrl=self.physical_id(queue), AttributeNames=names
        )["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def come_to_rest(self, *, within: float) -> None:
        """Wait until nothing moves any more: no message, no order that is due, no event unsent."""
        look = self._left_to_do()
        deadline = time.monotonic() + within
        calm_since = time.monotonic()
        while time.monotonic() - calm_since < _CALM_SECONDS:
            if left := look():
                calm_since = time.monotonic()
                assert calm_since < deadline, f"after {within} s there were still {left}"
            time.sleep(0.25)

    def _left_to_do(self) -> Callable[[], dict[str, int]]:
        """Return a function that counts the work of each kind that is left."""
        tables = [self.table(name) for name in ("UsersTable", "ProductsTable", "OrdersTable")]
        indexes = [("unsent", table) for table in tables] + [("due", tables[-1])]

        def look() -> dict[str, int]:
            left = {
                queue: self.waiting_in(queue) for queue in ("CheckoutQueue", "NotificationsQueue")
            }
            for name, table in indexes:
                left[f"{name} in {table.name}"] = sum(
                    len(table.query(f"#{name} = :shard", {"shard": str(s)}, index=name).items)
                    for s in range(4)
                )
            return {what: number for what, number in left.items() if number}

        return look
