"""Due orders: their message was lost or not handled in time, and the sweeper sends the checkout a
new message for each.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Final

from orders.models import LEASE, Order, compensation_age, saga_age
from orders.ports import ClaimedOrder, DueOrder, Orders
from shared.calls.deadline import Deadline
from shared.contracts.events import Event
from shared.runtime import clock, logging, metrics
from shared.runtime.aws import is_temporary
from shared.runtime.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ORDER_DUE: Final = "order.due"
CALL_SECONDS: Final = 4.0  # the longest time of a call with all its attempts
# The calls for an order: the next page of the index, its status, its claim, its event, the batch
# with its message.
_CALLS: Final = 5
_BATCH: Final = 10  # SQS's limit for one call
_FAILED_CLAIMS: Final = 3  # in a row: further claims would fail as slowly


@contextmanager
def superseded_message(event: Event) -> Iterator[None]:
    """Finish an `order.due` whose handling failed temporarily, once its claim has expired.

    The sweeper sends another message then. If this message waited as well, an outage would add one
    message for each claim.
    """
    try:
        yield
    except Exception as cause:
        has_expired = clock.now() >= datetime.fromisoformat(event.at) + LEASE
        if not (is_temporary(cause) and has_expired):
            raise
        logging.logger().warning("left to the sweeper", exc_info=True)


def report_slow(orders: Orders, order: Order | ClaimedOrder) -> None:
    """Have the customer of a pending order told that it is slow. If that fails, the order's next
    message or claim does it."""
    # An order whose customer has been erased has another version.
    if order.status != "pending" or order.version != 1:
        return
    try:
        orders.report_slow(order.id)
    except Exception:  # noqa: BLE001  # the saga goes on without it
        logging.logger().exception("could not report a slow order")


class DueOrderSweep:
    """Sends the checkout a message for each due order, beginning with the order that has been due
    for the longest time.

    An order is claimed first: its `due_at` moves past the message's time. If the message is lost,
    the order is due again.
    """

    def __init__(
        self, orders: Orders, sqs: "SQSClient", queue_url: str, now: Clock = clock.now
    ) -> None:
        self._orders = orders
        self._sqs = sqs
        self._queue_url = queue_url
        self._now = now

    def run(self, deadline: Deadline) -> int:
        """Send the messages, as many as the deadline allows; return how many orders were due.

        Emits the ages of the claimed orders.
        """
        now = self._now()
        sent = 0
        for batch in batched(self._orders.due(clock.rfc3339(now)), _BATCH, strict=False):
            orders = self._claim(batch, clock.rfc3339(now + LEASE), deadline)
            self._send(orders)
            sent += len(orders)
            if not deadline.allows(_CALLS * CALL_SECONDS):
                break
        if sent:
            metrics.count("OrdersSwept", sent)
        return sent

    def _claim(
        self, batch: Sequence[DueOrder], until: str, deadline: Deadline
    ) -> list[ClaimedOrder]:
        claimed: list[ClaimedOrder] = []
        failed = 0
        for due in batch:
            if not deadline.allows(_CALLS * CALL_SECONDS):
                break
            try:
                order = self._orders.claim(due, until=until)
            except Exception:
                # Also for an item that cannot be read: the other orders of the batch are claimed.
                failed += 1
                if failed == _FAILED_CLAIMS:
                    self._send(claimed)
                    raise
                logging.logger().exception("could not claim an order", extra={"order_id": due.id})
                continue
            failed = 0
            if order:
                if order.status == "pending":
                    age = saga_age(order.updated_at, order.action_until, self._now())
                    metrics.seconds("OrderAge", age.total_seconds())
                else:
                    age = compensation_age(order.updated_at, order.asks_at, self._now())
                    metrics.seconds("CompensationAge", age.total_seconds())
                claimed.append(order)
                report_slow(self._orders, order)
        return claimed

    def _send(self, orders: Sequence[ClaimedOrder]) -> None:
        if not orders:
            return
        answer = self._sqs.send_message_batch(
            QueueUrl=self._queue_url,
            Entries=[
                {"Id": str(index), "MessageBody": self._message(order)}
                for index, order in enumerate(orders)
            ],
        )
        for refused in answer.get("Failed", ()):
            # The order is due again when its claim expires.
            logging.logger().error("the queue refused a message: %s", refused["Code"])

    def _message(self, order: ClaimedOrder) -> str:
        due = Event(
            id=f"{order.id}.due",
            type=ORDER_DUE,
            aggregate_id=order.id,
            version=order.version,
            at=clock.rfc3339(self._now()),
            request_id=logging.request_id(),
            data={},
        )
        return due.model_dump_json()
