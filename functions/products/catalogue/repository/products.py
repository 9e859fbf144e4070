"""Products and their stock."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from products.catalogue.models import Product, Receipt
from products.catalogue.ports import CONFLICT_ATTEMPTS
from products.catalogue.repository.items import (
    CATEGORIES,
    PACKED,
    SALE_KEYS,
    admin_attributes,
    counting,
    is_product_id,
    product_item,
    product_key,
    read_product,
    stamp,
    stored_words,
    word_items,
)
from products.catalogue.repository.shares import (
    ENDING,
    OF_SPREAD,
    Shares,
    in_one_item,
)
from products.catalogue.repository.stock import stock_step
from shared.runtime import clock
from shared.storage import counters
from shared.storage.conflicts import ConcurrentChange, retry_on_conflict
from shared.storage.dynamodb import (
    ConditionFailed,
    Delete,
    Key,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
    assigning,
)
from shared.storage.items import from_item, to_item

# Longer than the 24 hours for which a client may retry.
_RECEIPTS_KEPT: Final = timedelta(days=7)
# One query reads them.
_MOST_CATEGORIES: Final = 1000


class DynamoProducts:
    """Products in DynamoDB.

    Every change is one transaction with the totals, so that these are exact. The transaction's
    token detects the SDK's own retries, the conditions those of other callers.
    """

    def __init__(self, table: Table, *, low_stock_threshold: int = 0) -> None:
        self._table = table
        self._threshold = low_stock_threshold
        self._shares = Shares(table, threshold=low_stock_threshold)

    def add(self, product: Product, *, receipt: Receipt | None = None) -> None:
        at = datetime.fromisoformat(product.created_at)
        self._transact(
            [
                Put(product_item(product), condition="attribute_not_exists(#pk)"),
                *_receipt_puts(receipt, at),
                *(Put(item) for item in word_items(product).values()),
                counters.adding(self._table, {"total": 1, "total_stock": product.available}),
                *_category_changes(None, product),
            ]
        )

    def find(self, product_id: str) -> Product | None:
        if not is_product_id(product_id):
            return None
        return retry_on_conflict(
            lambda: self._table.get(product_key(product_id)),
            lambda item: self._shares.whole(read_product(item)) if item else None,
            attempts=CONFLICT_ATTEMPTS,
        )

    def change(self, before: Product, after: Product, *, exactly: bool) -> None:
        self._require_one_item(before, datetime.fromisoformat(after.updated_at))
        changes_sale = before.is_active != after.is_active
        operations: list[Operation] = [
            # A product that goes on or off sale adds its units to the total or removes them, so
            # their number must be as it was read.
            _change(before, after, exactly=exactly or changes_sale),
            *_word_changes(before, after),
            *_category_changes(before, after),
        ]
        if changes_sale:
            sign = 1 if after.is_active else -1
            operations.append(
                counters.adding(
                    self._table, {"total": sign, "total_stock": sign * before.available}
                )
            )
        self._transact(operations)

    def restock(
        self, product: Product, delta: int, *, at: datetime, receipt: Receipt | None
    ) -> None:
        if delta < 0:
            self._require_one_item(product, at)
        after = product.restocked(delta, at=at)
        step = stock_step(self._table, product, after, self._threshold)
        operations: list[Operation] = [step.event] if step.event else []
        operations += _receipt_puts(receipt, at)
        operations.append(
            Update(
                product_key(product.id),
                "SET #available = #available + :delta, #version = #version + :one,"
                " #updated_at = :updated_at, #request_id = :request_id"
                + (ENDING if product.spread and not product.spread.shares else ""),
                condition=f"{step.condition} AND #is_active = :is_active",
                values={
                    **step.values,
                    "delta": delta,
                    "one": 1,
                    "is_active": product.is_active,
                    **stamp(clock.rfc3339(at)),
                },
            )
        )
        if product.is_active:
            operations.append(counters.adding(self._table, {"total_stock": delta}))
        self._transact(operations)

    def _require_one_item(self, product: Product, at: datetime) -> None:
        """Move all units of the product into its item, if it is spread.

        Raises:
            ConcurrentChange: it is not as it was read any more.
        """
        if product.spread and (product.spread.shares or product.spread.closing_at is None):
            self._shares.gather(product, at=at, stay_closed=True)
            raise ConcurrentChange

    def find_receipt(self, receipt: Receipt) -> Receipt | None:
        item = self._table.get(_receipt_key(receipt))
        if item is None:
            return None
        return from_item(
            Receipt,
            item,
            caller_id=receipt.caller_id,
            product_id=receipt.product_id,
            key=receipt.key,
        )

    def keep_answer(self, receipt: Receipt, answer: Product) -> Product:
        try:
            self._table.update(
                _receipt_key(receipt),
                "SET #answer = :answer",
                condition="attribute_exists(#pk) AND attribute_not_exists(#answer)",
                values={"answer": to_item(answer)},
            )
        except ConditionFailed as kept:
            # Another request with this key was first; or the SDK retried this one.
            return from_item(Product, kept.item["answer"]) if kept.item else answer
        return answer

    def totals(self) -> Mapping[str, int]:
        kept = counters.totals(self._table)
        return {name: kept.get(name, 0) for name in ("total", "total_stock")}

    def categories(self) -> Mapping[str, int]:
        page = self._table.query("#pk = :pk", {"pk": CATEGORIES}, limit=_MOST_CATEGORIES)
        return {item["sk"]: item["total"] for item in page.items if item["total"] > 0}

    def _transact(self, operations: list[Operation]) -> None:
        try:
            self._table.transact(operations)
        except TransactionFailed as failure:
            raise ConcurrentChange from failure


def _change(before: Product, after: Product, *, exactly: bool) -> Update:
    attributes = admin_attributes(after)
    update = assigning(attributes) + ", #version = #version + :one"
    gone = (*SALE_KEYS, PACKED, *(OF_SPREAD if before.spread else ()))
    removed = [name for name in gone if name not in attributes]
    if removed:
        update += " REMOVE " + ", ".join(f"#{name}" for name in removed)
    whole, seen = in_one_item(before)
    values: dict[str, Any] = {**attributes, "one": 1, "seen_edition": before.edition, **seen}
    condition = f"#edition = :seen_edition AND {whole}"
    if exactly:
        condition += " AND #version = :seen_version"
        values["seen_version"] = before.version
    return Update(product_key(before.id), update, condition=condition, values=values)


def _word_changes(before: Product, after: Product) -> list[Operation]:
    old, new = word_items(before), word_items(after)
    stored = stored_words(before)
    return [
        *(Delete(stored[sk]) for sk in stored.keys() - new.keys()),
        *(
            Update(
                {"pk": item["pk"], "sk": sk}, "SET #entry = :entry", values={"entry": item["entry"]}
            )
            for sk, item in new.items()
            if old.get(sk) != item
        ),
    ]


def _category_changes(before: Product | None, after: Product) -> Iterator[Update]:
    """What a change adds to the numbers of products on sale in the categories."""
    added = Counter([after.category] if after.is_active else [])
    added.subtract([before.category] if before and before.is_active else [])
    for category, more in added.items():
        if more:
            yield counting(category, more)


def _receipt_key(receipt: Receipt) -> Key:
    return {
        "pk": f"IDEMPOTENCY#{receipt.caller_id}#{receipt.product_id}#{receipt.key}",
        "sk": "IDEMPOTENCY",
    }


def _receipt_puts(receipt: Receipt | None, at: datetime) -> Iterator[Put]:
    if receipt:
        item = {**_receipt_key(receipt), "ttl": clock.epoch(at + _RECEIPTS_KEPT)}
        item |= to_item(receipt, omit=("caller_id", "product_id", "key"))
        yield Put(item, condition="attribute_not_exists(#pk)")
