"""What only DynamoDB knows: keys, indexes, and what a change touches."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from products.catalogue.models import Product, Receipt, Search
from products.catalogue.repository.index import DynamoProductIndex
from products.catalogue.repository.items import product_item, sort_keys, word_items
from products.catalogue.repository.products import DynamoProducts
from products.reservations.models import Reservation
from products.reservations.repository import DynamoReservations
from shared.runtime import context
from shared.runtime.clock import epoch
from shared.storage.dynamodb import Item, Key, Operation, Table
from tests.products.builders import LATER, NOW, SHELF, a_priced_line, a_product


class RecordingTable(Table):
    """Remembers what each transaction held and how many items each query read. `before_transactions` are called before
    the next ones, one before each."""

    def __init__(self, table: Table) -> None:
        super().__init__(table.name, table.client)
        self.transactions: list[Sequence[Operation]] = []
        self.queries: list[dict[str, Any]] = []
        self.before_transactions: list[Callable[[], None]] = []

    def transact(self, operations: Any) -> None:
        if self.before_transactions:
            self.before_transactions.pop(0)()
        self.transactions.append(list(operations))
        super().transact(self.transactions[-1])

    def query(self, key_condition: str, values: Any, **how: Any) -> Any:
        self.queries.append(how)
        return super().query(key_condition, values, **how)


@pytest.fixture
def recording(table: Table) -> RecordingTable:
    return RecordingTable(table)


def the_item(table: Table, product: Product) -> Item:
    item = table.get({"pk": f"PRODUCT#{product.id}", "sk": "PRODUCT"})
    assert item is not None
    return item


def keys_of(operations: Sequence[Operation]) -> list[str]:
    keys = [getattr(op, "key", None) or op.item for op in operations]  # type: ignore[union-attr]  # a Put has an item
    return [key["pk"] for key in keys]


def test_a_product_on_sale_has_the_keys_of_the_indexes_and_a_withdrawn_one_none(
    table: Table,
) -> None:
    products = DynamoProducts(table)
    mug = a_product("p1")
    products.add(mug)
    sale_keys = {"listing", "price_key", "name_key", "created_key"}
    assert sale_keys <= the_item(table, mug).keys()
    products.change(mug, mug.changed({"is_active": False}, at=LATER), exactly=False)
    assert not sale_keys & the_item(table, mug).keys()
    assert table.query("#pk = :pk", {"pk": "WORD#r"}).items == []


@pytest.mark.parametrize("delta", [5, -5])
def test_selling_touches_neither_words_nor_keys_of_indexes(
    recording: RecordingTable, delta: int
) -> None:
    products = DynamoProducts(recording)
    mug = a_product("p1")
    products.add(mug)
    before = the_item(recording, mug)
    products.restock(mug, delta, at=LATER, receipt=None)
    assert keys_of(recording.transactions[-1]) == ["PRODUCT#p1", "COUNTERS"]
    after = the_item(recording, mug)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"available", "version", "updated_at", "request_id"}


def test_a_new_description_touches_no_words(recording: RecordingTable) -> None:
    products = DynamoProducts(recording)
    mug = a_product("p1")
    products.add(mug)
    products.change(mug, mug.changed({"description": "For tea."}, at=LATER), exactly=False)
    assert keys_of(recording.transactions[-1]) == ["PRODUCT#p1"]


def test_the_longest_names_fit_into_a_transaction_and_into_keys(
    recording: RecordingTable,
) -> None:
    products = DynamoProducts(recording)
    # One character of this makes eighteen when it is folded.
    expanding = "\ufdfa" * 200
    many_words = " ".join(f"{n:x}" for n in range(60))[:200]
    mug = a_product("p1", name=expanding)
    products.add(mug)
    for name in (many_words, "\U0001f375" * 200, " ".join("abcdefghijklmnopqrstuvwxyz")):
        renamed = mug.changed({"name": name}, at=LATER)
        products.change(mug, renamed, exactly=False)
        mug = renamed
        assert len(recording.transactions[-1]) <= 100
    for name in (expanding, many_words, "\U0001f375" * 200):
        named = replace(mug, id="x" * 64, name=name)
        assert all(len(key.encode()) <= 1024 for key in sort_keys(named).values())
        assert all(len(sk.encode()) <= 1024 for sk in word_items(named))


def test_fifty_lines_are_held_in_one_transaction(recording: RecordingTable) -> None:
    mugs = [a_product() for _ in range(50)]
    for mug in mugs:
        recording.put(product_item(mug))
    lines = tuple(a_priced_line(mug) for mug in mugs)
    held = Reservation.held("order-1", lines, at=NOW)
    DynamoReservations(recording).hold(held, {mug.id: mug for mug in mugs}, at=NOW)
    assert len(recording.transactions[-1]) == 52


def test_fifty_products_that_run_low_at_once_are_all_reported(recording: RecordingTable) -> None:
    mugs = [a_product(available=5) for _ in range(50)]
    for mug in mugs:
        recording.put(product_item(mug))
    held = Reservation.held("order-1", tuple(a_priced_line(mug) for mug in mugs), at=NOW)
    reservations = DynamoReservations(recording, low_stock_threshold=5)
    reservations.hold(held, {mug.id: mug for mug in mugs}, at=NOW)
    # A transaction of DynamoDB has a hundred operations at most.
    assert [len(transaction) for transaction in recording.transactions] == [100, 2]
    told = [recording.query("#unsent = :n", {"n": f"{n}"}, index="unsent").items for n in range(4)]
    assert {item["event"]["aggregate_id"] for items in told for item in items} == {
        mug.id for mug in mugs
    }


def test_a_product_that_goes_off_sale_and_back_while_it_is_given_back_counts_once(
    recording: RecordingTable,
) -> None:
    products, reservations = DynamoProducts(recording), DynamoReservations(recording)
    mug = a_product()
    products.add(mug)
    held = Reservation.held("order-1", (a_priced_line(mug, 2),), at=NOW)
    reservations.hold(held, {mug.id: mug}, at=NOW)

    def put_on_sale(is_active: bool) -> None:
        before = products.find(mug.id)
        assert before is not None
        after = before.changed({"is_active": is_active}, at=LATER)
        products.change(before, after, exactly=True)

    put_on_sale(False)
    # Its withdrawal is learnt from the first attempt; before the second one it is on sale again.
    recording.before_transactions = [lambda: None, lambda: put_on_sale(True)]
    reservations.settle(held, held.released(), at=LATER)
    assert products.totals() == {"total": 1, "total_stock": 10}


def test_what_a_later_release_keeps_with_an_item_stays(table: Table) -> None:
    products, reservations = DynamoProducts(table), DynamoReservations(table)
    mug = a_product("p1", name="Red Mug")
    products.add(mug)
    held = Reservation.held("order-1", (a_priced_line(mug),), at=NOW)
    reservations.hold(held, {mug.id: mug}, at=NOW)
    keys: tuple[Key, ...] = (
        {"pk": "PRODUCT#p1", "sk": "PRODUCT"},
        {"pk": "WORD#r", "sk": "red#p1"},
        {"pk": "RESERVATION#order-1", "sk": "RESERVATION"},
    )

    def assert_kept() -> None:
        for key in keys:
            item = table.get(key)
            assert item is not None
            assert item["later"] == "kept"

    for key in keys:
        table.update(key, "SET #later = :later", values={"later": "kept"})
    products.change(mug, mug.changed({"price_minor": 1}, at=LATER), exactly=False)
    reservations.settle(held, held.confirmed(), at=LATER)
    assert_kept()
    reservations.settle(held.confirmed(), held.released(), at=LATER)
    assert_kept()


def test_only_what_was_released_is_ever_forgotten(table: Table) -> None:
    products, reservations = DynamoProducts(table), DynamoReservations(table)
    mug = a_product()
    products.add(mug)
    held = Reservation.held("order-1", (a_priced_line(mug),), at=NOW)

    def item() -> Item:
        found = table.get({"pk": "RESERVATION#order-1", "sk": "RESERVATION"})
        assert found is not None
        return found

    reservations.hold(held, {mug.id: mug}, at=NOW)
    assert ("ttl" in item(), "due" in item()) == (False, True)
    reservations.settle(held, held.confirmed(), at=NOW)
    assert ("ttl" in item(), "due" in item()) == (False, False)
    reservations.settle(held.confirmed(), held.released(), at=NOW)
    assert item()["ttl"] == epoch(NOW) + 30 * 24 * 3600


def test_a_receipt_outlives_a_clients_patience(table: Table) -> None:
    products = DynamoProducts(table)
    mug = a_product("mug")
    products.add(mug)
    products.restock(mug, 1, at=NOW, receipt=Receipt("admin-1", "mug", "key", "digest"))
    item = table.get({"pk": "IDEMPOTENCY#admin-1#mug#key", "sk": "IDEMPOTENCY"})
    assert item is not None
    assert item["ttl"] >= epoch(NOW) + 24 * 3600


def test_a_change_of_the_stock_names_its_request(table: Table) -> None:
    products = DynamoProducts(table)
    mug = a_product()
    context.begin("request-1")
    products.add(mug)
    context.begin("request-2")
    products.restock(mug, 1, at=NOW, receipt=None)
    assert the_item(table, mug)["request_id"] == "request-2"


def test_a_word_that_many_names_have_is_looked_for_in_the_order_asked_for(
    recording: RecordingTable,
) -> None:
    products, index = DynamoProducts(recording), DynamoProductIndex(recording, rare=2)
    for product in SHELF:
        products.add(product)

    def found(*prefixes: str) -> list[str]:
        recording.queries.clear()
        page = index.page(Search(prefixes=prefixes, sort="price"), limit=20, after=None)
        return [product.id for product in page.products]

    assert found("red") == ["p1", "p6", "p5", "p3"]
    assert [query.get("index") for query in recording.queries] == [None, "all-by-price"]
    # "mug" is rare enough, so that nothing else is read.
    assert found("red", "mu") == ["p1"]
    assert [query.get("index") for query in recording.queries] == [None, None]


def test_a_place_is_the_same_however_a_word_is_looked_for(
    table: Table,
) -> None:
    products = DynamoProducts(table)
    for product in SHELF:
        products.add(product)
    search = Search(prefixes=("r",), sort="-price")
    gathering, filtering = DynamoProductIndex(table), DynamoProductIndex(table, rare=2)
    page = gathering.page(search, limit=2, after=None)
    assert filtering.page(search, limit=2, after=None) == page
    rest = gathering.page(search, limit=20, after=page.last)
    assert filtering.page(search, limit=20, after=page.last) == rest
    assert [product.id for product in rest.products] == ["p6", "p1"]


def test_what_a_list_reads_is_bounded(
    recording: RecordingTable,
) -> None:
    products = DynamoProducts(recording)
    index = DynamoProductIndex(recording, reads=2, per_read=1)
    for product in SHELF:
        products.add(product)
    search = Search(max_price_minor=1000, sort="newest")
    seen: list[str] = []
    place = None
    for _ in range(4):
        recording.queries.clear()
        page = index.page(search, limit=20, after=place)
        assert len(recording.queries) <= 2
        seen += [product.id for product in page.products]
        place = page.last
        if place is None:
            break
    assert place is None
    assert seen == ["p2"]


def test_a_place_holds_when_its_product_is_withdrawn(table: Table) -> None:
    products, index = DynamoProducts(table), DynamoProductIndex(table)
    for product in SHELF:
        products.add(product)
    first = index.page(Search(sort="price"), limit=2, after=None)
    last = first.products[-1]
    products.change(last, last.changed({"is_active": False}, at=LATER), exactly=False)
    rest = index.page(Search(sort="price"), limit=20, after=first.last)
    assert [product.id for product in rest.products] == ["p6", "p5", "p4", "p3"]


def test_an_index_that_is_behind_shows_nothing_that_is_not_so(table: Table) -> None:
    products, index = DynamoProducts(table), DynamoProductIndex(table)
    for product in SHELF[:2]:
        products.add(product)
    # As an index may see it for a moment: the keys of a product on sale, and the product withdrawn.
    key = {"pk": "PRODUCT#p1", "sk": "PRODUCT"}
    table.update(key, "SET #is_active = :no", values={"no": False})
    page = index.page(Search(), limit=20, after=None)
    assert [product.id for product in page.products] == ["p2"]
