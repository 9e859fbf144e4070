"""The stores of the products service."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from products.catalogue.models import Product, ProductChanges, Search
from products.catalogue.repository.index import DynamoProductIndex
from products.catalogue.repository.products import DynamoProducts
from products.reservations.models import Reservation
from products.reservations.repository import DynamoReservations
from shared.contracts.events import Event
from shared.storage.dynamodb import Table
from tests.products.builders import LATER, NOW
from tests.support.aws import before_next, simulated_table
from tests.support.clock import ManualClock

THRESHOLD: Final = 5


class Stores:
    """The stores of the products service in one table, with shortcuts for tests."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.products = DynamoProducts(table, low_stock_threshold=THRESHOLD)
        self.index = DynamoProductIndex(table)
        self.reservations = DynamoReservations(table, low_stock_threshold=THRESHOLD)

    def events(self) -> list[Event]:
        """Those that wait to be published."""
        shards = (self.table.query("#unsent = :n", {"n": f"{n}"}, index="unsent") for n in range(4))
        return [Event.model_validate(item["event"]) for shard in shards for item in shard.items]

    def before_transaction(self, *rivals: Callable[[], object]) -> None:
        """Let concurrent requests come before the next transactions."""
        before_next(self.table, "transact_write_items", *rivals)

    def add(self, *products: Product) -> None:
        for product in products:
            self.products.add(product)

    def current(self, product: Product) -> Product:
        found = self.products.find(product.id)
        assert found is not None
        return found

    def units(self, product: Product) -> tuple[int, int]:
        current = self.current(product)
        return current.available, current.taken

    def change(self, product: Product, changes: ProductChanges) -> None:
        before = self.current(product)
        self.products.change(before, before.changed(changes, at=LATER), exactly=False)

    def restock(self, seen: Product, delta: int) -> None:
        self.products.restock(seen, delta, at=LATER, receipt=None)

    def hold(self, *lines: tuple[Product, int], order_id: str = "order-1") -> Reservation:
        """Hold lines of products as they were seen."""
        priced = tuple(product.priced(quantity) for product, quantity in lines)
        reservation = Reservation.held(order_id, priced, at=NOW)
        seen = {product.id: product for product, _ in lines}
        self.reservations.hold(reservation, seen, at=NOW)
        return reservation

    def ids(self, **search: Any) -> str:
        """The ids of what a search finds, on one page."""
        page = self.index.page(Search(**search), limit=20, after=None)
        assert page.last is None
        return " ".join(product.id for product in page.items)


@pytest.fixture
def table() -> Table:
    return simulated_table("ProductsTable")


@pytest.fixture
def stores(table: Table) -> Stores:
    """Empty stores."""
    return Stores(table)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)
