"""The stores of the products service, in memory and in DynamoDB."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from products.catalogue.models import Product, ProductChanges, Search
from products.catalogue.ports import ProductIndex, Products
from products.catalogue.repository.index import DynamoProductIndex
from products.catalogue.repository.products import DynamoProducts
from products.reservations.models import Reservation
from products.reservations.ports import Reservations
from products.reservations.repository import DynamoReservations
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.storage.dynamodb import Table
from tests.products.builders import LATER, NOW
from tests.products.fakes import InMemoryProducts, InMemoryReservations
from tests.support.aws import make_table
from tests.support.clock import ManualClock

THRESHOLD: Final = 5


@dataclass(frozen=True)
class Stores:
    """The stores of one kind, with shortcuts for tests."""

    products: Products
    index: ProductIndex
    reservations: Reservations
    events: Callable[[], list[Event]]

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


def in_memory() -> Stores:
    products = InMemoryProducts(THRESHOLD)
    return Stores(products, products, InMemoryReservations(products), lambda: products.events)


def in_dynamodb(table: Table) -> Stores:
    def events() -> list[Event]:
        found = (table.query("#unsent = :n", {"n": str(n)}, index=outbox.INDEX) for n in range(4))
        return [Event.model_validate(item["event"]) for page in found for item in page.items]

    return Stores(
        DynamoProducts(table, low_stock_threshold=THRESHOLD),
        DynamoProductIndex(table),
        DynamoReservations(table, low_stock_threshold=THRESHOLD),
        events,
    )


@pytest.fixture
def table(account: None) -> Table:
    return make_table("ProductsTable")


@pytest.fixture
def products() -> InMemoryProducts:
    return InMemoryProducts()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Empty stores."""
    if request.param == "memory":
        return in_memory()
    return in_dynamodb(request.getfixturevalue("table"))
