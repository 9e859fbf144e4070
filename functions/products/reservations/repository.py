"""Reservations in DynamoDB, and the stock that they move (keys: products.catalogue.repository)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from products.catalogue.models import Product
from products.catalogue.repository.items import (
    PRODUCT_SK,
    is_product_id,
    product_key,
    read_product,
    stamp,
)
from products.catalogue.repository.shares import SPREADING, Shares, Spreading
from products.catalogue.repository.shares import moving as moving_in_share
from products.catalogue.repository.stock import StockStep, stock_step
from products.reservations.models import Reservation
from products.reservations.ports import Due, StockMismatch
from shared.contracts.inventory import PricedLine
from shared.runtime import clock
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
    TransactionContended,
    TransactionFailed,
    Update,
    assigning,
)
from shared.storage.items import from_item, to_item

# Longer than any function or queue could delay a reserve command, which must find the tombstone. A
# confirmed reservation does not expire, because its order may be cancelled at any time.
_RELEASED_KEPT: Final = timedelta(days=30)
_RELEASE_ATTEMPTS: Final = 4
_MAX_OPERATIONS: Final = 100  # DynamoDB's limit for a transaction

type _Place = tuple[PricedLine, str]
"""A line, and the share that its units were taken from; "" is the product's own item."""


class DynamoReservations:
    """Reservations in DynamoDB.

    A reservation and the units that it moves change in one transaction, on the condition that the
    reservation is in the state that was read. So each step is done once, however often it is
    retried.
    """

    def __init__(
        self,
        table: Table,
        *,
        low_stock_threshold: int = 0,
        spreading: Spreading = SPREADING,
    ) -> None:
        self._table = table
        self._threshold = low_stock_threshold
        self._shares = Shares(table, threshold=low_stock_threshold, spreading=spreading)

    def find(self, order_id: str) -> Reservation | None:
        item = self._table.get(_key(order_id))
        return _reservation(item) if item else None

    def look_up(
        self, order_id: str, product_ids: Iterable[str]
    ) -> tuple[Reservation | None, Mapping[str, Product]]:
        wanted = [id_ for id_ in product_ids if is_product_id(id_)]
        known = self._shares.known(wanted)
        keys = [product_key(id_) for id_ in wanted if id_ not in known]
        items = self._table.get_many([_key(order_id), *keys], consistent=True)
        products = {item["id"]: read_product(item) for item in items if item["sk"] == PRODUCT_SK}
        self._shares.remember(products.values())
        found = [_reservation(item) for item in items if item["sk"] != PRODUCT_SK]
        return (found[0] if found else None), known | products

    def hold(self, reservation: Reservation, seen: Mapping[str, Product], *, at: datetime) -> None:
        products = [seen[line.product_id] for line in reservation.lines]
        shares = self._shares.chosen(products, at=at)
        if any(shares):
            reservation = replace(reservation, shares=tuple(shares))
        operations: list[Operation] = [_writing(self._table, reservation, at)]
        events: list[Operation] = []
        for product, (line, share) in zip(products, reservation.places, strict=True):
            if share:
                operations.append(moving_in_share(line, share, "available", "taken", at))
                continue
            after = product.restocked(-line.quantity, at=at)
            step = stock_step(self._table, product, after, self._threshold)
            operations.append(_holding(line, step, at))
            events += [step.event] if step.event else []
        held = sum(line.quantity for line in reservation.lines)
        operations += [counters.adding(self._table, {"total_stock": -held}), *events]
        waits = {place: self._shares.patience(product) for place, product in enumerate(products, 1)}
        patience = {place: conflicts for place, conflicts in waits.items() if conflicts}
        try:
            self._table.transact(operations[:_MAX_OPERATIONS], patience=patience)
        except TransactionContended as contended:
            for place in contended.places:
                self._shares.conflicted(products[place - 1], at=at)
            raise ConcurrentChange from contended
        except TransactionFailed as failure:
            for place in failure.failed.keys() & waits.keys():
                quantity = reservation.lines[place - 1].quantity
                self._shares.refused(products[place - 1], quantity, failure.failed[place], at=at)
            raise ConcurrentChange from failure
        # If more than 48 products run low at once, the last one or two events are not in the
        # transaction.
        if operations[_MAX_OPERATIONS:]:
            self._table.transact(operations[_MAX_OPERATIONS:])

    def settle(self, before: Reservation | None, after: Reservation, *, at: datetime) -> None:
        if before is None or after.state != "released":
            self._write(before, after, at)
        else:
            places = [(line, share) for line, share in after.places if line.quantity]
            self._make_available(_changing(before, after, at), places, at)

    def give_back(self, before: Reservation, after: Reservation, *, at: datetime) -> None:
        places = [
            (line.model_copy(update={"quantity": line.quantity - kept.quantity}), share)
            for (line, share), kept in zip(before.places, after.lines, strict=True)
            if line.quantity > kept.quantity
        ]
        self._make_available(_giving_back(before, after, at), places, at)

    def _make_available(self, change: Update, places: list[_Place], at: datetime) -> None:
        """Change a reservation and make these of its units available."""
        # Units of withdrawn products become available too, but do not count in the total of those
        # on sale. Few products are withdrawn, so a failed transaction says which ones.
        withdrawn: frozenset[str] = frozenset()
        for _ in range(_RELEASE_ATTEMPTS):
            try:
                self._table.transact(_releasing(self._table, change, places, at, withdrawn))
                return
            except TransactionFailed as failure:
                if 0 in failure.failed:
                    raise ConcurrentChange from failure
                gone = {place for place in failure.failed if places[place - 1][1]}
                withdrawn ^= _misjudged(places, withdrawn, failure, gone)
                # The units of a share that is gone are in the product's item.
                places = [
                    (line, "" if place in gone else share)
                    for place, (line, share) in enumerate(places, 1)
                ]
        raise ConcurrentChange

    def _write(self, before: Reservation | None, after: Reservation, at: datetime) -> None:
        """Write only the reservation, which costs half as much as a transaction."""
        try:
            if before is None:
                write = _writing(self._table, after, at)
                self._table.put(write.item, condition=write.condition)
            else:
                step = _changing(before, after, at)
                self._table.update(
                    step.key, step.update, condition=step.condition, values=step.values
                )
        except ConditionFailed as failure:
            raise ConcurrentChange from failure

    def due(self, at: datetime) -> Iterator[Due]:
        for item in due_items(self._table, at="expires_at", before=clock.rfc3339(at)):
            kind, _, id_ = item["pk"].partition("#")
            yield Due(kind, id_)

    def look_after(self, product_id: str, *, at: datetime) -> None:
        self._shares.look_after(product_id, at=at)


def _writing(table: Table, reservation: Reservation, at: datetime) -> Put:
    """The operation that writes a new reservation."""
    return Put(_item(table, reservation, at), condition="attribute_not_exists(#pk)")


def _changing(before: Reservation, after: Reservation, at: datetime) -> Update:
    """The operation that writes a reservation's next state, `confirmed` or `released`."""
    values: Item = {"state": after.state, "updated_at": clock.rfc3339(at)}
    if after.state == "released":
        values["ttl"] = clock.epoch(at + _RELEASED_KEPT)
    condition, seen = _unchanged(before)
    return Update(
        _key(after.order_id),
        assigning(values) + " REMOVE #due",
        condition=condition,
        values=values | seen,
    )


def _giving_back(before: Reservation, after: Reservation, at: datetime) -> Update:
    """The operation that writes a reservation with fewer units."""
    written = to_item(after)
    values: Item = {name: written[name] for name in ("lines", "given_back")}
    values["updated_at"] = clock.rfc3339(at)
    condition, seen = _unchanged(before)
    return Update(
        _key(after.order_id), assigning(values), condition=condition, values=values | seen
    )


def _unchanged(before: Reservation) -> tuple[str, Item]:
    """The condition that a reservation is as it was read, and its values. Units are given back of
    sold ones only: for the others the state says it."""
    seen: Item = {"seen": before.state}
    if before.given_back:
        condition = "#state = :seen AND #given_back = :seen_given_back"
        return condition, seen | {"seen_given_back": list(before.given_back)}
    if before.state == "confirmed":
        return "#state = :seen AND attribute_not_exists(#given_back)", seen
    return "#state = :seen", seen


def _holding(line: PricedLine, step: StockStep, at: datetime) -> Update:
    return _moving(
        line,
        "available",
        "taken",
        at,
        condition=f"{step.condition} AND #is_active = :is_active AND #price_minor = :price_minor",
        values={**step.values, "is_active": True, "price_minor": line.unit_price_minor},
    )


def _releasing(
    table: Table, change: Update, places: list[_Place], at: datetime, withdrawn: frozenset[str]
) -> list[Operation]:
    operations: list[Operation] = [change]
    operations += [
        moving_in_share(line, share, "taken", "available", at)
        if share
        else _moving(
            line,
            "taken",
            "available",
            at,
            condition="#taken >= :quantity AND #is_active = :is_active",
            values={"is_active": line.product_id not in withdrawn},
        )
        for line, share in places
    ]
    on_sale = sum(line.quantity for line, _ in places if line.product_id not in withdrawn)
    if on_sale:
        operations.append(counters.adding(table, {"total_stock": on_sale}))
    return operations


def _moving(
    line: PricedLine,
    source: str,
    target: str,
    at: datetime,
    *,
    condition: str,
    values: Mapping[str, Any],
) -> Update:
    """Move a line's units from one counter of the product to the other; neither goes below zero."""
    return Update(
        product_key(line.product_id),
        f"SET #{source} = #{source} - :quantity, #{target} = #{target} + :quantity,"
        " #version = #version + :one, #updated_at = :updated_at, #request_id = :request_id",
        condition=condition,
        values={**values, "quantity": line.quantity, "one": 1, **stamp(clock.rfc3339(at))},
    )


def _misjudged(
    places: list[_Place],
    withdrawn: frozenset[str],
    failure: TransactionFailed,
    gone: Collection[int],
) -> frozenset[str]:
    """The products that are on sale but were taken for withdrawn, or the reverse; those at places
    whose shares are gone were not taken for either."""
    misjudged = set()
    for place, item in failure.failed.items():
        if place in gone:
            continue
        product_id = places[place - 1][0].product_id
        if item is None or item["is_active"] == (product_id not in withdrawn):
            raise StockMismatch(
                f"product {product_id} has fewer taken units than its reservation"
            ) from failure
        misjudged.add(product_id)
    return frozenset(misjudged)


def _key(order_id: str) -> Key:
    return {"pk": f"RESERVATION#{order_id}", "sk": "RESERVATION"}


def _item(table: Table, reservation: Reservation, at: datetime) -> Item:
    item = {
        **_key(reservation.order_id),
        **to_item(reservation, omit=("order_id", "given_back")),
        "updated_at": clock.rfc3339(at),
    }
    if reservation.state == "held":
        return {**item, "due": due_mark(table, sum(reservation.order_id.encode()))}
    return {**item, "ttl": clock.epoch(at + _RELEASED_KEPT)}


def _reservation(item: Item) -> Reservation:
    return from_item(Reservation, item, order_id=item["pk"].partition("#")[2])
