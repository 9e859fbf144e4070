"""A crowd that is made on demand is the same to the shop as one that is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.crowd import Crowded
from bench.shop import Shop, opened
from bench.volume import counted, fill

ITEMS: Final = 600
LISTS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("customer", "orders", {}),
    ("customer", "orders", {"status": "confirmed"}),
    ("admin", "orders", {}),
    ("admin", "orders", {"status": "delivered"}),
    ("admin", "users", {}),
    ("customer", "notifications", {}),
    ("customer", "notifications", {"unread": "true"}),
    ("anyone", "products", {"sort": "newest"}),
    ("anyone", "products", {"sort": "name", "category": "others"}),
    ("anyone", "products", {"sort": "-price"}),
    ("anyone", "products", {"q": "mug"}),
)


@contextmanager
def crowded(*, is_there: bool) -> Iterator[Shop]:
    with opened() as shop:
        fill(shop, ITEMS)
        tables = shop.town.cloud.dynamodb.tables
        for name, table in tables.items():
            assert isinstance(table, Crowded)
            if is_there:
                tables[name] = table.with_all_items()
                assert len(tables[name].items) > ITEMS * 0.9
        yield shop


def listed(shop: Shop, who: str, what: str, query: dict[str, str]) -> list[str]:
    """Of all that a list has, page by page, what was there before the shop opened."""
    found: list[dict[str, str]] = []
    page = {"limit": "17", **query}
    while True:
        answer = getattr(shop, who).get(f"/api/v1/{what}", params=page)
        assert answer.is_success, answer.text
        found += answer.json()[what]
        if answer.json()["next_cursor"] is None:
            return [one["id"] for one in found if one["created_at"] < "2026"]
        page["cursor"] = answer.json()["next_cursor"]


def test_what_is_made_when_it_is_asked_for_is_listed_and_costs_as_if_it_were_there() -> None:
    with crowded(is_there=False) as shop:
        made = [listed(shop, *one) for one in LISTS], counted(shop)
    assert all(made[0])
    with crowded(is_there=True) as shop:
        assert ([listed(shop, *one) for one in LISTS], counted(shop)) == made
