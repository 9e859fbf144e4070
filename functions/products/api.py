"""Lambda entry for HTTP: the catalogue."""

from dataclasses import dataclass

from fastapi import FastAPI

from products.catalogue.repository.index import DynamoProductIndex
from products.catalogue.repository.products import DynamoProducts
from products.catalogue.routes import router
from products.catalogue.service import CatalogueService
from shared.auth.tokens import TokenVerifier, keys_from_kms
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import ApiSettings
from shared.storage.dynamodb import Table
from shared.web import app as web
from shared.web.paging import Cursors, key_from_kms

__all__ = ["Settings", "build", "create_app", "handler", "router"]


@dataclass(frozen=True)
class Settings(ApiSettings):
    """The function's settings.

    Attributes:
        currency: the shop's currency (ISO 4217).
        low_stock_threshold: a product on sale with fewer available units is reported.
    """

    currency: str
    low_stock_threshold: int


def create_app(
    service: CatalogueService,
    *,
    verifier: TokenVerifier,
    cursors: Cursors,
    cors_origins: str = "",
) -> FastAPI:
    """The app of the products service."""
    app = web.create_app("products", router, verifier=verifier, cors_origins=cors_origins)
    app.state.service = service
    app.state.cursors = cursors
    return app


def build(settings: Settings) -> Handler:
    """Wire the function."""
    table = Table(settings.table_name, client("dynamodb"))
    kms = client("kms")
    service = CatalogueService(
        DynamoProducts(table, low_stock_threshold=settings.low_stock_threshold),
        DynamoProductIndex(table),
        currency=settings.currency,
    )
    verifier = TokenVerifier(settings.token_issuer, keys_from_kms(kms, settings.token_key_ids))
    app = create_app(
        service,
        verifier=verifier,
        cursors=Cursors(key_from_kms(kms, settings.cursor_key_id)),
        cors_origins=settings.cors_origins,
    )
    return web.lambda_handler(app, warm_up_path="/api/v1/products/-")


handler = Entry(build, Settings)
