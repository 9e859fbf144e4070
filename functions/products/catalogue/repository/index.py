"""Finds products on sale by the sorted indexes or the words of their names, at a bounded cost."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from products.catalogue.models import Position, Product, Search, Sort
from products.catalogue.repository.items import (
    NAME_KEY_BYTES,
    ON_SALE,
    SORTED_ENTRY_BYTES,
    WORD_ENTRY_BYTES,
    is_product_id,
    price_prefix,
    product_key,
    read_units,
    word_partition,
)
from products.catalogue.repository.shares import listed
from shared.pages import Page
from shared.storage.dynamodb import Item, ReadUnits, Table

# By sort: the index's name, its sort key, and whether it is read forward.
_ORDERS: Final[Mapping[Sort, tuple[str, str, bool]]] = {
    "price": ("price", "price_key", True),
    "-price": ("price", "price_key", False),
    "name": ("name", "name_key", True),
    "newest": ("newest", "created_key", False),
}
_AFTER_ALL: Final = "~"  # sorts after all prices and ids
_BYTES_OF_UNIT: Final = 8192  # that a query reads
_PRODUCT_UNITS: Final = 0.5  # of a product of up to 4 KB
_LARGEST_UNITS: Final = 2.5  # of the largest product


@dataclass(frozen=True)
class ReadLimits:
    """What one request for a page may read.

    Attributes:
        units: read units of all reads together. A read of entries has as many as these units would
            pay for if each was as large as an entry can be.
        calls: of DynamoDB; one more may read the key of cursors.
        first: entries in a first read.
        words: of how many words the entries may be looked up.
        word_units: read units of these look-ups, shared by the words. A word that has more entries
            is frequent: it is filtered out of a sorted index, which soon finds enough of them.
        word_calls: of these look-ups, shared in the same way.
        kept: products for which units remain, however many entries are read.
    """

    units: float = 59.5
    calls: int = 9
    first: int = 64
    words: int = 2
    word_units: float = 20
    word_calls: int = 4
    kept: int = 20


class DynamoProductIndex:
    """The catalogue's lists.

    A position is the sort key and id of a page's last product. In a search for words it also has
    `by`: the word whose entries are looked up, or nothing if all looked-up words are frequent. So
    the following pages do not look up words again to find that they are.
    """

    def __init__(self, table: Table, limits: ReadLimits = ReadLimits()) -> None:
        self._table = table
        self._limits = limits

    def page(
        self, search: Search, *, limit: int, after: Position | None
    ) -> Page[Product, Position]:
        units = ReadUnits()
        if after is None and self._has_no_price(search, units):
            return Page([], None)
        by, entries = self._by_words(search, limit, after, units)
        if entries is None:
            page = self._by_order(search, limit, after, units)
        else:
            page = _cut(entries, search.sort, limit, after)
        entries = self._paid(page.items, units)
        last = page.last
        if len(entries) < len(page.items):
            # The units are used up: the next page starts with the first product that is not read.
            _, sort_key, _ = _ORDERS[search.sort]
            last = _position(entries[-1], sort_key)
        if last is not None and by is not None:
            last = {**last, "by": by}
        # Indexes may be behind: products that were withdrawn or changed since are left out.
        items = self._table.get_many([product_key(entry["id"]) for entry in entries])
        found = {item["id"]: listed(item) for item in items}
        products = [found[entry["id"]] for entry in entries if entry["id"] in found]
        return Page([product for product in products if search.finds(product)], last)

    def several(self, product_ids: Collection[str]) -> list[Product]:
        keys = [product_key(id_) for id_ in product_ids if is_product_id(id_)]
        found = {item["id"]: listed(item) for item in self._table.get_many(keys)}
        return [found[id_] for id_ in product_ids if id_ in found and found[id_].is_active]

    def _paid(self, entries: list[Item], units: ReadUnits) -> list[Item]:
        """The first entries whose products the remaining units pay for; one at least."""
        costs = accumulate(read_units(entry["name_words"]) for entry in entries)
        left = max(self._limits.units - units.used, _LARGEST_UNITS)
        return [entry for entry, cost in zip(entries, costs, strict=True) if cost <= left]

    def _payable(self, units: ReadUnits, limit: int, size: int) -> int:
        """How many entries of this size may be read before a page of so many products."""
        kept = max(_PRODUCT_UNITS * min(limit, self._limits.kept), _LARGEST_UNITS)
        # A read is charged in steps of half a unit.
        left = self._limits.units - units.used - kept - 0.5
        return int(left * _BYTES_OF_UNIT / size)

    def _has_no_price(self, search: Search, units: ReadUnits) -> bool:
        """Whether no product has a price in the range. Asked only where a list is filtered."""
        condition, values = _range(search, "price_key")
        is_filtered = search.prefixes or search.sort not in ("price", "-price")
        if not condition or not is_filtered:
            return False
        hash_name, hash_key = _hash(search)
        page = self._table.query(
            f"#{hash_name} = :hash_key{condition}",
            {"hash_key": hash_key, **values},
            index=_index_name(search, "price"),
            limit=1,
            units=units,
        )
        return not page.items

    def _by_words(
        self, search: Search, limit: int, after: Position | None, units: ReadUnits
    ) -> tuple[str | None, list[Item] | None]:
        """All entries that the search finds, by a rare word, and which one that is; no entries if
        the longest words are frequent."""
        if not search.prefixes:
            return None, None
        prefixes = sorted(search.prefixes, key=len, reverse=True)[: self._limits.words]
        if after and "by" in after:
            prefixes = [prefix for prefix in search.prefixes if prefix == after["by"]]
        for prefix in prefixes:
            entries = self._beginning_with(prefix, limit, len(prefixes), units)
            if entries is not None:
                return prefix, [
                    entry
                    for entry in entries
                    if search.category in (None, entry["category"])
                    and search.admits_price(entry["price_minor"])
                    and search.admits_words(tuple(entry["name_words"].split()))
                ]
        return "", None

    def _beginning_with(
        self, prefix: str, limit: int, words: int, units: ReadUnits
    ) -> list[Item] | None:
        """The entries of all products with such a word; None if the share of one of so many words
        does not pay for them."""
        before, found = units.used, list[Item]()
        start: Item | None = None
        count = self._limits.first
        for _ in range(self._limits.word_calls // words):
            count = min(count, self._payable(units, limit, WORD_ENTRY_BYTES))
            if count < 1:
                break
            page = self._table.query(
                "#pk = :pk AND begins_with(#sk, :prefix)",
                {"pk": word_partition(prefix), "prefix": prefix},
                limit=count,
                start=start,
                units=units,
            )
            found += page.items
            start = page.last
            if start is None:
                # A name may have two words with this prefix.
                return list({item["entry"]["id"]: item["entry"] for item in found}.values())
            # As many as the share pays for if they are as large as those before.
            used = max(units.used - before, 0.5)
            count = int((self._limits.word_units / words / used - 1) * len(found))
        return None

    def _by_order(
        self, search: Search, limit: int, after: Position | None, units: ReadUnits
    ) -> Page[Item, Position]:
        """Entries of the sorted index from after a position."""
        order, sort_key, forward = _ORDERS[search.sort]
        hash_name, hash_key = _hash(search)
        condition, values = _range(search, sort_key)
        filters, filter_values = _filters(search, sort_key)
        start: Item | None = None
        if after:
            key = product_key(after["id"])
            start = {hash_name: hash_key, sort_key: after["key"], **key}
        size = SORTED_ENTRY_BYTES + len(hash_key.encode())
        size += NAME_KEY_BYTES if sort_key == "name_key" else 0
        read, found = 0, list[Item]()
        count = max(limit + 1, self._limits.first) if filters else limit + 1
        while True:
            count = max(1, min(count, self._payable(units, limit, size)))
            page = self._table.query(
                f"#{hash_name} = :hash_key{condition}",
                {"hash_key": hash_key, **values, **filter_values},
                index=_index_name(search, order),
                filter=filters,
                limit=count,
                start=start,
                forward=forward,
                units=units,
            )
            found += [{"id": _id(item), **item} for item in page.items]
            start = page.last
            read += count
            if len(found) > limit or start is None:
                return Page.cut(found, limit, lambda entry: _position(entry, sort_key))
            if self._payable(units, limit, size) < 1 or units.calls + 1 >= self._limits.calls:
                # The page is short.
                return Page(found, _position({"id": _id(start), **start}, sort_key))
            missing = limit + 1 - len(found)
            # Twice as many as will do if the matching entries are spread evenly.
            count = 2 * missing * read // max(1, len(found))


def _hash(search: Search) -> tuple[str, str]:
    """The partition of the indexes that a search reads: the attribute's name and value."""
    return ("listing", ON_SALE) if search.category is None else ("category", search.category)


def _index_name(search: Search, order: str) -> str:
    return f"{'all' if search.category is None else 'category'}-by-{order}"


def _cut(
    entries: list[Item], sort: Sort, limit: int, after: Position | None
) -> Page[Item, Position]:
    """The page of a complete list that starts after a position."""
    _, sort_key, forward = _ORDERS[sort]
    ordered = sorted(entries, key=lambda entry: str(entry[sort_key]), reverse=not forward)
    if after:
        key = after["key"]
        ordered = [e for e in ordered if (e[sort_key] > key if forward else e[sort_key] < key)]
    return Page.cut(ordered, limit, lambda entry: _position(entry, sort_key))


def _position(entry: Item, sort_key: str) -> Position:
    return {"key": entry[sort_key], "id": entry["id"]}


def _id(item: Item) -> str:
    return str(item["pk"]).partition("#")[2]


def _range(search: Search, sort_key: str) -> tuple[str, dict[str, Any]]:
    """The price range as a condition on the key, in the index by price."""
    lowest, highest = search.min_price_minor, search.max_price_minor
    if sort_key != "price_key" or (lowest is None and highest is None):
        return "", {}
    return " AND #price_key BETWEEN :lowest AND :highest", {
        "lowest": price_prefix(lowest or 0),
        "highest": _AFTER_ALL if highest is None else price_prefix(highest) + _AFTER_ALL,
    }


def _filters(search: Search, sort_key: str) -> tuple[str | None, dict[str, Any]]:
    """The conditions that are not on the key."""
    conditions: list[str] = []
    values: dict[str, Any] = {}
    if sort_key != "price_key":
        for name, sign, price in (
            ("min_price", ">=", search.min_price_minor),
            ("max_price", "<=", search.max_price_minor),
        ):
            if price is not None:
                conditions.append(f"#price_minor {sign} :{name}")
                values[name] = price
    for number, prefix in enumerate(search.prefixes):
        conditions.append(f"contains(#name_words, :word{number})")
        values[f"word{number}"] = f" {prefix}"
    return " AND ".join(conditions) or None, values
