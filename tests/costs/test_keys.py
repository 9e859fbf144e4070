"""What customers share in partition keys bounds the shop's rate: no flow takes more of a shared key
than is listed here, and none takes of a key that is not listed."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.costs import keys
from tests.costs.keys import Key, Load, Runs, Share
from tools.template import template

# What one run of a flow takes at most of one value of a key that all customers share, or all who
# buy one product: request units written and read.
_OF_ALL: Final[Mapping[str, tuple[float, float]]] = {
    # Each order. The totals, and pending orders, are in one partition for each of `Shards`.
    "NotificationsTable COUNTERS": (2, 0),
    "OrdersTable COUNTERS": (2, 1),
    "ProductsTable COUNTERS": (2, 0),
    "OrdersTable by-status pending": (2, 0.5),
    "OrdersTable by-status confirmed": (1, 0.5),
    "OrdersTable unsent <shard>": (1, 0),
    "OrdersTable due <shard>": (1, 0),
    "ProductsTable due <shard>": (0.5, 0),
    # Once in five seconds for each environment.
    "OrdersTable CIRCUITS": (0, 0.5),
    # What admins do with an order.
    "OrdersTable by-status cancelled": (1, 0.5),
    "OrdersTable by-status shipped": (1, 0.5),
    "OrdersTable by-status delivered": (0, 0.5),
    "OrdersTable ORDER#<id>": (0, 0.5),
    # Accounts. The attempts are those of one network: here all have one address.
    "CredentialsTable ATTEMPTS#<id>": (1, 0),
    "CredentialsTable EMAILS#<id>": (1, 0),
    "UsersTable COUNTERS": (2, 0),
    "UsersTable NOBODY": (0, 1),
    "UsersTable USER#<id>": (0, 1),
    "UsersTable by-activity active": (1, 0),
    "UsersTable by-creation USER": (1, 0.5),
    "UsersTable unsent <shard>": (1, 0),
    # Lists of products, and a product that is added.
    "ProductsTable PRODUCT#<id>": (0, 0.5),
    "ProductsTable CATEGORIES": (2, 0),
    "ProductsTable WORD#g": (2, 0),
    "ProductsTable WORD#k": (2, 0),
    "ProductsTable WORD#m": (0, 0.5),
    "ProductsTable WORD#r": (0, 0.5),
    **{f"ProductsTable all-by-{order} ON_SALE": (1, 0.5) for order in ("price", "name", "newest")},
    **{
        f"ProductsTable category-by-{order} tests": (1, 0.5)
        for order in ("price", "name", "newest")
    },
}
# The same for the orders of one product, or of one customer.
_OF_ONE: Final[Mapping[str, tuple[float, float]]] = {
    "ProductsTable PRODUCT#<id>": (2, 1),
    "OrdersTable by-user <id>": (1, 0),
    "UsersTable USER#<id>": (0, 1),
    # The events of an order read what the mailbox has had since.
    "NotificationsTable USER#<id>": (6, 10),
    "NotificationsTable read_state USER#<id>#unread": (2, 0),
}


@pytest.fixture(scope="module")
def runs() -> list[Runs]:
    return keys.recorded()


def over_budget(shares: list[Share]) -> dict[str, Any]:
    """The shares that exceed their budgets or are not listed."""
    over: dict[str, Any] = {}
    for share in shares:
        budgets = _OF_ALL if share.is_of_all else _OF_ONE
        writes, reads = budgets.get(str(share.key), (0, 0))
        if share.load.writes > writes or share.load.reads > reads:
            over[f"{share.flow}: {share.key}"] = share.load, (writes, reads)
    return over


def test_no_flow_takes_more_of_a_shared_key_than_its_budget(runs: list[Runs]) -> None:
    assert not over_budget(keys.shares(runs))


def test_orders_of_different_customers_and_products_share_keys_with_a_ceiling(
    runs: list[Runs],
) -> None:
    shares = [share for share in keys.shares(runs) if share.flow == keys.ORDER]
    hot = {str(share.key) for share in shares if share.is_of_all}
    own = {str(share.key) for share in shares if not share.is_of_all}
    assert "OrdersTable by-status pending" in hot
    assert "ProductsTable PRODUCT#<id>" in own - hot
    assert not {key for key in hot | own if "ORDER#" in key or "RESERVATION#" in key}
    assert max(share.load.ceiling for share in shares) < float("inf")


def test_key_of_an_index_that_all_items_share_is_over_budget(runs: list[Runs]) -> None:
    hot = Key("OrdersTable", "by-day", "2026-11-20")
    spread = [Key("OrdersTable", "by-day", f"2026-11-20#{place}") for place in range(4)]
    for added, units in (([hot], 1.0), (spread, 0.25)):
        more = []
        for run in runs:
            load = Load(run.number / len(added) if run.flow == keys.ORDER else 0)
            more.append(run._replace(taken={**run.taken, **dict.fromkeys(added, load)}))
        [(where, (load, _))] = over_budget(keys.shares(more)).items()
        assert where == f"{keys.ORDER}: OrdersTable by-day 2026-11-20"
        assert load == Load(units)


@pytest.mark.skipif("Shards" not in template()["Parameters"], reason="this release has no shards")
def test_every_key_that_all_orders_share_is_spread_over_the_shards(runs: list[Runs]) -> None:
    values = keys.values_of_orders(runs)
    doubled = keys.values_of_orders(keys.recorded(shards=2, names=()))
    assert doubled == {key: 2 * number for key, number in values.items()}
