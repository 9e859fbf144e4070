"""Where products are kept: in memory and in DynamoDB, for the tests that both must pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from products.catalogue.models import Product, ProductChanges, Search
from products.catalogue.ports import ProductIndex, Products
from products.catalogue.repository.index import DynamoProductIndex
from products.catalogue.repository.products import DynamoProducts
from products.reservations.ports import Reservations
from products.reservations.repository import DynamoReservations
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.storage.dynamodb import Table
from tests.products.builders import LATER, NOW, SHELF
from tests.products.fakes import InMemoryReservations, InMemoryShop
from tests.support.aws import make_table, mocked_account
from tests.support.clock import ManualClock

THRESHOLD: Final = 5


@dataclass(frozen=True)
class Stores:
    """One shop's, and what tests do with them."""

    products: Products
    index: ProductIndex
    reservations: Reservations
    facts: Callable[[], list[Event]]

    def keep(self, *products: Product) -> None:
        for product in products:
            self.products.add(product)

    def kept(self, product: Product) -> Product:
        """The product as it is now."""
        found = self.products.find(product.id)
        assert found is not None
        return found

    def change(self, product: Product, changes: ProductChanges) -> None:
        before = self.kept(product)
        self.products.change(before, before.changed(changes, at=LATER), exactly=False)

    def ids(self, **search: Any) -> str:
        """What a search finds, on one page."""
        page = self.index.page(Search(**search), limit=20, after=None)
        assert page.last is None
        return " ".join(product.id for product in page.products)


@pytest.fixture
def table(account: None) -> Table:
    """The template's table, empty."""
    return make_table("ProductsTable")


@pytest.fixture
def shop() -> InMemoryShop:
    return InMemoryShop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def in_memory() -> Stores:
    shop = InMemoryShop(THRESHOLD)
    return Stores(shop, shop, InMemoryReservations(shop), lambda: shop.facts)


def in_dynamodb(table: Table) -> Stores:
    def facts() -> list[Event]:
        found = (table.query("#unsent = :n", {"n": str(n)}, index=outbox.INDEX) for n in range(4))
        return [Event.model_validate(item["event"]) for page in found for item in page.items]

    return Stores(
        DynamoProducts(table, low_stock_threshold=THRESHOLD),
        DynamoProductIndex(table),
        DynamoReservations(table, low_stock_threshold=THRESHOLD),
        facts,
    )


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Empty ones, of each kind."""
    if request.param == "memory":
        return in_memory()
    return in_dynamodb(request.getfixturevalue("table"))


@pytest.fixture(scope="module", params=["memory", "dynamodb"])
def shelf(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Stores with the products of SHELF, for tests that only read."""
    with mocked_account():
        made = (
            in_memory() if request.param == "memory" else in_dynamodb(make_table("ProductsTable"))
        )
        made.keep(*SHELF)
        yield made
