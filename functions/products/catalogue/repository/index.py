"""Finding products on sale: by the sorted indexes, or by the words of their names, and by neither more than a bound."""

from collections.abc import Mapping
from typing import Any, Final

from products.catalogue.models import Place, Product, ProductPage, Search, Sort
from products.catalogue.repository.items import (
    ON_SALE,
    price_prefix,
    product_key,
    to_product,
    word_partition,
)
from shared.storage.dynamodb import Item, Table

# By sort: the index's name, its sort key, and whether it is read forward.
_ORDERS: Final[Mapping[Sort, tuple[str, str, bool]]] = {
    "price": ("price", "price_key", True),
    "-price": ("price", "price_key", False),
    "name": ("name", "name_key", True),
    "newest": ("newest", "created_key", False),
}
_AFTER_ALL_IDS: Final = "~"


class DynamoProductIndex:
    """The catalogue's lists. A place in one is the last product's sort key and id, whichever way it was found.

    Args:
        rare: a word that more names have is not gathered; a sorted index finds enough of them on its way.
        reads, per_read: what one request may read of a sorted index where it has to leave products out.
    """

    def __init__(
        self, table: Table, *, rare: int = 1000, reads: int = 8, per_read: int = 500
    ) -> None:
        self._table = table
        self._rare = rare
        self._reads = reads
        self._per_read = per_read

    def page(self, search: Search, *, limit: int, after: Place | None) -> ProductPage:
        entries = self._by_words(search)
        if entries is None:
            entries, last = self._by_order(search, limit, after)
        else:
            entries, last = _cut(entries, search.sort, limit, after)
        return ProductPage(self._products(search, [entry["id"] for entry in entries]), last)

    def _products(self, search: Search, ids: list[str]) -> list[Product]:
        """The products in this order, with their stock of the moment.

        Indexes are a moment behind: what was withdrawn or changed since is left out.
        """
        items = self._table.get_many([product_key(id_) for id_ in ids])
        found = {item["id"]: to_product(item) for item in items}
        return [found[id_] for id_ in ids if id_ in found and search.finds(found[id_])]

    def _by_words(self, search: Search) -> list[Item] | None:
        """All entries that the search finds, by the rarest word asked for; None without words or if none is rare."""
        for prefix in sorted(search.prefixes, key=len, reverse=True):
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
        """The entries of all products with such a word; None if there are too many."""
        entries: dict[str, Item] = {}
        read = 0
        start: Item | None = None
        while True:
            page = self._table.query(
                "#pk = :pk AND begins_with(#sk, :prefix)",
                {"pk": word_partition(prefix), "prefix": prefix},
                limit=self._rare + 1 - read,
                start=start,
            )
            read += len(page.items)
            # A name may have two words that begin so.
            entries |= {item["entry"]["id"]: item["entry"] for item in page.items}
            start = page.last_key
            if read > self._rare:
                return None
            if start is None:
                return list(entries.values())

    def _by_order(
        self, search: Search, limit: int, after: Place | None
    ) -> tuple[list[Item], Place | None]:
        """Entries of the index in the order asked for, from after a place, and the place to go on from."""
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
            start = page.last_key
            if len(found) > limit:
                return found[:limit], _place(found[limit - 1], sort_key)
            if start is None:
                return found, None
        # The bound is reached before the end, so the page is short.
        return found, _place({"id": _id(start), **start}, sort_key) if start else None


def _cut(
    entries: list[Item], sort: Sort, limit: int, after: Place | None
) -> tuple[list[Item], Place | None]:
    """The page of a whole list that begins after a place, and the place to go on from."""
    _, sort_key, forward = _ORDERS[sort]
    ordered = sorted(entries, key=lambda entry: str(entry[sort_key]), reverse=not forward)
    if after:
        key = after["key"]
        ordered = [e for e in ordered if (e[sort_key] > key if forward else e[sort_key] < key)]
    last = _place(ordered[limit - 1], sort_key) if len(ordered) > limit else None
    return ordered[:limit], last


def _place(entry: Item, sort_key: str) -> Place:
    return {"key": entry[sort_key], "id": entry["id"]}


def _id(item: Item) -> str:
    return str(item["pk"]).partition("#")[2]


def _range(search: Search, sort_key: str) -> tuple[str, dict[str, Any]]:
    """The prices asked for as a condition on the key, where the key is the price."""
    lowest, highest = search.min_price_minor, search.max_price_minor
    if sort_key != "price_key" or (lowest is None and highest is None):
        return "", {}
    values: dict[str, Any] = {}
    if lowest is not None:
        values["lowest"] = price_prefix(lowest)
    if highest is not None:
        values["highest"] = price_prefix(highest) + _AFTER_ALL_IDS
    if len(values) == 2:
        return " AND #price_key BETWEEN :lowest AND :highest", values
    return f" AND #price_key {'>=' if lowest is not None else '<='} :{next(iter(values))}", values


def _filters(search: Search, sort_key: str) -> tuple[str | None, dict[str, Any]]:
    """What the key cannot say."""
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
    for place, prefix in enumerate(search.prefixes):
        conditions.append(f"contains(#name_words, :word{place})")
        values[f"word{place}"] = f" {prefix}"
    return " AND ".join(conditions) or None, values
