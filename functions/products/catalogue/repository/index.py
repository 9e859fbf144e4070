"""Finds products on sale by the sorted indexes or the words of their names, at a bounded cost."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from products.catalogue.models import Position, Product, Search, Sort
from products.catalogue.repository.items import (
    ON_SALE,
    price_prefix,
    product_key,
    word_partition,
)
from shared.pages import Page
from shared.storage.dynamodb import Item, Table
from shared.storage.items import from_item

# By sort: the index's name, its sort key, and whether it is read forward.
_ORDERS: Final[Mapping[Sort, tuple[str, str, bool]]] = {
    "price": ("price", "price_key", True),
    "-price": ("price", "price_key", False),
    "name": ("name", "name_key", True),
    "newest": ("newest", "created_key", False),
}
_AFTER_ALL: Final = "~"  # sorts after all prices and ids


class DynamoProductIndex:
    """The catalogue's lists. A position is the sort key and id of a page's last product.

    Args:
        rare: the most names that a word may have to be looked up by its word items. A more frequent
            word is filtered out of a sorted index, which soon finds enough of them.
        looked_up: of how many words one request may look the word items up.
        reads, per_read: how much one request may read of a sorted index if it filters.
    """

    def __init__(
        self,
        table: Table,
        *,
        rare: int = 1000,
        looked_up: int = 3,
        reads: int = 8,
        per_read: int = 500,
    ) -> None:
        self._table = table
        self._rare = rare
        self._looked_up = looked_up
        self._reads = reads
        self._per_read = per_read

    def page(
        self, search: Search, *, limit: int, after: Position | None
    ) -> Page[Product, Position]:
        entries = self._by_words(search)
        if entries is None:
            page = self._by_order(search, limit, after)
        else:
            page = _cut(entries, search.sort, limit, after)
        return Page(self._products(search, [entry["id"] for entry in page.items]), page.last)

    def _products(self, search: Search, ids: list[str]) -> list[Product]:
        """The products in this order, with their present stock.

        Indexes may be behind: products that were withdrawn or changed since are left out.
        """
        items = self._table.get_many([product_key(id_) for id_ in ids])
        found = {item["id"]: from_item(Product, item) for item in items}
        return [found[id_] for id_ in ids if id_ in found and search.finds(found[id_])]

    def _by_words(self, search: Search) -> list[Item] | None:
        """All entries that the search finds, by a rare word; None if its longest words are not."""
        for prefix in sorted(search.prefixes, key=len, reverse=True)[: self._looked_up]:
            entries = self._beginning_with(prefix)
            if entries is not None:
                return [
                    entry
                    for entry in entries
                    if search.category in (None, entry["category"])
                    and search.admits_price(entry["price_minor"])
                    and search.admits_words(tuple(entry["name_words"].split()))
                ]
        return None

    def _beginning_with(self, prefix: str) -> list[Item] | None:
        """The entries of all products with such a word; None if they are too many."""
        items = self._table.iterate(
            "#pk = :pk AND begins_with(#sk, :prefix)",
            {"pk": word_partition(prefix), "prefix": prefix},
            page_size=self._rare + 1,
        )
        found = list(islice(items, self._rare + 1))
        if len(found) > self._rare:
            return None
        # A name may have two words with this prefix.
        return list({item["entry"]["id"]: item["entry"] for item in found}.values())

    def _by_order(self, search: Search, limit: int, after: Position | None) -> Page[Item, Position]:
        """Entries of the sorted index from after a position."""
        order, sort_key, forward = _ORDERS[search.sort]
        hash_name = "listing" if search.category is None else "category"
        hash_key = search.category or ON_SALE
        condition, values = _range(search, sort_key)
        filters, filter_values = _filters(search, sort_key)
        start: Item | None = None
        if after:
            key = product_key(after["id"])
            start = {hash_name: hash_key, sort_key: after["key"], **key}
        found: list[Item] = []
        for _ in range(self._reads):
            page = self._table.query(
                f"#{hash_name} = :hash_key{condition}",
                {"hash_key": hash_key, **values, **filter_values},
                index=f"{'all' if search.category is None else 'category'}-by-{order}",
                filter=filters,
                limit=self._per_read if filters else limit + 1 - len(found),
                start=start,
                forward=forward,
            )
            found += [{"id": _id(item), sort_key: item[sort_key]} for item in page.items]
            start = page.last
            if len(found) > limit or start is None:
                return Page.cut(found, limit, lambda entry: _position(entry, sort_key))
        # The bound is reached before the end of the list, so the page is short.
        return Page(found, _position({"id": _id(start), **start}, sort_key) if start else None)


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
