"""Products with descriptions as long as real ones, which compress like prose."""

import re
from functools import cache
from pydoc_data.topics import topics
from typing import Any, Final

from tests.costs.meter import MeteredShop

_MANY: Final = 100_000
_KINDS: Final = ("Mug", "Teapot", "Lamp", "Blanket", "Knife", "Basket", "Chair", "Scarf")


@cache
def _prose() -> str:
    """English that is at hand: Python's reference, without its markup."""
    return re.sub(r"[^A-Za-z,. ]+", " ", " ".join(topics.values())).replace("  ", " ")


def description(length: int, number: int) -> str:
    """A text of so many characters, another one for each number."""
    begin = number * length % (len(_prose()) - length)
    return _prose()[begin : begin + length].strip().ljust(length, ".")


def add_products(shop: MeteredShop, count: int, *, length: int) -> list[dict[str, Any]]:
    """Add so many products with stock."""
    return [
        shop.admin.add_product(
            name=f"{_KINDS[number % len(_KINDS)]} no. {number}",
            price=f"{5 + number % 90}.50",
            stock=_MANY,
            description=description(length, number),
        )
        for number in range(1, count + 1)
    ]
