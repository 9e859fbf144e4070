"""Compresses long descriptions that were stored before releases did so."""

from products.catalogue.repository.items import (
    PACKED,
    PRODUCT_SK,
    admin_attributes,
    read_product,
)
from shared.storage.dynamodb import Item

TABLE = "ProductsTable"


def change(item: Item) -> Item | None:
    if item["sk"] != PRODUCT_SK or PACKED in item:
        return None
    stored = admin_attributes(read_product(item))
    return {name: stored[name] for name in ("description", PACKED)} if PACKED in stored else None
