"""The transitions of reservations."""

import pytest

from products.reservations.models import Reservation
from shared.contracts.inventory import ReservationEnded
from tests.products.builders import AFTER_EXPIRY, LATER, NOW, a_product


@pytest.fixture
def held() -> Reservation:
    return Reservation.held("order-1", (a_product().priced(1),), at=NOW)


def test_held_reservation_expires_after_15_minutes(held: Reservation) -> None:
    assert held.expires_at == "2026-11-20T08:45:00.000Z"
    assert not held.has_expired(LATER)
    assert held.has_expired(AFTER_EXPIRY)
    assert not held.confirmed().has_expired(AFTER_EXPIRY)
    assert not held.released().has_expired(AFTER_EXPIRY)


def test_reservation_is_confirmed_unless_it_is_released(held: Reservation) -> None:
    confirmed = held.confirmed()
    assert confirmed.confirmed() is confirmed
    with pytest.raises(ReservationEnded):
        confirmed.released().confirmed()
