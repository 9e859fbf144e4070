"""What only DynamoDB has to promise of products: keys, indexes and the items of a change."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from products.catalogue.models import Position, Product, ProductChanges, Receipt, Search, Sort
from products.catalogue.repository.index import DynamoProductIndex, ReadLimits
from products.catalogue.repository.items import (
    NAME_KEY_BYTES,
    PACKED,
    SALE_KEYS,
    SORTED_ENTRY_BYTES,
    WORD_ENTRY_BYTES,
    product_item,
    product_key,
    sort_keys,
    word_items,
)
from products.catalogue.repository.products import DynamoProducts
from products.catalogue.text import folded, words_of
from products.reservations.repository import DynamoReservations
from shared.pages import Page
from shared.runtime.clock import epoch, rfc3339
from shared.storage.dynamodb import Item, Operation, Table, assigning, to_wire
from tests.costs import capacity
from tests.products.builders import LATER, NOW, PROSE, SHELF, a_product
from tests.support.aws import simulated_table, wired_table
from tools.migrate import migrate
from tools.migrations import packed_descriptions
from tools.template import table_definition


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


@pytest.mark.parametrize(("length", "units"), [(0, 1), (250, 1), (2000, 2), (5000, 3)])
def test_description_is_compressed_where_that_saves_write_units(
    table: Table, length: int, units: int
) -> None:
    mug = a_product("p1", description=PROSE[:length])
    products = add(table, mug)
    item = table.get(product_key("p1")) or {}
    assert math.ceil(capacity.size(to_wire(item)) / 1024) == units
    assert (PACKED in item) == (length > 250)
    assert products.find("p1") == mug
    [listed] = DynamoProductIndex(table).page(Search(), limit=20, after=None).items
    _, ordered = DynamoReservations(table).look_up("order-1", ["p1"])
    assert listed == ordered["p1"] == mug


def test_description_that_becomes_short_is_not_compressed_any_more(table: Table) -> None:
    mug = a_product("p1", description=PROSE[:2000])
    products = add(table, mug)
    for description in (PROSE[2000:4000], "For tea.", ""):
        before = products.find("p1")
        assert before
        after = before.changed({"description": description}, at=LATER)
        products.change(before, after, exactly=False)
        assert products.find("p1") == after
    assert PACKED not in (table.get(product_key("p1")) or {})


def test_description_that_the_release_before_has_changed_counts(table: Table) -> None:
    products = add(table, a_product("p1", description=PROSE[:2000]))
    for stored, read in (("", PROSE[:2000]), ("For tea.", "For tea.")):
        # It writes the description that it knows, and leaves the compressed one.
        table.update(product_key("p1"), "SET #description = :d", values={"d": stored})
        found = products.find("p1")
        assert found
        assert found.description == read


def test_migration_shortens_what_was_stored_before(table: Table, tmp_path: Path) -> None:
    mugs = [a_product("p1", description=PROSE[:2000]), a_product("p2", description="Short.")]
    products = add(table, *mugs)
    # As the release before has stored it.
    update = "SET #description = :d REMOVE #packed_description"
    table.update(product_key("p1"), update, values={"d": PROSE[:2000]})
    names = {"name_words": " red mug more ", "name_key": "red mug more\x01p2"}
    table.update(product_key("p2"), assigning(names), values=names)
    for changed in (2, 0):
        done = migrate(table, packed_descriptions.change, tmp_path / "file", rate=1e6, write=True)
        assert done.changed == changed
        (tmp_path / "file").unlink(missing_ok=True)
    assert PACKED in (table.get(product_key("p1")) or {})
    assert not names.items() & (table.get(product_key("p2")) or {}).items()
    assert [products.find(mug.id) for mug in mugs] == mugs


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


def test_entries_have_no_more_bytes_than_searches_reckon_with() -> None:
    longest = [
        # Each of 25 words has 16 bytes and is another one.
        " ".join(chr(0x4E00 + n) * 5 for n in range(25)),
        # Folded, a character becomes six; and one of four bytes remains one.
        *(letter * 200 for letter in ("\u3316", "\U00010450", "\ufdfa")),
    ]
    [definition] = [table_definition("ProductsTable")]
    indexes = definition["GlobalSecondaryIndexes"]
    for name in longest:
        mug = a_product("0" * 32, name=name, category="\U0001f375" * 64, price_minor=10**13 - 1)
        mug = replace(mug, created_at=rfc3339(NOW), description=name * 25)
        words = [capacity.size(to_wire(item)) for item in word_items(mug).values()]
        assert max(words) <= WORD_ENTRY_BYTES
        for index in indexes:
            entry = capacity.entry(definition, index, to_wire(product_item(mug)))
            if entry is None:
                continue
            size = SORTED_ENTRY_BYTES + (NAME_KEY_BYTES if "name_key" in entry else 0)
            partition = entry[index["KeySchema"][0]["AttributeName"]]["S"]
            assert capacity.size(entry) <= size + len(partition.encode())


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
    frequent = DynamoProductIndex(recording, ReadLimits(first=2, word_units=0.5))
    index = DynamoProductIndex(recording)
    for prefixes, queries in (
        (("red",), [None, "all-by-price"]),
        (("reds", "gr"), [None]),  # no name has "reds", so nothing else is read
    ):
        search = Search(prefixes=prefixes, sort="price")
        recording.queries.clear()
        found = frequent.page(search, limit=20, after=None)
        assert recording.queries == queries
        assert found == index.page(search, limit=20, after=None)
    # A position stays valid when its product is withdrawn, and when a word becomes frequent.
    search = Search(prefixes=("r",), sort="-price")
    page = index.page(search, limit=2, after=None)
    last = page.items[-1]
    products.change(last, last.changed({"is_active": False}, at=LATER), exactly=False)
    for each in (frequent, index):
        rest = each.page(search, limit=20, after=page.last)
        assert [product.id for product in rest.items] == ["p6", "p1"]


def test_following_page_does_not_look_up_words_that_are_frequent(recording: RecordingTable) -> None:
    add(recording, *SHELF)
    index = DynamoProductIndex(recording, ReadLimits(first=2, word_units=0.5))
    search = Search(prefixes=("red", "r"), sort="price")
    first = index.page(search, limit=2, after=None)
    recording.queries.clear()
    rest = index.page(search, limit=2, after=first.last)
    assert [product.id for product in rest.items] == ["p5", "p3"]
    assert {*recording.queries} == {"all-by-price"}
    # The release before gives positions without this decision.
    assert first.last is not None
    old = {name: value for name, value in first.last.items() if name != "by"}
    assert index.page(search, limit=2, after=old) == rest


def test_price_range_that_no_product_has_costs_one_read(recording: RecordingTable) -> None:
    add(recording, *SHELF)
    for more in ({}, {"prefixes": ("red",)}, {"category": "table"}):
        recording.queries.clear()
        search = Search(min_price_minor=99_999, **more)
        assert DynamoProductIndex(recording).page(search, limit=20, after=None) == Page([], None)
        assert len(recording.queries) == 1


def test_page_is_short_when_its_units_are_used_up(recording: RecordingTable) -> None:
    signs = random.Random(1)
    texts = ["".join(map(chr, signs.choices(range(0x4E00, 0x9FA0), k=2600))) for _ in range(30)]
    mugs = [a_product(f"p{n:02}", description=text) for n, text in enumerate(texts)]
    products = add(recording, *mugs)
    index = DynamoProductIndex(recording, ReadLimits(units=15))
    first = index.page(Search(sort="price"), limit=30, after=None)
    # An item has over 4 KB and takes a unit; the entries take one.
    assert [product.id for product in first.items] == [f"p{n:02}" for n in range(14)]
    rest = index.page(Search(sort="price"), limit=30, after=first.last)
    assert rest.items[0].id == "p14"
    products.change(mugs[0], mugs[0].changed({"description": ""}, at=LATER), exactly=False)
    first = index.page(Search(sort="price"), limit=30, after=None)
    assert first.items[-1].id == "p14"


@pytest.mark.parametrize("change", [{"price_minor": 1}, {"is_active": False}])
def test_change_takes_words_away_that_the_release_before_took_from_a_long_name(
    table: Table, change: ProductChanges
) -> None:
    mug = a_product(name="".join(chr(0xAC00 + n) for n in range(120)) + " 산" * 20 + " 강 들")
    repository = add(table, mug)
    [item] = word_items(a_product(mug.id, name="들")).values()
    table.put(item)
    repository.change(mug, mug.changed(change, at=LATER), exactly=False)
    assert table.get({"pk": item["pk"], "sk": item["sk"]}) is None


_TEXTS = st.lists(
    st.sampled_from(["mug", "mugs", "tea", "teapot", "té", "m", "tray", "Ünder"]),
    min_size=1,
    max_size=4,
).map(" ".join)
_PRICES = st.integers(0, 12)
_CATEGORIES = st.sampled_from(["kitchen", "table", "nothing"])
_SEARCHES = st.builds(
    Search,
    category=st.none() | _CATEGORIES,
    min_price_minor=st.none() | _PRICES,
    max_price_minor=st.none() | _PRICES,
    prefixes=st.just(()) | _TEXTS.map(words_of),
    sort=st.sampled_from(["price", "-price", "name", "newest"]),
)
_LIMITS = st.builds(
    ReadLimits,
    units=st.sampled_from([0.5, 2.0, 6.0, 60.0]),
    calls=st.integers(1, 10),
    first=st.integers(1, 9),
    words=st.integers(1, 3),
    word_units=st.sampled_from([0.5, 1.5, 20.0]),
    word_calls=st.integers(1, 4),
    kept=st.integers(1, 5),
)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), limits=_LIMITS, limit=st.integers(1, 12))
def test_cursors_lead_to_every_product_that_a_plain_filter_finds(
    data: st.DataObject, limits: ReadLimits, limit: int
) -> None:
    shelf = [
        a_product(
            f"p{number:02}",
            name=data.draw(_TEXTS),
            price_minor=data.draw(_PRICES),
            category=data.draw(_CATEGORIES.filter("nothing".__ne__)),
            created_at=f"2026-01-0{data.draw(st.integers(1, 3))}",
        )
        for number in range(data.draw(st.integers(0, 40)))
    ]
    table = simulated_table("ProductsTable")
    add(table, *shelf)
    index = DynamoProductIndex(table, limits)
    for search in data.draw(st.lists(_SEARCHES, min_size=1, max_size=6)):
        found: list[str] = []
        after: Position | None = None
        for _ in range(500):
            page = index.page(search, limit=limit, after=after)
            found += [product.id for product in page.items]
            assert len(page.items) <= limit
            after = page.last
            if after is None:
                break
        assert (found, after) == (_filtered(shelf, search), None)


def _filtered(shelf: Sequence[Product], search: Search) -> list[str]:
    keys: dict[Sort, Callable[[Product], tuple[Any, ...]]] = {
        "price": lambda product: (product.price_minor, product.id),
        "-price": lambda product: (product.price_minor, product.id),
        "name": lambda product: (folded(product.name), product.id),
        "newest": lambda product: (product.created_at, product.id),
    }
    backwards = search.sort in ("-price", "newest")
    ordered = sorted(shelf, key=keys[search.sort], reverse=backwards)
    return [product.id for product in ordered if search.finds(product)]


def test_list_leaves_out_what_a_late_index_still_has(table: Table) -> None:
    add(table, *SHELF[:2])
    key = {"pk": "PRODUCT#p1", "sk": "PRODUCT"}
    table.update(key, "SET #is_active = :no", values={"no": False})
    page = DynamoProductIndex(table).page(Search(), limit=20, after=None)
    assert [product.id for product in page.items] == ["p2"]
