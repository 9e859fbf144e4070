"""Reservations, and the stock that they move."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from products.errors import BooksBroken, Overtaken
from products.models import Pool, Product, Reservation, is_product_id
from products.repository.items import PRODUCT_SK, product_key, stamp, to_product
from shared import clock, counters
from shared.contracts.inventory import PricedLine
from shared.dynamodb import (
    ConditionFailed,
    Item,
    Key,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
)

_INDEX: Final = "due"
_SHARDS: Final = 4
_DUE_AT_ONCE: Final = 100  # of each shard
# A late reserve meets a tombstone for longer than any function or queue could keep it. What is sold is kept for
# ever, for the order may be cancelled at any time.
_RELEASED_KEPT: Final = timedelta(days=30)
_ATTEMPTS: Final = 4


class DynamoReservations:
    """Reservations in DynamoDB.

    A reservation and the units that it moves change in one transaction, on the condition that the reservation is in
    the state that was read: so each step is done once, whoever asks for it and how often.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, order_id: str) -> Reservation | None:
        item = self._table.get(_key(order_id))
        return _to_reservation(item) if item else None

    def look_up(
        self, order_id: str, product_ids: Iterable[str]
    ) -> tuple[Reservation | None, Mapping[str, Product]]:
        keys = [product_key(id_) for id_ in product_ids if is_product_id(id_)]
        items = self._table.get_many([_key(order_id), *keys], consistent=True)
        products = {item["id"]: to_product(item) for item in items if item["sk"] == PRODUCT_SK}
        found = [_to_reservation(item) for item in items if item["sk"] != PRODUCT_SK]
        return (found[0] if found else None), products

    def settle(self, before: Reservation | None, after: Reservation, *, at: datetime) -> None:
        if before and before.pool == after.pool:
            self._put(before, after, at)
            return
        # Units of withdrawn products come back too, but not into the total of what is on sale. Few are withdrawn:
        # which ones is learnt from the transaction's failure.
        withdrawn: frozenset[str] = frozenset()
        for _ in range(_ATTEMPTS):
            try:
                self._table.transact(_settling(before, after, at, withdrawn))
                return
            except TransactionFailed as failure:
                if before is None or 0 in failure.failed:
                    raise Overtaken from failure
                withdrawn ^= _misjudged(after.lines, withdrawn, failure)
        raise Overtaken

    def _put(self, before: Reservation, after: Reservation, at: datetime) -> None:
        """Only the reservation, and at half the price."""
        write = _writing(before, after, at)
        try:
            self._table.put(write.item, condition=write.condition, values=write.values)
        except ConditionFailed as failure:
            raise Overtaken from failure

    def due(self, at: datetime) -> list[str]:
        items: list[Item] = []
        for shard in range(_SHARDS):
            page = self._table.query(
                "#due = :shard AND #expires_at < :now",
                {"shard": str(shard), "now": clock.rfc3339(at)},
                index=_INDEX,
                limit=_DUE_AT_ONCE,
            )
            items += page.items
        items.sort(key=lambda item: str(item["expires_at"]))
        return [str(item["pk"]).partition("#")[2] for item in items]


def _settling(
    before: Reservation | None, after: Reservation, at: datetime, withdrawn: frozenset[str]
) -> list[Operation]:
    source: Pool = before.pool if before else "available"
    operations: list[Operation] = [_writing(before, after, at)]
    operations += [
        _moving(line, source, after.pool, at, is_active=line.product_id not in withdrawn)
        for line in after.lines
    ]
    on_sale = sum(line.quantity for line in after.lines if line.product_id not in withdrawn)
    if on_sale:
        sign = -1 if source == "available" else 1
        operations.append(counters.adding({"total_stock": sign * on_sale}))
    return operations


def _writing(before: Reservation | None, after: Reservation, at: datetime) -> Put:
    item = _to_item(after, at)
    if before is None:
        return Put(item, condition="attribute_not_exists(#pk)")
    return Put(item, condition="#state = :seen", values={"seen": before.state})


def _moving(
    line: PricedLine, source: Pool, target: Pool, at: datetime, *, is_active: bool
) -> Update:
    """Move a line's units from one of the product's counters to the other. Neither ever goes below zero."""
    condition = f"#{source} >= :quantity AND #is_active = :is_active"
    values: dict[str, Any] = {
        "quantity": line.quantity,
        "one": 1,
        "is_active": is_active,
        **stamp(clock.rfc3339(at)),
    }
    if source == "available":
        condition += " AND #price_minor = :price_minor"
        values["price_minor"] = line.unit_price_minor
    return Update(
        product_key(line.product_id),
        f"SET #{source} = #{source} - :quantity, #{target} = #{target} + :quantity,"
        " #version = #version + :one, #updated_at = :updated_at, #request_id = :request_id",
        condition=condition,
        values=values,
    )


def _misjudged(
    lines: tuple[PricedLine, ...], withdrawn: frozenset[str], failure: TransactionFailed
) -> frozenset[str]:
    """The products that are on sale though they were taken for withdrawn, or the reverse."""
    misjudged = set()
    for place, item in failure.failed.items():
        product_id = lines[place - 1].product_id
        if item is None or item["is_active"] == (product_id not in withdrawn):
            raise BooksBroken(f"product {product_id} lacks units of a reservation") from failure
        misjudged.add(product_id)
    return frozenset(misjudged)


def _key(order_id: str) -> Key:
    return {"pk": f"RESERVATION#{order_id}", "sk": "RESERVATION"}


def _to_item(reservation: Reservation, at: datetime) -> Item:
    item: Item = {
        **_key(reservation.order_id),
        "state": reservation.state,
        "lines": [line.model_dump() for line in reservation.lines],
        "expires_at": reservation.expires_at,
        "updated_at": clock.rfc3339(at),
    }
    match reservation.state:
        case "held":
            item["due"] = _shard(reservation.order_id)
        case "released":
            item["ttl"] = clock.epoch(at + _RELEASED_KEPT)
        case "confirmed":
            pass
    return item


def _shard(order_id: str) -> str:
    """One of the partitions over which the index is spread."""
    return str(sum(order_id.encode()) % _SHARDS)


def _to_reservation(item: Item) -> Reservation:
    return Reservation(
        order_id=item["pk"].partition("#")[2],
        state=item["state"],
        lines=tuple(PricedLine.model_validate(line) for line in item["lines"]),
        expires_at=item["expires_at"],
    )
