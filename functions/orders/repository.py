"""Orders in DynamoDB.

    pk             sk
    ORDER#<id>     ORDER               the order
    ORDER#<id>     EVENT#<version>     its events (shared.messaging.outbox)
    ORDER#<id>     REFUND#<id>         its refunds (orders.refunds.repository)
    ORDER#<id>     RETURN#<id>         its returns (orders.returns.repository)
    COUNTERS       <number>            orders by status, without pending (shared.storage.counters)

An order has `due` and `due_at` only while something is left to do for it, so that their index is
small.

`status` is the key of an index, and has the order's shard behind it ("confirmed#3"; nothing in the
first shard: shared.storage.shards).
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched, chain, groupby, islice, takewhile
from typing import Final, Literal, cast

from orders.models import STATUSES, Order, Status
from orders.ports import ClaimedOrder, DueOrder, OrderExists
from shared.contracts.events import Event, EventType, OrderData
from shared.messaging import outbox
from shared.pages import Page
from shared.personal import personal_fields
from shared.storage import counters
from shared.storage.conflicts import ConcurrentChange
from shared.storage.due import due_items, due_mark
from shared.storage.dynamodb import (
    ConditionFailed,
    Item,
    Key,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
    assigning,
)
from shared.storage.items import difference, from_item, to_item
from shared.storage.shards import named, without_shard

_SK: Final = "ORDER"
# The sort keys of what may hold texts about the customer begin so.
_TEXTS: Final = "RE"
_LAST: Final = "~"  # sorts after every time
_MAX_BATCH: Final = 100  # DynamoDB's limit for reading items together
# Pending orders are counted when the totals are read. Orders are pending for seconds, so they are
# few, and to count them in the transaction would make the write of a new order a quarter more
# expensive.
_UNCOUNTED: Final[Status] = "pending"
_MAX_COUNTED: Final = 1000
# A worker may write these without a new version (`defer`): a writer that has not read them removes
# them too.
_WITHOUT_VERSION: Final = ("action", "action_until")
# An order without refunds has none of these: it costs no more than before there were refunds.
_OF_REFUNDS: Final = ("refunding_minor", "refunded_minor", "pending_refunds", "claimed")


class DynamoOrders:
    """`Orders` in the service's table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, order_id: str) -> Order | None:
        item = self._table.get(_key(order_id))
        return _order(item) if item else None

    def add(self, order: Order) -> None:
        write = Put(self._item(order), condition="attribute_not_exists(#pk)")
        try:
            self._table.transact([write, self._event_put(order)])
        except TransactionFailed as failure:
            raise OrderExists(_order(_existing(failure.failed[0]))) from failure

    def change(self, before: Order, after: Order) -> None:
        left: dict[str, int] = {} if before.status == _UNCOUNTED else {before.status: -1}
        counts = counters.adding(self._table, left | {after.status: 1})
        self._update(before, after, [self._event_put(after), counts])

    def record(
        self,
        before: Order,
        after: Order,
        type_: EventType,
        data: OrderData,
        others: Sequence[Operation],
    ) -> None:
        """Write a change that is no transition, its event, and other items of the order, all or
        nothing.

        Raises:
            ConcurrentChange: the stored order has another version than `before`.
        """
        event = outbox.recording(self._table, order_pk(after.id), _event(after, type_, data))
        self._update(before, after, [event, *others])

    def erase(self, before: Order, after: Order, *, texts: Mapping[str, str] | None = None) -> None:
        pk = order_pk(after.id)
        texts = dict(texts or {})
        erased = {name: getattr(after, name) for name in personal_fields(Order)} | texts
        rewritten: list[Operation] = [
            *outbox.rewriting(self._table, pk, erased, up_to=before.version),
            *self._overwriting(pk, texts),
        ]
        # The condition on the order's version says that no event and no text came after those that
        # were read. So what does not fit into its transaction may be written before.
        while len(rewritten) > _MAX_BATCH - 2:
            self._table.transact(rewritten[:_MAX_BATCH])
            del rewritten[:_MAX_BATCH]
        erasure = outbox.noting(pk, _event(after, "user.erased", after.data()))
        self._update(before, after, [erasure, *rewritten])

    def _overwriting(self, pk: str, texts: Mapping[str, str]) -> Iterator[Update]:
        """The operations that overwrite texts about the customer in refunds and returns."""
        begins = {"pk": pk, "prefix": _TEXTS}
        for item in self._table.iterate(
            "#pk = :pk AND begins_with(#sk, :prefix)", begins, consistent=True
        ):
            if found := {name: text for name, text in texts.items() if name in item}:
                yield Update({"pk": pk, "sk": item["sk"]}, assigning(found), values=found)

    def _update(self, before: Order, after: Order, others: list[Operation]) -> None:
        """Write what differs between two versions of the order, together with other operations. A
        claim may move `due_at` at the same version: it stays unless the two differ in it.
        """
        seen = dict.fromkeys(_WITHOUT_VERSION) | self._item(before)
        update, values = difference(seen, self._item(after))
        write = Update(
            _key(after.id),
            update,
            condition="#version = :seen",
            values={**values, "seen": before.version},
        )
        try:
            self._table.transact([write, *others])
        except TransactionFailed as failure:
            raise ConcurrentChange(_order(_existing(failure.failed[0]))) from failure

    def settle(self, order: Order) -> None:
        try:
            self._table.update(
                _key(order.id),
                "REMOVE #due, #due_at, #asks_at",
                condition="#version = :version",
                values={"version": order.version},
            )
        except ConditionFailed as failure:
            raise ConcurrentChange(_order(_existing(failure.item))) from failure

    def due(self, before: str) -> Iterator[DueOrder]:
        return map(_due, due_items(self._table, at="due_at", before=before))

    def claim(self, order: DueOrder, *, until: str) -> ClaimedOrder | None:
        key = _key(order.id)
        read = ("due_at", "status", "version", "updated_at", "action_until", "asks_at")
        item = self._table.get(key, only=read)
        is_claimed = item is not None and self._table.update_unseen(
            key,
            "SET #due_at = :until",
            condition="#due_at = :seen",
            values={"until": until, "seen": order.due_at},
        )
        if item is None or not is_claimed:
            return None
        return ClaimedOrder(
            order.id,
            _status(item),
            item["version"],
            item["updated_at"],
            item.get("action_until"),
            item.get("asks_at"),
        )

    def defer(self, order: Order, *, until: str) -> bool:
        stored = to_item(order)
        names = ("payment_id", "asks_at", *_WITHOUT_VERSION)
        values = {name: stored[name] for name in names if name in stored} | {"due_at": until}
        condition = "#due_at = :seen"
        seen: Item = {"seen": order.due_at}
        if order.action:
            # After an erasure the order does not get its secret back.
            condition += " AND #version = :version"
            seen["version"] = order.version
        return bool(order.due_at) and self._table.update_unseen(
            _key(order.id), assigning(values), condition=condition, values=values | seen
        )

    def report_slow(self, order_id: str) -> None:
        outbox.repeat(self._table, _key(order_id)["pk"], 1)

    def page(
        self, *, user_id: str | None, status: Status | None, after: str | None, limit: int
    ) -> Page[Order, str]:
        if user_id is not None and status:
            return self._page_of_user_in(status, user_id, after, limit)
        if user_id is not None:
            places = self._places("user", user_id, after, limit + 1)
        else:
            # One partition of all orders would take every write of the shop. The partitions of the
            # five statuses are merged instead, each read only as far as needed.
            by_status = [
                self._places("status", named(one, shard), after, limit + 1)
                for one in ((status,) if status else STATUSES)
                for shard in self._shards
            ]
            places = heapq.merge(*by_status, reverse=True)
        # An order that moves between two of the queries may be found twice.
        found = [place for place, _ in islice(groupby(places), limit + 1)]
        page = Page.cut(found, limit, str)
        return Page(self._get_all(page.items, status), page.last)

    def of_user(self, user_id: str) -> Iterator[Order]:
        places = self._places("user", user_id, None, _MAX_BATCH)
        yield from self._each(places, None)

    def count_unpaid(self, order: Order, *, since: str, most: int) -> int:
        newest = self._places("user", order.user_id, None, _MAX_BATCH)
        pending = self._each(takewhile(lambda place: place >= since, newest), "pending")
        # Another worker may just have stored that this order waits.
        others = (one for one in pending if one.action_until and one.id != order.id)
        return sum(1 for _ in islice(others, most))

    def history(self, order_id: str, *, after: int | None, limit: int) -> Page[Event, int]:
        pk = _key(order_id)["pk"]
        events = outbox.history(self._table, pk, after=after or 0, page_size=limit + 1)
        return Page.cut(list(islice(events, limit + 1)), limit, lambda event: event.version)

    def totals(self) -> dict[Status, int]:
        counted = counters.totals(self._table)
        pending = chain.from_iterable(
            self._places("status", named(_UNCOUNTED, shard), None, _MAX_COUNTED)
            for shard in self._shards
        )
        counted[_UNCOUNTED] = sum(1 for _ in islice(pending, _MAX_COUNTED))
        return {status: counted.get(status, 0) for status in STATUSES}

    def _page_of_user_in(
        self, status: Status, user_id: str, after: str | None, limit: int
    ) -> Page[Order, str]:
        """The user's orders in a status among the next 100 of the user's: the page may be short.

        The index does not have the status, because each change would write to the index as well.
        """
        found = self._places("user", user_id, after, _MAX_BATCH)
        places = list(islice(found, _MAX_BATCH))
        # Most pages are full after the first orders.
        matches = self._get_all(places[: limit + 1], status)
        if len(matches) <= limit:
            matches += self._get_all(places[limit + 1 :], status)
        if len(matches) > limit or len(places) < _MAX_BATCH:
            return Page.cut(matches, limit, lambda order: order.listed_at)
        return Page(matches, places[-1])

    def _places(
        self, by: Literal["user", "status"], value: str, after: str | None, page_size: int | None
    ) -> Iterator[str]:
        """The places in lists of a user's orders or of those in a shard of a status, newest
        first."""
        attribute = "user_id" if by == "user" else "status"
        items = self._table.iterate(
            f"#{attribute} = :value AND #placed < :after",
            {"value": value, "after": after or _LAST},
            index=f"by-{by}",
            page_size=page_size,
            forward=False,
        )
        return (item["placed"] for item in items)

    def _each(self, places: Iterator[str], status: Status | None) -> Iterator[Order]:
        """The orders at these places, or those in a status, each as it is now."""
        for batch in batched(places, _MAX_BATCH, strict=False):
            yield from self._get_all(batch, status, consistent=True)

    def _get_all(
        self, places: Sequence[str], status: Status | None, *, consistent: bool = False
    ) -> list[Order]:
        """The orders at these places, in this order, without those in another status."""
        keys = {place: _key(place.partition("#")[2]) for place in places}
        found = self._table.get_many(list(keys.values()), consistent=consistent)
        items = {item["placed"]: item for item in found}
        orders = [_order(items[place]) for place in places if place in items]
        # An index is updated later than the orders: it may still have an order under its earlier
        # status.
        return [order for order in orders if status in (None, order.status)]

    @property
    def _shards(self) -> range:
        return range(self._table.shards)

    def _event_put(self, order: Order) -> Operation:
        """Writes the event of the transition to this order."""
        event = _event(order, order.event_type, order.data())
        return outbox.recording(self._table, order_pk(order.id), event)

    def _item(self, order: Order) -> Item:
        number = int(order.id, 16)
        item = {
            **_key(order.id),
            **to_item(order, omit=("id",)),
            "status": named(order.status, number % self._table.shards),
            # The previous release reads it from every order.
            "cancel_reason": order.cancel_reason,
            "total_minor": order.total_minor,
            "placed": order.listed_at,
        }
        for name in _OF_REFUNDS:
            if not item[name]:
                del item[name]
        if order.due_at:
            item["due"] = due_mark(self._table, number)
        return item


def order_pk(order_id: str) -> str:
    """The partition of an order and of what belongs to it."""
    return f"ORDER#{order_id}"


def _key(order_id: str) -> Key:
    return {"pk": order_pk(order_id), "sk": _SK}


def _id(item: Item) -> str:
    return str(item["pk"]).removeprefix("ORDER#")


def _event(order: Order, type_: EventType, data: OrderData) -> Event:
    return outbox.event(
        type_,
        aggregate_id=order.id,
        version=order.version,
        at=order.updated_at,
        data=data.model_dump(mode="json"),
    )


def _existing(item: Item | None) -> Item:
    assert item is not None, "orders are never deleted"
    return item


def _due(item: Item) -> DueOrder:
    return DueOrder(_id(item), item["due_at"])


def _status(item: Item) -> Status:
    """The item's status; a later release may have others."""
    return cast("Status", without_shard(item["status"]))


def _order(item: Item) -> Order:
    return from_item(Order, item, id=_id(item), status=_status(item))
