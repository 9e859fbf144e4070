"""The stock of a product in many items, while more buyers want it than one item serves.

pk                             sk     what
STOCK#<product>#<spread>#<n>   STOCK  a share: available and taken units, and how often they moved

A transaction holds the items that it writes, so one item takes about 80 of them a second. If buyers
wait for each other, the product is spread: its available units move into shares, and a reservation
takes each line from one of them. When the shares run out or the rush is over, they are gathered:
the product's item has all units again. Each move is one transaction, so a unit is in one place.

- While a product is spread, an admin changes nothing of it but adds units: other changes gather it
  first. A share that exists therefore proves that the product is as it was read, and environments
  use for half a second what they have read: one item cannot be read 5,000 times a second.
- The product's item keeps as many units as the low-stock threshold. So shares are sold to the last
  unit without crossing it, and the product's item decides on the last units and reports them.
- A share's key is used once. If it is gone, what was taken from it is in the product's item.
"""

import random
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from products.catalogue.models import Product, Spread
from products.catalogue.ports import CONFLICT_ATTEMPTS
from products.catalogue.repository.items import product_key, read_product
from shared.contracts.inventory import PricedLine
from shared.errors import Contended
from shared.runtime import clock
from shared.storage import counters
from shared.storage.conflicts import ConcurrentChange, retry_on_conflict
from shared.storage.due import due_mark
from shared.storage.dynamodb import (
    Delete,
    Item,
    Key,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
)
from shared.storage.items import to_item

OF_SPREAD: Final = ("spread", "shared_units", "shared_steps", "due", "expires_at")
"""The attributes that only a spread product's item has."""
ENDING: Final = " REMOVE " + ", ".join(f"#{name}" for name in OF_SPREAD)

_SK: Final = "STOCK"
_FEWEST: Final = 4
_BATCH: Final = 96  # shares in one transaction, which has at most 100 operations
_KNOWN_FOR: Final = timedelta(seconds=0.5)
# Then another request gathers; clocks may differ.
_GATHERED_WITHIN: Final = timedelta(seconds=3)
_LOOKED_AT_EACH: Final = timedelta(minutes=1)
_CALM_STEPS: Final = 600  # in that time: one item takes eight times as many
_LONGEST_PAUSE: Final = 0.2
_NOTED_BY: Final = 64  # of so many environments that read the product again one


@dataclass(frozen=True)
class Spreading:
    """When and how far a product is spread.

    Attributes:
        shares: the most shares; with 0 nothing is spread.
        least: the fewest units of a share.
        patience: conflicts at the product's item that one request meets before.
        further: of how many conflicts at shares one adds shares, as long as there may be more.
    """

    shares: int = 192
    least: int = 10
    patience: int = 4
    further: int = 128


SPREADING: Final = Spreading()


class Shares:
    """The shares of all products.

    Args:
        threshold: the low-stock threshold.
    """

    def __init__(self, table: Table, *, threshold: int, spreading: Spreading = SPREADING) -> None:
        self._table = table
        self._spreading = spreading
        self._threshold = max(0, threshold)
        self._known: dict[str, tuple[datetime, Product]] = {}
        self._homes: dict[str, int] = {}

    def known(self, product_ids: Iterable[str]) -> dict[str, Product]:
        """The spread products that were read within the last half second."""
        since = clock.now() - _KNOWN_FOR
        found = {id_: self._known[id_] for id_ in product_ids if id_ in self._known}
        return {id_: product for id_, (read_at, product) in found.items() if read_at > since}

    def remember(self, products: Iterable[Product]) -> None:
        """Keep those that are spread for half a second."""
        for product in products:
            self._known.pop(product.id, None)
            if product.spread and product.spread.closing_at is None:
                self._known[product.id] = clock.now(), product
                if not random.randrange(_NOTED_BY):  # noqa: S311  # not for secrets
                    self._note(product)

    def whole(self, product: Product) -> Product:
        """The product with the units of its shares.

        Raises:
            ConcurrentChange: it was gathered meanwhile.
        """
        shares = self._read(product)
        return replace(
            product,
            available=product.available + sum(share["available"] for share in shares),
            taken=product.taken + sum(share["taken"] for share in shares),
            version=product.version + sum(share["version"] for share in shares),
            updated_at=max([product.updated_at, *(share["updated_at"] for share in shares)]),
        )

    def chosen(self, products: Sequence[Product], *, at: datetime) -> list[str]:
        """For each product the name of the share to take from; empty if it is not spread.

        Raises:
            ConcurrentChange: one is being gathered.
        """
        for product in products:
            if product.spread and product.spread.closing_at is not None:
                if product.spread.closing_at < clock.rfc3339(at - _GATHERED_WITHIN):
                    self.gather(product, at=at)
                else:
                    time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  # not for secrets
                raise ConcurrentChange
        return [self._home(product) if product.spread else "" for product in products]

    def patience(self, product: Product) -> int:
        """How many conflicts at the product's place a request meets before `conflicted`; 0 if it
        cannot be helped."""
        if product.spread:
            return 1
        return self._spreading.patience if self._wanted(product) else 0

    def conflicted(self, product: Product, *, at: datetime) -> None:
        """Another transaction held the item that a line was to be taken from."""
        if product.spread:
            self._homes[product.id] = random.randrange(product.spread.shares)  # noqa: S311
        if product.spread is None or not random.randrange(self._spreading.further):  # noqa: S311
            with suppress(TransactionFailed, Contended):
                self.spread(product, at=at)

    def refused(self, product: Product, quantity: int, share: Item | None, *, at: datetime) -> None:
        """A share had too few units, or is gone: take from another one, or gather.

        Raises:
            ConcurrentChange: it is being gathered.
        """
        if product.spread is None:
            return
        self._known.pop(product.id, None)
        if share is None:
            return
        rich = [n for n, one in enumerate(self._read(product)) if one["available"] >= quantity]
        if rich:
            self._homes[product.id] = random.choice(rich)  # noqa: S311
        else:
            self.gather(product, at=at)

    def spread(self, product: Product, *, at: datetime) -> None:
        """Move units of the product's item into new shares, if it has enough.

        Raises:
            TransactionFailed: the product is not as it was read.
        """
        count, each = self._wanted(product) or (0, 0)
        if not count:
            return
        self._known.pop(product.id, None)
        seen = product.spread or Spread(uuid.uuid4().hex, 0)
        after = replace(seen, shares=seen.shares + count)
        moved = count * each
        condition, values = in_one_item(product)
        if product.spread:
            condition, values = "#spread = :seen", {"seen": to_item(seen)}
        move = Update(
            product_key(product.id),
            "SET #available = #available - :moved, #spread = :spread, #due = :due,"
            " #expires_at = :expires_at, #shared_units = if_not_exists(#shared_units, :none)"
            " + :moved",
            condition=f"{condition} AND #is_active = :is_active AND #edition = :edition"
            " AND #available >= :needed",
            values={
                **values,
                "moved": moved,
                "needed": moved + self._threshold,
                "none": 0,
                "spread": to_item(after),
                "due": due_mark(self._table, sum(product.id.encode())),
                "expires_at": clock.rfc3339(at + _LOOKED_AT_EACH),
                "is_active": True,
                "edition": product.edition,
            },
        )
        share = {"available": each, "taken": 0, "version": 0, "updated_at": product.updated_at}
        names = _names(after)[seen.shares :]
        puts = [Put({**share_key(product.id, name), **share}) for name in names]
        self._table.transact([move, *puts], patience={0: 2})

    def gather(self, product: Product, *, at: datetime, stay_closed: bool = False) -> None:
        """Move all units into the product's item.

        Args:
            stay_closed: buyers wait until the caller has made a change, which ends the spread.

        Raises:
            ConcurrentChange: another request gathers it.
            Contended: buyers did not let go of the shares. They are sold from no longer; the next
                request continues.
        """
        assert product.spread is not None  # for mypy
        self._known.pop(product.id, None)
        left = replace(product.spread, closing_at=clock.rfc3339(at))
        self._change(product, "SET #spread = :spread", {"spread": to_item(left)})
        while True:
            closing = replace(product, spread=left)
            left = replace(left, shares=max(0, left.shares - _BATCH))
            after = left if left.shares or stay_closed else None
            retry_on_conflict(
                partial(self._read, closing, left.shares),
                partial(self._merge, closing, after),
                attempts=CONFLICT_ATTEMPTS,
            )
            if not left.shares:
                return

    def look_after(self, product_id: str, *, at: datetime) -> None:
        """Gather the product if few buyers want it any more.

        Raises:
            ConcurrentChange, Contended: see `gather`.
        """
        item = self._table.get(product_key(product_id))
        if item is None or "spread" not in item:
            return
        product = read_product(item)
        steps = sum(share["version"] for share in self._read(product))
        is_closing = product.spread is not None and product.spread.closing_at is not None
        if is_closing or steps - item.get("shared_steps", 0) < _CALM_STEPS:
            self.gather(product, at=at)
        else:
            later = clock.rfc3339(at + _LOOKED_AT_EACH)
            self._note(product, shared_steps=steps, expires_at=later)

    def _wanted(self, product: Product) -> tuple[int, int] | None:
        """How many shares more the product may have, and of how many units."""
        existing = product.spread.shares if product.spread else 0
        units = product.available - self._threshold
        most = min(self._spreading.shares - existing, units // self._spreading.least)
        if most < (1 if existing else _FEWEST) or not product.is_active:
            return None
        return min(most, _BATCH), units // most

    def _home(self, product: Product) -> str:
        """The share that was taken from last; it is left when it is held, or empty."""
        assert product.spread is not None  # for mypy
        home = self._homes.setdefault(product.id, random.randrange(product.spread.shares))  # noqa: S311
        return _names(product.spread)[home % product.spread.shares]

    def _note(self, product: Product, **more: Any) -> None:
        """Store the units of the shares, as lists show them."""
        with suppress(ConcurrentChange, Contended):
            units = self.whole(product).available - product.available
            values = {"shared_units": units, **more}
            self._change(product, "SET " + ", ".join(f"#{n} = :{n}" for n in values), values)

    def _change(self, product: Product, update: str, values: Mapping[str, Any]) -> None:
        """Change a spread product's item, in a transaction: that returns nothing of it."""
        condition = "#spread = :seen"
        seen = to_item(product.spread) if product.spread else {}
        key = product_key(product.id)
        try:
            self._table.transact(
                [Update(key, update, condition=condition, values={**values, "seen": seen})]
            )
        except TransactionFailed as failure:
            raise ConcurrentChange from failure

    def _read(self, product: Product, first: int = 0) -> list[Item]:
        names = _names(product.spread)[first:] if product.spread else []
        items: dict[str, Item] = {}
        for start in range(0, len(names), _BATCH):
            keys = [share_key(product.id, name) for name in names[start : start + _BATCH]]
            found = self._table.get_many(keys, consistent=True)
            items |= {item["pk"]: item for item in found}
        if len(items) < len(names):
            raise ConcurrentChange
        return [items[share_key(product.id, name)["pk"]] for name in names]

    def _merge(self, product: Product, after: Spread | None, shares: Sequence[Item]) -> None:
        """Move the units of shares, as they were read, into the product's item."""
        assert product.spread is not None  # for mypy
        moved = {
            name: sum(share[name] for share in shares) for name in ("available", "taken", "version")
        }
        values: Item = {
            **moved,
            "updated_at": max([product.updated_at, *(share["updated_at"] for share in shares)]),
            "is_active": product.is_active,
            "seen": to_item(product.spread),
        }
        update = "SET " + ", ".join(f"#{name} = #{name} + :{name}" for name in moved)
        update += ", #updated_at = :updated_at"
        if after:
            update, values = f"{update}, #spread = :spread", {**values, "spread": to_item(after)}
        else:
            update += ENDING
        condition = "#spread = :seen AND #is_active = :is_active"
        operations: list[Operation] = [
            Update(product_key(product.id), update, condition=condition, values=values),
            *(
                Delete(
                    {"pk": share["pk"], "sk": _SK},
                    condition="#version = :version",
                    values={"version": share["version"]},
                )
                for share in shares
            ),
        ]
        if not product.is_active and moved["available"]:
            # The release before has withdrawn it, and knew nothing of the shares.
            delta = {"total_stock": -moved["available"]}
            operations.append(counters.adding(self._table, delta))
        try:
            self._table.transact(operations)
        except TransactionFailed as failure:
            raise ConcurrentChange from failure


def in_one_item(product: Product) -> tuple[str, dict[str, Any]]:
    """The condition that the product's item has all its units, with its values."""
    if product.spread is None:
        return "attribute_not_exists(#spread)", {}
    # Gathered by the caller.
    return "#spread = :seen_spread", {"seen_spread": to_item(product.spread)}


def listed(item: Item) -> Product:
    """The product as lists show it: the units of its shares are some seconds old."""
    product = read_product(item)
    return replace(product, available=product.available + item.get("shared_units", 0))


def moving(line: PricedLine, share: str, source: str, target: str, at: datetime) -> Update:
    """The operation that moves a line's units from one counter of a share to the other."""
    return Update(
        share_key(line.product_id, share),
        f"SET #{source} = #{source} - :quantity, #{target} = #{target} + :quantity,"
        " #version = #version + :one, #updated_at = :updated_at",
        condition=f"#{source} >= :quantity",
        values={"quantity": line.quantity, "one": 1, "updated_at": clock.rfc3339(at)},
    )


def share_key(product_id: str, name: str) -> Key:
    return {"pk": f"STOCK#{product_id}#{name}", "sk": _SK}


def _names(spread: Spread) -> list[str]:
    return [f"{spread.id}#{number}" for number in range(spread.shares)]
