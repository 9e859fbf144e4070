"""A product as items: the product with the keys of its indexes, and its words."""

import math
import re
import zlib
from collections.abc import Iterable
from typing import Final

from products.catalogue.models import Product
from products.catalogue.text import cut, folded, former_words_of
from shared.runtime import logging
from shared.storage.dynamodb import Item, Key, Update
from shared.storage.items import from_item, to_item

PRODUCT_SK: Final = "PRODUCT"
ON_SALE: Final = "ON_SALE"
CATEGORIES: Final = "CATEGORIES"
# The keys of the indexes. Only a product on sale has them, so no index has a withdrawn one.
SALE_KEYS: Final = ("listing", "price_key", "name_key", "created_key")

# A long description, compressed. `description` is empty then. If it is not, the release before has
# changed it since, and it counts.
PACKED: Final = "packed_description"

# The most bytes of an entry: of a word's, and of one in a sorted index without its partition key
# and without a name in its sort key.
WORD_ENTRY_BYTES: Final = 1300
SORTED_ENTRY_BYTES: Final = 575
NAME_KEY_BYTES: Final = 128

_WRITE_BYTES: Final = 1024  # a write unit's
_READ_BYTES: Final = 4096
_GROWTH: Final = 256  # of an item by other changes than an admin's
_PRODUCT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Sorts before every character of a name, so that "Red" comes before "Red Mug".
_END_OF_NAME: Final = "\x01"
_UNITS: Final = "\x01"  # no word has it


def is_product_id(text: str) -> bool:
    """Whether it has the form of a product's id; a key of DynamoDB cannot hold every text."""
    return _PRODUCT_ID.fullmatch(text) is not None


def product_key(product_id: str) -> Key:
    return {"pk": f"PRODUCT#{product_id}", "sk": PRODUCT_SK}


def counting(category: str, more: int) -> Update:
    """The operation that adds to the number of products on sale of a category."""
    return Update({"pk": CATEGORIES, "sk": category}, "ADD #total :more", values={"more": more})


def price_prefix(price_minor: int) -> str:
    """The beginning of the price keys of this price; they sort as prices do."""
    return f"{price_minor:013d}#"


def sort_keys(product: Product) -> dict[str, str]:
    """Its sort keys in the indexes. They end with its id, so that they are unique."""
    name = cut(folded(product.name), NAME_KEY_BYTES)
    return {
        "price_key": price_prefix(product.price_minor) + product.id,
        "name_key": f"{name}{_END_OF_NAME}{product.id}",
        "created_key": f"{product.created_at}#{product.id}",
    }


def read_units(name_words: str) -> float:
    """The units that a read of the product takes, by the words in an entry of it."""
    return 0.5 * int(name_words.partition(_UNITS)[2] or 1)


def admin_attributes(product: Product) -> Item:
    """All attributes that an admin may change, and those that are derived from them.

    `name_words` has the words in a form in which a filter can search for prefixes: ` red mug `.
    Behind them follows how many units a read of the item takes, unless it is one.
    """
    sale_keys = {"listing": ON_SALE, **sort_keys(product)} if product.is_active else {}
    others: Item = {
        "name": product.name,
        "price_minor": product.price_minor,
        "category": product.category,
        "is_active": product.is_active,
        "edition": product.edition,
        "name_words": f" {' '.join(product.words)} ",
        **sale_keys,
        **stamp(product.updated_at),
    }
    rest = {**product_key(product.id), **to_item(product, omit=("description",)), **others}
    size = sum(len(name) + len(str(value).encode()) for name, value in rest.items())
    plain = product.description.encode()
    packed = zlib.compress(plain, 9)
    # Compressed where that saves a write unit: each reservation of the product writes its whole
    # item again.
    saves = (size + len(packed)) // _WRITE_BYTES < (size + len(plain)) // _WRITE_BYTES
    size += len(packed if saves else plain) + _GROWTH
    if size > _READ_BYTES:
        others["name_words"] += f"{_UNITS}{math.ceil(size / _READ_BYTES)}"
    if saves:
        return {**others, "description": "", PACKED: packed}
    return {**others, "description": product.description}


def read_product(item: Item) -> Product:
    """The product that is stored as the item."""
    if PACKED not in item or item["description"]:
        return from_item(Product, item)
    description = zlib.decompress(bytes(item[PACKED])).decode()
    return from_item(Product, item, description=description)


def stamp(updated_at: str) -> dict[str, str]:
    """When a change was made, and in which request. The previous release's relay reads both."""
    return {"updated_at": updated_at, "request_id": logging.request_id()}


def product_item(product: Product) -> Item:
    return {**product_key(product.id), **to_item(product), **admin_attributes(product)}


def word_items(product: Product) -> dict[str, Item]:
    """The items of its words by their sort keys; none while it is not on sale."""
    if not product.is_active:
        return {}
    shown = ("price_minor", "category", "name_words", *SALE_KEYS[1:])
    attributes = admin_attributes(product)
    # Nested, so that none of it is a key of an index.
    entry = {"id": product.id} | {name: attributes[name] for name in shown}
    return {key["sk"]: {**key, "entry": entry} for key in _word_keys(product, product.words)}


def stored_words(product: Product) -> dict[str, Key]:
    """The keys of all items that its words may have, by their sort keys; also of those that the
    release before has written of a long name."""
    if not product.is_active:
        return {}
    words = (*product.words, *former_words_of(product.name))
    return {key["sk"]: key for key in _word_keys(product, words)}


def _word_keys(product: Product, words: Iterable[str]) -> list[Key]:
    return [{"pk": word_partition(word), "sk": f"{word}#{product.id}"} for word in words]


def word_partition(word: str) -> str:
    """The partition of the words with the same first character."""
    return f"WORD#{word[0]}"
