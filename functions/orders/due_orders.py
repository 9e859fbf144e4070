"""Orders that are due: their message was lost or not handled in time. The sweeper sends the checkout another one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Final

from orders.models import LEASE, Status
from orders.ports import ClaimedOrder, DueOrder, Orders
from shared.calls.deadline import Deadline
from shared.contracts.events import Event
from shared.runtime import clock, context, logging, metrics
from shared.runtime.aws import is_temporary
from shared.runtime.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ORDER_DUE: Final = "order.due"
CALL_SECONDS: Final = 4.0  # what a call may take, with all its attempts
# Until an order's message is sent: the index's next page, the order's status and its claim, its batch.
_CALLS: Final = 4
_BATCH: Final = 10  # what SQS takes in one call
_FAILED_CLAIMS: Final = 3  # in a row: the others would wait as long for the same answer
_AGES: Final[dict[Status, str]] = {"pending": "OrderAge", "cancelled": "CompensationAge"}


@contextmanager
def superseded(fact: Event) -> Iterator[None]:
    """Finish an `order.due` that could not be handled for something that passes, once its claim has ended.

    The sweeper sends another message then. If this one went on waiting too, an outage would add a message for each claim.
    """
    try:
        yield
    except Exception as cause:
        if not is_temporary(cause) or clock.now() < datetime.fromisoformat(fact.at) + LEASE:
            raise
        logging.logger().warning("left to the sweeper", exc_info=True)


class Overdue:
    """Sends the checkout a message for each order that is due, the longest due ones first.

    An order is claimed first: its `due_at` moves past the message's time. If the message is lost, the order is due again.
    """

    def __init__(
        self, orders: Orders, sqs: "SQSClient", queue_url: str, now: Clock = clock.now
    ) -> None:
        self._orders = orders
        self._sqs = sqs
        self._queue_url = queue_url
        self._now = now

    def sweep(self, deadline: Deadline) -> int:
        """Send the messages, as many as the time allows; return how many orders were due.

        Emits the ages of the claimed orders, and 0 as a baseline. A sweep that fails emits no 0: the alarms on these ages treat
        missing data as a breach.
        """
        now = self._now()
        swept = 0
        for some in batched(self._orders.due(clock.rfc3339(now)), _BATCH, strict=False):
            orders = self._claimed(some, clock.rfc3339(now + LEASE), deadline)
            self._send(orders)
            swept += len(orders)
            if not deadline.allows(_CALLS * CALL_SECONDS):
                break
        for name in _AGES.values():
            metrics.seconds(name, 0)
        if swept:
            metrics.count("OrdersSwept", swept)
        return swept

    def _claimed(
        self, some: Sequence[DueOrder], until: str, deadline: Deadline
    ) -> list[ClaimedOrder]:
        claimed: list[ClaimedOrder] = []
        failed = 0
        for due in some:
            if not deadline.allows(_CALLS * CALL_SECONDS):
                break
            try:
                order = self._orders.claim(due, until=until)
            except Exception:
                # Also of an item that cannot be read, which must keep no other order waiting.
                failed += 1
                if failed == _FAILED_CLAIMS:
                    self._send(claimed)
                    raise
                logging.logger().exception("could not claim an order", extra={"order_id": due.id})
                continue
            failed = 0
            if order:
                age = self._now() - datetime.fromisoformat(order.updated_at)
                metrics.seconds(_AGES[order.status], age.total_seconds())
                claimed.append(order)
        return claimed

    def _send(self, orders: Sequence[ClaimedOrder]) -> None:
        if not orders:
            return
        answer = self._sqs.send_message_batch(
            QueueUrl=self._queue_url,
            Entries=[
                {"Id": str(place), "MessageBody": self._message(order)}
                for place, order in enumerate(orders)
            ],
        )
        for refused in answer.get("Failed", ()):
            # Due again when its claim ends.
            logging.logger().error("the queue refused a message: %s", refused["Code"])

    def _message(self, order: ClaimedOrder) -> str:
        due = Event(
            id=f"{order.id}.due",
            type=ORDER_DUE,
            aggregate_id=order.id,
            version=order.version,
            at=clock.rfc3339(self._now()),
            request_id=context.request_id(),
            data={},
        )
        return due.model_dump_json()
