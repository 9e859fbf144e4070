"""Lambda entry for HTTP: the catalogue."""

from dataclasses import dataclass

from products.catalogue.repository.index import DynamoProductIndex
from products.catalogue.repository.products import DynamoProducts
from products.catalogue.routes import router
from products.catalogue.service import CatalogueService
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import ApiSettings
from shared.storage.dynamodb import Table
from shared.web.app import create_service_app, lambda_handler


@dataclass(frozen=True)
class Settings(ApiSettings):
    """The function's settings.

    Attributes:
        currency: the shop's currency (ISO 4217).
        low_stock_threshold: a product on sale with fewer available units is reported.
    """

    currency: str
    low_stock_threshold: int


def build(settings: Settings) -> Handler:
    """Wire the function."""
    table = Table(settings.table_name, client("dynamodb"), shards=settings.shards)
    service = CatalogueService(
        DynamoProducts(table, low_stock_threshold=settings.low_stock_threshold),
        DynamoProductIndex(table),
        currency=settings.currency,
    )
    app = create_service_app("products", router, settings, table.client, service=service)
    return lambda_handler(app, warm_up_path="/api/v1/products/-")


handler = Entry(build, Settings)
