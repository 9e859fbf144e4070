"""A product as items: itself with the keys of its indexes, and its words."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from products.catalogue.models import Product
from products.catalogue.text import folded
from shared.runtime import context
from shared.storage.dynamodb import Item, Key

PRODUCT_SK: Final = "PRODUCT"
ON_SALE: Final = "ON_SALE"
# The index keys that a product has only while it is on sale, so that no index shows it afterwards.
SALE_KEYS: Final = ("listing", "price_key", "name_key", "created_key")

_FIELDS: Final = tuple(field.name for field in fields(Product))
_LONGEST_NAME_KEY: Final = 200
# Sorts before everything that a name may hold, so that "Red" comes before "Red Mug".
_END_OF_NAME: Final = "\x01"


def product_key(product_id: str) -> Key:
    return {"pk": f"PRODUCT#{product_id}", "sk": PRODUCT_SK}


def price_prefix(price_minor: int) -> str:
    """What the price keys of this price begin with; they sort as prices do."""
    return f"{price_minor:013d}#"


def sort_keys(product: Product) -> dict[str, str]:
    """Its places in the lists. They end with its id, so no two products have the same."""
    name = folded(product.name)[:_LONGEST_NAME_KEY]
    return {
        "price_key": price_prefix(product.price_minor) + product.id,
        "name_key": f"{name}{_END_OF_NAME}{product.id}",
        "created_key": f"{product.created_at}#{product.id}",
    }


def name_words(product: Product) -> str:
    """The words of its name as a filter can look for their beginnings: ` red mug `."""
    return f" {' '.join(product.words)} "


def product_attributes(product: Product) -> Item:
    """All that a change by a person may change, and what is made of it."""
    sale_keys = {"listing": ON_SALE, **sort_keys(product)} if product.is_active else {}
    return {
        "name": product.name,
        "description": product.description,
        "price_minor": product.price_minor,
        "category": product.category,
        "is_active": product.is_active,
        "edition": product.edition,
        "name_words": name_words(product),
        **sale_keys,
        **stamp(product.updated_at),
    }


def stamp(updated_at: str) -> dict[str, str]:
    """When a change was made and under which request. The relay of the release before reads both from the item."""
    return {"updated_at": updated_at, "request_id": context.request_id()}


def product_item(product: Product) -> Item:
    return {**product_key(product.id), **asdict(product), **product_attributes(product)}


def to_product(item: Mapping[str, Any]) -> Product:
    return Product(**{name: item[name] for name in _FIELDS})


def word_items(product: Product) -> dict[str, Item]:
    """The items of its words by their sort keys; none while it is not on sale."""
    if not product.is_active:
        return {}
    # Nested, so that none of it is a key of an index.
    entry = {
        "id": product.id,
        "price_minor": product.price_minor,
        "category": product.category,
        "name_words": name_words(product),
        **sort_keys(product),
    }
    return {
        sk: {"pk": word_partition(word), "sk": sk, "entry": entry}
        for word in product.words
        for sk in [f"{word}#{product.id}"]
    }


def word_partition(word: str) -> str:
    """Where the words are that begin like this one."""
    return f"WORD#{word[0]}"


def assigning(names: Iterable[str]) -> str:
    """The SET clause that gives each attribute the value of its name."""
    return "SET " + ", ".join(f"#{name} = :{name}" for name in names)
