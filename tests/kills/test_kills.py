"""Functions die at random moments, while customers order and other functions run, and no promise is
broken.

Unlike the crash matrix, which plays one call after the other, many functions run at once here, and
several die.
"""

from typing import Final

import pytest

from tests.kills.killer import Killer
from tests.outages.load import Load
from tests.support.invariants import DOUBLED, breaches

_ORDERS_A_MINUTE: Final = 6
# As long as clients repeat their requests.
_CLIENTS_SECONDS: Final = 240
# Until every deadline has passed.
_LONG_ENOUGH_SECONDS: Final = 17 * 60
_TORTURE: Final = range(1, 21)


@pytest.mark.parametrize(
    ("wanted", "seed"),
    [
        (100, 0),
        *(
            pytest.param(500, seed, marks=[pytest.mark.torture, pytest.mark.timeout(3600)])
            for seed in _TORTURE
        ),
    ],
)
@pytest.mark.timeout(600)
def test_promises_hold_when_functions_die_at_any_moment(load: Load, wanted: int, seed: int) -> None:
    shop = load.shop
    killer = Killer(shop, wanted, seed)
    while not killer.is_done:
        now = shop.timeline.now
        load.spread(now, now + 60, _ORDERS_A_MINUTE)
        shop.run_until(now + 60)
    killer.stop()
    shop.run_until(shop.timeline.now + _CLIENTS_SECONDS)
    shop.come_to_rest()
    shop.run_until(shop.timeline.now + _LONG_ENOUGH_SECONDS)
    load.redrive()
    books = shop.books()
    found = [b for b in breaches(books, shop.witness) if not b.startswith(DOUBLED)]
    assert found + killer.inexcusable_emails(books) == []
    assert len(books.orders) > wanted // 10
