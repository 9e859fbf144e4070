"""The rules of reservations."""

import pytest

from products.reservations.models import Reservation
from shared.contracts.inventory import ReservationEnded
from tests.products.builders import LATER, MUCH_LATER, NOW, a_priced_line, a_product


def a_reservation() -> Reservation:
    return Reservation.held("order-1", (a_priced_line(a_product()),), at=NOW)


def test_a_reservation_is_held_for_fifteen_minutes() -> None:
    held = a_reservation()
    assert held.expires_at == "2026-11-20T08:45:00.000Z"
    assert not held.has_expired(LATER)
    assert held.has_expired(MUCH_LATER)


def test_only_what_is_held_expires() -> None:
    held = a_reservation()
    assert not held.confirmed().has_expired(MUCH_LATER)
    assert not held.released().has_expired(MUCH_LATER)


def test_a_reservation_is_confirmed_once_and_never_after_its_release() -> None:
    confirmed = a_reservation().confirmed()
    assert (confirmed.state, confirmed.pool) == ("confirmed", "taken")
    assert confirmed.confirmed() is confirmed
    with pytest.raises(ReservationEnded):
        confirmed.released().confirmed()


def test_a_reservation_is_released_once_held_or_confirmed() -> None:
    held = a_reservation()
    assert held.released().pool == "available"
    assert held.confirmed().released() == held.released()
    assert held.released().released() == held.released()
