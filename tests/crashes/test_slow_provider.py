"""An e-mail provider that accepts each e-mail and answers after the time-out causes two copies at
most."""

from collections import Counter
from datetime import timedelta

from tests.simulation.shop import SimulatedShop
from tests.support.invariants import DOUBLED, breaches

_MINUTE = timedelta(minutes=1)
_MOST = 2


def _emails(shop: SimulatedShop, before: int) -> Counter[tuple[str, str]]:
    taken = shop.cloud.handed_over[before:]
    return Counter((email.to, email.subject) for email in taken)


def _an_hour(shop: SimulatedShop) -> None:
    for _ in range(60):
        shop.settle()
        shop.pass_time(_MINUTE)


def test_a_slow_provider_sends_each_email_twice_at_most(shop: SimulatedShop) -> None:
    before = len(shop.cloud.handed_over)
    shop.order((shop.mug, 4), (shop.tray, 1), key="an-order")
    with shop.answering_late("sesv2", "SendEmail"):
        _an_hour(shop)
    taken = _emails(shop, before)
    assert len(taken) == 2
    assert max(taken.values()) <= _MOST
    # It is unknown whether the customer has them: an operator decides.
    parked = shop.cloud.queues["NotificationsDeadLetters"].messages
    assert {m.attributes["Reason"]["StringValue"].partition(":")[0] for m in parked} == {
        "OutcomeUnknown"
    }
    assert len(parked) == len(taken)
    shop.redrive()
    shop.come_to_rest()
    assert max(_emails(shop, before).values()) <= _MOST + 1
    broken = [b for b in breaches(shop.books(), shop.witness) if not b.startswith(DOUBLED)]
    assert broken == []


def test_a_provider_that_was_slow_once_sends_each_email_twice_at_most(shop: SimulatedShop) -> None:
    before = len(shop.cloud.handed_over)
    shop.order((shop.mug, 4), (shop.tray, 1), key="an-order")
    with shop.answering_late("sesv2", "SendEmail"):
        for _ in range(5):
            shop.settle()
            shop.pass_time(_MINUTE)
    _an_hour(shop)
    assert set(_emails(shop, before).values()) == {2}
    assert shop.is_quiet()
    assert shop.cloud.queues["NotificationsDeadLetters"].messages == []
    broken = [b for b in breaches(shop.books(), shop.witness) if not b.startswith(DOUBLED)]
    assert broken == []
