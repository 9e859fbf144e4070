"""Functions die at random moments, while customers order and other functions run, and no promise is
broken.

Unlike the crash matrix, which plays one call after the other, many functions run at once here, and
several die.
"""

import random
from typing import Final

import pytest

from tests.outages.load import Load
from tests.support.invariants import DOUBLED, breaches

# The share of a function's invocations that is killed. Those that every order needs are killed less
# often, or the circuit breakers would stay open and no order could be placed.
_CHANCES: Final = {"UsersDirectory": 0.1, "ProductsInventory": 0.2, "OrdersApi": 0.35}
_CHANCE: Final = 0.5
# As long as most invocations take.
_LONGEST_SECONDS: Final = 0.15
_ORDERS_A_MINUTE: Final = 6
# As long as clients repeat their requests.
_CLIENTS_SECONDS: Final = 240
# Until every deadline has passed.
_LONG_ENOUGH_SECONDS: Final = 17 * 60


@pytest.mark.parametrize(
    ("wanted", "seed"),
    [
        (60, 0),
        *(
            pytest.param(500, seed, marks=[pytest.mark.torture, pytest.mark.timeout(3600)])
            for seed in range(1, 21)
        ),
    ],
)
@pytest.mark.timeout(600)
def test_promises_hold_when_functions_die_at_any_moment(load: Load, wanted: int, seed: int) -> None:
    shop, chance = load.shop, random.Random(seed)

    def lifetime(function: str) -> float | None:
        """Each moment of an invocation is as likely as any other."""
        if len(shop.killed) >= wanted or chance.random() > _CHANCES.get(function, _CHANCE):
            return None
        return chance.uniform(0, _LONGEST_SECONDS)

    shop.lifetime = lifetime
    while len(shop.killed) < wanted:
        now = shop.timeline.now
        load.spread(now, now + 60, _ORDERS_A_MINUTE)
        shop.run_until(now + 60)
    shop.lifetime = lambda _: None
    shop.run_until(shop.timeline.now + _CLIENTS_SECONDS)
    shop.come_to_rest()
    shop.run_until(shop.timeline.now + _LONG_ENOUGH_SECONDS)
    load.redrive()
    books = shop.books()
    found = breaches(books, shop.witness)
    doubled = [breach for breach in found if breach.startswith(DOUBLED)]
    # A worker that dies between SES's acceptance and the note of it sends its e-mail again.
    deaths = sum(function == "NotificationsWorker" for _, function, _ in shop.killed)
    assert len(doubled) <= deaths
    assert [breach for breach in found if breach not in doubled] == []
    assert len(books.orders) > wanted // 10
