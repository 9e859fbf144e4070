"""The reconciliation of recent orders: their stock, their money, their events and notifications."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import batched, pairwise
from typing import Final

from operations.reconciliation.models import Books, Finding, repeated
from operations.reconciliation.ports import Records
from operations.reconciliation.rules import (
    ORDER_RULES,
    events_without_a_notification,
    findings,
)
from orders.payments.ports import Charge, PaymentRecords
from shared.calls.deadline import Deadline
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock
from shared.storage.dynamodb import Item

# A run each day: so each order is compared while it is fresh, and once more.
SINCE: Final = timedelta(days=2)
# What is under way disagrees: orders wait for services, e-mails for a second attempt. After this
# time it is late.
PATIENCE: Final = timedelta(hours=1)
# Between an order's last change and its notification.
GRACE: Final = timedelta(minutes=2)
_BATCH: Final = 100
# For a batch with all its calls; several seconds at a provider that lists slowly.
_BATCH_SECONDS: Final = 60.0


class Reconciliation:
    """Compares the orders of the last two days. It changes nothing."""

    def __init__(self, records: Records, payments: PaymentRecords, now: Clock = clock.now) -> None:
        self._records = records
        self._payments = payments
        self._now = now

    def run(self, deadline: Deadline) -> int:
        """Log what disagrees, emit how much it is, and return it.

        Raises:
            NotFinished: there are more orders than the deadline allows. The oldest were compared.
        """
        number = 0
        try:
            for finding in self._recent(deadline):
                logging.logger().error("disagreement: %s", finding.text)
                number += 1
        finally:
            if number:
                metrics.count("Disagreements", number)
        return number

    def _recent(self, deadline: Deadline) -> Iterator[Finding]:
        now = self._now()
        since = now - SINCE
        placed = self._records.placed(clock.rfc3339(since), clock.rfc3339(now))
        batches = list(batched(placed, _BATCH, strict=False))
        # Each batch has the payments from its first order to that of the next one.
        begins = [datetime.fromisoformat(batch[0][0]) for batch in batches[1:]]
        for number, (batch, span) in enumerate(
            zip(batches or [()], pairwise([since, *begins, now]), strict=True)
        ):
            if not deadline.allows(_BATCH_SECONDS):
                raise NotFinished(f"{len(placed) - number * _BATCH} orders were not compared")
            yield from self._confirmed([id_ for _, id_ in batch], *span)
        logging.logger().info("compared %s orders", len(placed))

    def _confirmed(self, ids: Sequence[str], since: datetime, until: datetime) -> list[Finding]:
        """What disagrees in two readings."""
        found = self._compared(ids, since, until)
        if not found:
            return []
        return repeated(found, self._compared(ids, since, until))

    def _compared(self, ids: Sequence[str], since: datetime, until: datetime) -> list[Finding]:
        books = self._records.books(ids)
        charges = [_charge(id_, order) for id_, order in books.orders.items()]
        recorded = {
            record.key: asdict(record)
            for record in self._payments.recorded(charges, since=since, until=until)
        }
        others = self._records.existing(recorded.keys() - books.orders.keys())
        payments = {key: record for key, record in recorded.items() if key not in others}
        return findings(at_rest(replace(books, payments=payments), self._now()), *ORDER_RULES)


class NotFinished(Exception):
    """There was no time to compare all orders."""


def at_rest(
    books: Books, now: datetime, *, patience: timedelta = PATIENCE, grace: timedelta = GRACE
) -> Books:
    """The books without what is under way and not late."""
    late, quiet = clock.rfc3339(now - patience), clock.rfc3339(now - grace)
    busy = {id_ for id_, order in books.orders.items() if _is_open(order)}
    busy |= {id_.partition(".")[0] for id_ in books.unsent}
    busy |= {str(one.get("order_id")) for one in books.notifications if one["status"] == "pending"}
    busy |= {event.aggregate_id for event in events_without_a_notification(books)}

    def rests(id_: str, order: Item) -> bool:
        # The customer acts, or the provider processes a refund.
        waits = (order.get("action_until") or "", order.get("asks_at") or "")
        changed = max(order["updated_at"], *waits)
        return bool(changed < (late if id_ in busy else quiet))

    orders = {id_: order for id_, order in books.orders.items() if rests(id_, order)}
    moving = books.orders.keys() - orders.keys()

    def of_others(items: Mapping[str, Item]) -> dict[str, Item]:
        return {n: one for n, one in items.items() if one["pk"].partition("#")[2] not in moving}

    written = {event.id: event.at for events in books.events.values() for event in events}
    return replace(
        books,
        orders=orders,
        reservations={
            id_: one
            for id_, one in of_others(books.reservations).items()
            # A request may be about to write the order.
            if id_ in orders or one["updated_at"] < late
        },
        payments={id_: one for id_, one in books.payments.items() if id_ not in moving},
        refunds=of_others(books.refunds),
        returns=of_others(books.returns),
        notifications=[
            one
            for one in books.notifications
            if one["status"] != "pending" or one["created_at"] < late
        ],
        unsent=[id_ for id_ in books.unsent if written[id_] < late],
    )


def _is_open(order: Item) -> bool:
    return order["status"] == "pending" or "due_at" in order


def _charge(id_: str, order: Item) -> Charge:
    return Charge(id_, order["total_minor"], order["currency"], "", order.get("payment_id"))
