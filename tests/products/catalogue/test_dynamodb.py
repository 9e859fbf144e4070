"""What only DynamoDB has to promise of products: keys, indexes and the items of a change."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from products.catalogue.models import Product, Receipt, Search
from products.catalogue.repository.index import DynamoProductIndex
from products.catalogue.repository.items import sort_keys, word_items
from products.catalogue.repository.products import DynamoProducts
from shared.runtime import context
from shared.runtime.clock import epoch
from shared.storage.dynamodb import Item, Operation, Table
from tests.products.builders import LATER, NOW, SHELF, a_product

SALE_KEYS = {"listing", "price_key", "name_key", "created_key"}


class RecordingTable(Table):
    """Records the keys of each transaction, and the options of each query."""

    def __init__(self, table: Table) -> None:
        super().__init__(table.name, table.client)
        self.transactions: list[list[str]] = []
        self.queries: list[dict[str, Any]] = []

    def transact(self, operations: Any) -> None:
        recorded: Sequence[Operation] = list(operations)
        keys = [getattr(op, "key", None) or op.item for op in recorded]  # type: ignore[union-attr]  # a Put has an item
        self.transactions.append([key["pk"] for key in keys])
        super().transact(recorded)

    def query(self, key_condition: str, values: Any, **options: Any) -> Any:
        self.queries.append(options)
        return super().query(key_condition, values, **options)


@pytest.fixture
def recording(table: Table) -> RecordingTable:
    return RecordingTable(table)


def add(table: Table, *products: Product) -> DynamoProducts:
    repository = DynamoProducts(table)
    for product in products:
        repository.add(product)
    return repository


def item_of(table: Table, product: Product) -> Item:
    item = table.get({"pk": f"PRODUCT#{product.id}", "sk": "PRODUCT"})
    assert item is not None
    return item


def test_only_products_on_sale_have_index_keys_and_words(table: Table) -> None:
    mug = a_product("p1")
    products = add(table, mug)
    assert item_of(table, mug).keys() >= SALE_KEYS
    products.change(mug, mug.changed({"is_active": False}, at=LATER), exactly=False)
    assert not SALE_KEYS & item_of(table, mug).keys()
    assert table.query("#pk = :pk", {"pk": "WORD#r"}).items == []


@pytest.mark.parametrize("delta", [5, -5])
def test_restock_writes_neither_words_nor_index_keys(recording: RecordingTable, delta: int) -> None:
    mug = a_product("p1")
    context.begin("request-1")
    products = add(recording, mug)
    before = item_of(recording, mug)
    context.begin("request-2")
    products.restock(mug, delta, at=LATER, receipt=None)
    assert recording.transactions[-1] == ["PRODUCT#p1", "COUNTERS"]
    after = item_of(recording, mug)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"available", "version", "updated_at", "request_id"}
    assert after["request_id"] == "request-2"


def test_new_description_writes_no_words(recording: RecordingTable) -> None:
    mug = a_product("p1")
    products = add(recording, mug)
    products.change(mug, mug.changed({"description": "For tea."}, at=LATER), exactly=False)
    assert recording.transactions[-1] == ["PRODUCT#p1"]


def test_longest_names_fit_in_transactions_and_keys(recording: RecordingTable) -> None:
    expanding = "\ufdfa" * 200  # folded, one character becomes eighteen
    many_words = " ".join(f"{n:x}" for n in range(60))[:200]
    emoji = "\U0001f375" * 200
    mug = a_product("p1", name=expanding)
    products = add(recording, mug)
    for name in (many_words, emoji, " ".join("abcdefghijklmnopqrstuvwxyz")):
        renamed = mug.changed({"name": name}, at=LATER)
        products.change(mug, renamed, exactly=False)
        mug = renamed
        assert len(recording.transactions[-1]) <= 100
    for name in (expanding, many_words, emoji):
        named = replace(mug, id="x" * 64, name=name)
        keys = [*sort_keys(named).values(), *word_items(named)]
        assert all(len(key.encode()) <= 1024 for key in keys)


def test_change_leaves_the_attributes_of_a_later_release(table: Table) -> None:
    mug = a_product("p1")
    products = add(table, mug)
    keys = {"pk": "PRODUCT#p1", "sk": "PRODUCT"}, {"pk": "WORD#r", "sk": "red#p1"}
    for key in keys:
        table.update(key, "SET #later = :later", values={"later": "kept"})
    products.change(mug, mug.changed({"price_minor": 1}, at=LATER), exactly=False)
    assert [(table.get(key) or {})["later"] for key in keys] == ["kept"] * 2


def test_receipt_is_kept_for_more_than_a_day(table: Table) -> None:
    mug = a_product("mug")
    receipt = Receipt("admin-1", "mug", "key", "digest")
    add(table, mug).restock(mug, 1, at=NOW, receipt=receipt)
    item = table.get({"pk": "IDEMPOTENCY#admin-1#mug#key", "sk": "IDEMPOTENCY"})
    assert item is not None
    assert item["ttl"] >= epoch(NOW) + 24 * 3600


@pytest.mark.parametrize(
    ("prefixes", "found", "indexes"),
    [
        (("red",), "p1 p6 p5 p3", [None, "all-by-price"]),
        # "mug" is rare enough, so nothing else is read.
        (("red", "mu"), "p1", [None, None]),
    ],
)
def test_frequent_word_is_filtered_out_of_a_sorted_index(
    recording: RecordingTable, prefixes: tuple[str, ...], found: str, indexes: list[str | None]
) -> None:
    add(recording, *SHELF)
    index = DynamoProductIndex(recording, rare=2)
    page = index.page(Search(prefixes=prefixes, sort="price"), limit=20, after=None)
    assert " ".join(product.id for product in page.products) == found
    assert [query.get("index") for query in recording.queries] == indexes


def test_position_is_the_same_for_rare_and_frequent_words(table: Table) -> None:
    add(table, *SHELF)
    search = Search(prefixes=("r",), sort="-price")
    by_words, filtered = DynamoProductIndex(table), DynamoProductIndex(table, rare=2)
    page = by_words.page(search, limit=2, after=None)
    assert filtered.page(search, limit=2, after=None) == page
    rest = by_words.page(search, limit=20, after=page.last)
    assert filtered.page(search, limit=20, after=page.last) == rest
    assert [product.id for product in rest.products] == ["p6", "p1"]


def test_reads_of_a_filtered_list_are_bounded(recording: RecordingTable) -> None:
    add(recording, *SHELF)
    index = DynamoProductIndex(recording, reads=2, per_read=1)
    seen: list[str] = []
    position = None
    for _ in range(4):
        recording.queries.clear()
        page = index.page(Search(max_price_minor=1000), limit=20, after=position)
        assert len(recording.queries) <= 2
        seen += [product.id for product in page.products]
        position = page.last
        if position is None:
            break
    assert (seen, position) == (["p2"], None)


def test_position_is_good_when_its_product_is_withdrawn(table: Table) -> None:
    products, index = add(table, *SHELF), DynamoProductIndex(table)
    first = index.page(Search(sort="price"), limit=2, after=None)
    last = first.products[-1]
    products.change(last, last.changed({"is_active": False}, at=LATER), exactly=False)
    rest = index.page(Search(sort="price"), limit=20, after=first.last)
    assert [product.id for product in rest.products] == ["p6", "p5", "p4", "p3"]


def test_list_leaves_out_what_a_late_index_still_has(table: Table) -> None:
    add(table, *SHELF[:2])
    key = {"pk": "PRODUCT#p1", "sk": "PRODUCT"}
    table.update(key, "SET #is_active = :no", values={"no": False})
    page = DynamoProductIndex(table).page(Search(), limit=20, after=None)
    assert [product.id for product in page.products] == ["p2"]
