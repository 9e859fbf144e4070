"""What only DynamoDB has to promise of products: keys, indexes and the items of a change."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from products.catalogue.models import Product, Receipt, Search
from products.catalogue.repository.index import DynamoProductIndex
from products.catalogue.repository.items import SALE_KEYS, sort_keys, word_items
from products.catalogue.repository.products import DynamoProducts
from shared.runtime.clock import epoch
from shared.storage.dynamodb import Item, Operation, Table
from tests.products.builders import LATER, NOW, SHELF, a_product
from tests.support.aws import wired_table


class RecordingTable(Table):
    """Records the keys of each transaction, and the index of each query."""

    def __init__(self, table: Table) -> None:
        super().__init__(table.name, table.client)
        self.transactions: list[list[str]] = []
        self.queries: list[str | None] = []

    def transact(self, operations: Any, **more: Any) -> None:
        recorded: Sequence[Operation] = list(operations)
        keys = [getattr(op, "key", None) or op.item for op in recorded]  # type: ignore[union-attr]  # a Put has an item
        self.transactions.append([key["pk"] for key in keys])
        super().transact(recorded, **more)

    def query(self, key_condition: str, values: Any, **options: Any) -> Any:
        self.queries.append(options.get("index"))
        return super().query(key_condition, values, **options)


@pytest.fixture
def table() -> Table:
    return wired_table("ProductsTable")


@pytest.fixture
def recording(table: Table) -> RecordingTable:
    return RecordingTable(table)


def add(table: Table, *products: Product) -> DynamoProducts:
    repository = DynamoProducts(table)
    for product in products:
        repository.add(product)
    return repository


def test_each_change_writes_no_more_than_it_changes(recording: RecordingTable) -> None:
    mug = a_product("p1")
    products = add(recording, mug)

    def item() -> Item:
        return recording.get({"pk": "PRODUCT#p1", "sk": "PRODUCT"}) or {}

    before = item()
    assert before.keys() >= {*SALE_KEYS}
    products.restock(mug, -5, at=LATER, receipt=None)
    assert recording.transactions[-1] == ["PRODUCT#p1", "COUNTERS"]
    changed = {name for name, value in item().items() if value != before[name]}
    assert changed - {"request_id"} == {"available", "version", "updated_at"}
    described = mug.changed({"description": "For tea."}, at=LATER)
    products.change(mug, described, exactly=False)
    assert recording.transactions[-1] == ["PRODUCT#p1"]
    withdrawn = products.find("p1")
    assert withdrawn
    products.change(withdrawn, withdrawn.changed({"is_active": False}, at=LATER), exactly=False)
    assert not item().keys() & {*SALE_KEYS}
    assert recording.query("#pk = :pk", {"pk": "WORD#r"}).items == []


def test_longest_names_fit_in_transactions_and_keys(recording: RecordingTable) -> None:
    many_words = " ".join(f"{n:x}" for n in range(60))[:200]
    emoji = "\U0001f375" * 200
    expanding = "\ufdfa" * 200  # folded, one character becomes eighteen
    mug = a_product("p1", name=many_words)
    products = add(recording, mug)
    # The old words are deleted, and the new ones written.
    alphabet = " ".join("ghijklmnopqrstuvwxyzäöüßé")
    products.change(mug, mug.changed({"name": alphabet}, at=LATER), exactly=False)
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


def test_receipt_is_kept_for_seven_days(table: Table) -> None:
    mug = a_product("mug")
    receipt = Receipt("admin-1", "mug", "key", "digest")
    add(table, mug).restock(mug, 1, at=NOW, receipt=receipt)
    item = table.get({"pk": "IDEMPOTENCY#admin-1#mug#key", "sk": "IDEMPOTENCY"})
    assert item
    assert item["ttl"] == epoch(NOW) + 7 * 24 * 3600


def test_frequent_word_is_filtered_out_of_a_sorted_index(recording: RecordingTable) -> None:
    products = add(recording, *SHELF)
    frequent, index = DynamoProductIndex(recording, rare=2), DynamoProductIndex(recording)
    for prefixes, queries in (
        (("red",), [None, "all-by-price"]),
        (("red", "mu"), [None, None]),  # "mug" is rare, so nothing else is read
    ):
        search = Search(prefixes=prefixes, sort="price")
        recording.queries.clear()
        found = frequent.page(search, limit=20, after=None)
        assert recording.queries == queries
        assert found == index.page(search, limit=20, after=None)
    # A position is the same in both, and stays valid when its product is withdrawn.
    search = Search(prefixes=("r",), sort="-price")
    page = index.page(search, limit=2, after=None)
    assert frequent.page(search, limit=2, after=None) == page
    last = page.items[-1]
    products.change(last, last.changed({"is_active": False}, at=LATER), exactly=False)
    for each in (frequent, index):
        rest = each.page(search, limit=20, after=page.last)
        assert [product.id for product in rest.items] == ["p6", "p1"]


def test_reads_of_a_filtered_list_are_bounded(recording: RecordingTable) -> None:
    add(recording, *SHELF)
    index = DynamoProductIndex(recording, reads=2, per_read=1)
    seen: list[str] = []
    last, pages = None, 0
    while pages == 0 or last:
        recording.queries.clear()
        page = index.page(Search(max_price_minor=1000), limit=20, after=last)
        assert len(recording.queries) <= 2
        seen += [product.id for product in page.items]
        last, pages = page.last, pages + 1
    # The last is empty: DynamoDB does not look whether anything follows.
    assert (seen, pages) == (["p2"], 4)


def test_list_leaves_out_what_a_late_index_still_has(table: Table) -> None:
    add(table, *SHELF[:2])
    key = {"pk": "PRODUCT#p1", "sk": "PRODUCT"}
    table.update(key, "SET #is_active = :no", values={"no": False})
    page = DynamoProductIndex(table).page(Search(), limit=20, after=None)
    assert [product.id for product in page.items] == ["p2"]
