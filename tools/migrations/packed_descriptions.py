"""Compresses long descriptions, and renews what searches read of long names, as releases did not
store them before."""

from products.catalogue.repository.items import (
    PACKED,
    PRODUCT_SK,
    admin_attributes,
    read_product,
)
from shared.storage.dynamodb import Item

TABLE = "ProductsTable"


def change(item: Item) -> Item | None:
    if item["sk"] != PRODUCT_SK:
        return None
    stored = admin_attributes(read_product(item))
    names = stored.keys() & {"description", PACKED, "name_words", "name_key"}
    return {name: stored[name] for name in names if stored[name] != item.get(name)} or None
