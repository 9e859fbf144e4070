"""What is promised of an outage: it costs time and nothing else."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tests.outages.load import Load
from tests.simulation.faults import Fault, Outage, Target
from tests.support.books import Books
from tests.support.invariants import DOUBLED, breaches

DEADLINE_SECONDS: Final = 600
# Of an order whose customer has to act: the template's parameter PaymentActionMinutes.
_ACTION_SECONDS: Final = 1800
GRACE_SECONDS: Final = 120
# Environments' clocks are off by two seconds each.
_CLOCKS_SECONDS: Final = 5
# Two ticks of the schedule and what they take.
_SHORTEST_DRAIN_SECONDS: Final = 180
# An e-mail without an answer is sent once more after a quarter of an hour.
_LETTER_SECONDS: Final = 17 * 60
# The checkout queue's visibility timeout: when a message that cannot be sent again is redelivered.
_VISIBILITY_SECONDS: Final = 360
# An order that waits for nothing: without its event the sweeper finds it in its next two ticks.
_UNDISTURBED_SECONDS: Final = 180
_MOST_COPIES: Final = 2
_OWN_DECISIONS: Final = {"customer_request", "admin_request", "payment_declined"}
_COPIES: Final = re.compile(rf"{DOUBLED}.* was handed over (\d+) times for (\d+) events")


def when(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _is_needed_to_end(target: Target) -> bool:
    """Whether no order can end without it, be it by its deadline: the orders table, and what brings
    messages to the saga."""
    return target.about in ("OrdersTable", "CheckoutQueue") and target.service != "stream"


def _is_needed_to_go_on(target: Target) -> bool:
    """Whether the saga of an order that was placed calls it."""
    is_inventory = target.about == "ProductsTable" or "ProductsInventory" in target.about
    return _is_needed_to_end(target) or is_inventory or target.service == "payments"


def _is_needed_to_place(target: Target) -> bool:
    """Whether a request to order needs it, or one to log in."""
    return target.service in ("kms", "lambda") or (
        target.service == "dynamodb" and target.about != "NotificationsTable"
    )


def _may_give_up(queue: str, target: Target) -> bool:
    """Whether dead letters are allowed: it is unknown whether an e-mail was taken, and an operator
    decides."""
    return queue == "NotificationsQueue" and (
        target.service == "sesv2" or target.about == "NotificationsTable"
    )


@dataclass
class Judge:
    """Judges what became of an outage once everything is over.

    Args:
        drained_at: when the last work was done, None if it never was.
        given_up: how many dead letters of each queue an operator has moved back.
    """

    load: Load
    outage: Outage
    books: Books
    drained_at: float | None
    given_up: Mapping[str, int]

    def breaches(self) -> Iterator[str]:
        """A sentence for each promise that was broken."""
        yield from self._invariants()
        yield from self._orders()
        yield from self._backlog()
        yield from self._clients()
        yield from self._alarms()

    def _invariants(self) -> Iterator[str]:
        # Dead letters that an operator moves back are sent anew.
        most = _MOST_COPIES * (2 if self.given_up["NotificationsQueue"] else 1)
        for breach in breaches(self.books, self.load.shop.witness):
            if copies := _COPIES.search(breach):
                # The events of an erased recipient do not name the recipient any more.
                is_erased = f"to={self.load.leaving.user['email']!r}" in breach
                if int(copies[1]) <= most * max(int(copies[2]), is_erased):
                    continue
            yield breach
        for queue, number in self.given_up.items():
            if number and not _may_give_up(queue, self.outage.target):
                yield f"{number} dead letters of {queue}"

    def _orders(self) -> Iterator[str]:
        outage = self.outage
        for id_, order in self.books.orders.items():
            placed = when(order["created_at"])
            ended = self._ended_at(id_)
            reason = order.get("cancel_reason")
            deadlines = self._deadlines(id_)
            is_excused = any(
                outage.begin <= placed + deadline <= outage.end + _CLOCKS_SECONDS
                for deadline in deadlines
            )
            if reason and reason not in _OWN_DECISIONS and not is_excused:
                yield (
                    f"an order of {placed - outage.begin:.0f} s was cancelled ({reason}) for an"
                    f" outage that was over at {outage.end - outage.begin:.0f} s"
                )
            if ended is None:
                # The invariants say so.
                continue
            latest = placed + deadlines[-1] + GRACE_SECONDS
            if _is_needed_to_end(outage.target):
                latest = max(latest, outage.end + GRACE_SECONDS + self._length)
            elif not _is_needed_to_go_on(outage.target):
                latest = placed + _UNDISTURBED_SECONDS
            if ended > latest + _CLOCKS_SECONDS:
                yield (
                    f"an order of {placed - outage.begin:.0f} s ended ({order['status']}) after"
                    f" {ended - placed:.0f} s"
                )

    def _deadlines(self, order_id: str) -> list[int]:
        """Seconds from placing the order. The provider may have asked for an action that the saga
        does not know of."""
        entries = self.books.payments.get(order_id, {}).get("entries", [])
        return [DEADLINE_SECONDS, *([_ACTION_SECONDS] if "action_required" in entries else [])]

    @property
    def _length(self) -> float:
        return self.outage.end - self.outage.begin

    def _ended_at(self, order_id: str) -> float | None:
        ends = [
            when(fact.at)
            for fact in self.books.events.get(order_id, [])
            if fact.type in ("order.confirmed", "order.cancelled")
        ]
        return min(ends, default=None)

    def _backlog(self) -> Iterator[str]:
        allowed = max(2 * self._length, _SHORTEST_DRAIN_SECONDS)
        if self.outage.target.service == "sesv2":
            allowed = max(allowed, _LETTER_SECONDS)
        if self.outage.target.service == "sqs":
            allowed = max(allowed, _VISIBILITY_SECONDS)
        if self.drained_at is None:
            yield "the backlog never drained"
        elif self.drained_at > self.outage.end + allowed:
            yield f"the backlog drained {self.drained_at - self.outage.end:.0f} s after the outage"

    def _clients(self) -> Iterator[str]:
        if not _is_needed_to_place(self.outage.target) or self.outage.fault is Fault.STALE:
            for what, number in Counter(what for _, what in self.load.gave_up).items():
                yield f"{number} clients could not {what}"

    def _alarms(self) -> Iterator[str]:
        for name in self.load.watch.breaching():
            yield f"{name} still rings"
