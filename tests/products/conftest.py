"""Where products are kept: in memory and in DynamoDB, for the tests that both must pass."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from products.models import Product, ProductChanges, Search
from products.ports import Outbox, ProductIndex, Products, Reservations
from products.repository.index import DynamoProductIndex
from products.repository.products import DynamoProducts
from products.repository.reservations import DynamoReservations
from shared.dynamodb import Table
from tests.products.builders import LATER, SHELF, Clock
from tests.products.fakes import InMemoryReservations, InMemoryShop
from tests.support.aws import make_table, mocked_account


@dataclass(frozen=True)
class Stores:
    """One shop's, and what tests do with them."""

    products: Products
    index: ProductIndex
    reservations: Reservations
    outbox: Outbox

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
def clock() -> Clock:
    return Clock()


def in_memory() -> Stores:
    shop = InMemoryShop()
    return Stores(shop, shop, InMemoryReservations(shop), shop)


def in_dynamodb(table: Table) -> Stores:
    products = DynamoProducts(table)
    return Stores(products, DynamoProductIndex(table), DynamoReservations(table), products)


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
