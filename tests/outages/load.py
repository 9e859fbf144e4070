"""Steady load: customers order, cancel, register and are erased, with clients that do not give up
at once."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from tests.outages.alarms import Watch
from tests.simulation.resources import WORKERS
from tests.simulation.stripe import paid_through_stripe
from tests.simulation.timed import TimedShop
from tests.support.client import RenewingClient, is_in_progress

# How long a client goes on asking.
_CLIENT_SECONDS: Final = 180
_LONGEST_PAUSE_SECONDS: Final = 30
# Until alarms have ended.
_ALARMS_SECONDS: Final = 600
# What becomes of the orders, in turn.
_KINDS: Final = ("paid", "acts", "declined", "cancelled", "paid", "no answer", "registered")
_TOKENS: Final = {"acts": "tok_action", "declined": "tok_declined", "no answer": "tok_timeout"}


@dataclass
class Load:
    """Customers who are at work in a shop.

    Attributes:
        gave_up: what clients asked for in vain, and since when.
    """

    shop: TimedShop
    customers: list[RenewingClient]
    leaving: RenewingClient
    watch: Watch
    gave_up: list[tuple[float, str]] = field(default_factory=list)
    _left: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def renew(self) -> None:
        """Another customer for `erase_at`, and tokens that are new."""
        anyone = self.shop.anyone
        assert isinstance(anyone, RenewingClient)
        self.leaving = anyone.register(email=f"leaving-{next(self._left)}@example.com")
        for client in (*self.customers, self.shop.admin):
            client.log_in()
        self.shop.come_to_rest()

    def spread(self, begin: float, end: float, orders: int) -> None:
        """Let so many orders be placed, evenly."""
        for place in range(orders):
            number = next(self._numbers)
            when = begin + (end - begin) * place / orders
            self.shop.at(when, lambda number=number: self._one(number))  # type: ignore[misc]  # bound at once

    def place_at(self, when: float, customer: RenewingClient, key: str) -> None:
        """Let a customer place an order at a time."""

        def place() -> None:
            self._place(customer, key, {})

        self.shop.at(when, place)

    def erase_at(self, when: float) -> None:
        """Let a customer be erased who has ordered a minute before."""
        path = f"/api/v1/users/{self.leaving.user['id']}"

        def order() -> None:
            self._place(self.leaving, "the last one", {})

        def erase() -> None:
            self._persist("erase", lambda: self.shop.admin.delete(path, params={"erase": "true"}))

        self.shop.at(when - 60, order)
        self.shop.at(when, erase)

    def is_everything_done(self) -> bool:
        """Whether nothing is left to do. Stock that is held for an order that was never placed
        waits for its own end."""
        tables = self.shop.cloud.dynamodb.tables
        return self.shop.is_quiet() and not any(
            "unsent" in item or ("due" in item and name == "OrdersTable")
            for name, table in tables.items()
            for item in table.items.values()
        )

    def redrive(self) -> dict[str, int]:
        """An operator moves all dead letters back, an hour later; how many there were of each
        queue."""
        queues = self.shop.cloud.queues
        given_up = {
            queue: len(queues[queues[queue].dead_letters or ""].messages) for queue in WORKERS
        }
        if self.shop.redrive():
            self.shop.poll()
            self.shop.come_to_rest()
            self.shop.run_until(self.shop.timeline.now + _ALARMS_SECONDS)
        return given_up

    def _one(self, number: int) -> None:
        kind = _KINDS[number % len(_KINDS)]
        customer = self.customers[number % len(self.customers)]
        token = _TOKENS.get(kind)
        if kind == "registered":
            self._register(number)
            return
        placed = self._place(customer, str(number), {"payment_token": token} if token else {})
        if placed and kind == "cancelled":
            # Some of them are confirmed by then.
            self.shop.pass_time(timedelta(seconds=0.5 if number % 2 else 5))
            path = f"/api/v1/orders/{placed['id']}/cancel"
            self._persist("cancel", lambda: customer.post(path))

    def _place(
        self, customer: RenewingClient, key: str, more: dict[str, Any]
    ) -> dict[str, Any] | None:
        answer = self._persist(
            "order", lambda: customer.try_order((self.shop.tray, 1), key=f"key-{key}", **more)
        )
        if answer is None or answer.status_code == 403:
            # Erased meanwhile.
            return None
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed

    def _register(self, number: int) -> None:
        account = {
            "email": f"number-{number}@example.com",
            "full_name": f"Number {number}",
            "password": "a-long-enough-password",
        }
        answer = self._persist("register", lambda: self.shop.anyone.post("/api/v1/users", account))
        # An earlier request, whose answer was lost, may have registered them.
        assert answer is None or answer.status_code in (201, 409), answer.text

    def _persist(self, what: str, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Ask until there is an answer, as a good client does; None if there is none for
        minutes."""
        begin, pause = self.shop.timeline.now, 1
        while True:
            if (answer := _answered(ask)) is not None:
                return answer
            if self.shop.timeline.now + pause > begin + _CLIENT_SECONDS:
                self.gave_up.append((begin, what))
                return None
            self.shop.pass_time(timedelta(seconds=pause))
            pause = min(_LONGEST_PAUSE_SECONDS, 2 * pause)


def _answered(ask: Callable[[], httpx.Response]) -> httpx.Response | None:
    try:
        answer = ask()
    except AssertionError:
        # Could not log in again.
        return None
    if answer.status_code >= 500 or answer.status_code in (401, 429):
        return None
    return None if is_in_progress(answer) else answer


@contextmanager
def opened() -> Iterator[Load]:
    """A shop that is open, and its customers."""
    # `python -m tests.outages.…` loads no conftest.
    os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Bodega")
    with TimedShop() as shop:
        yield _opened(shop)


def _opened(shop: TimedShop) -> Load:
    shop.open()
    stock = f"/api/v1/products/{shop.tray['id']}/stock"
    shop.admin.post(stock, {"delta": 5000}, headers={"Idempotency-Key": "for-all"})
    anyone = shop.anyone
    assert isinstance(anyone, RenewingClient)
    customers = [anyone.register(email=f"regular-{n}@example.com") for n in range(3)]
    load = Load(shop, customers, leaving=anyone, watch=Watch(shop))
    load.renew()
    return load


@pytest.fixture
def load() -> Iterator[Load]:
    with opened() as load:
        yield load


@pytest.fixture
def stripe_load() -> Iterator[Load]:
    """A shop that is paid through Stripe."""
    with TimedShop() as shop, paid_through_stripe(shop):
        yield _opened(shop)
