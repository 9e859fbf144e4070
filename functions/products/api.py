"""Lambda entry for HTTP: the catalogue and its stock."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response

from products.etags import etag, versions
from products.models import Product, Search, Sort
from products.repository.index import DynamoProductIndex
from products.repository.products import DynamoProducts
from products.schemas import (
    AbsentIfBlank,
    Category,
    ProductChange,
    ProductList,
    ProductRequest,
    ProductsHealth,
    ProductView,
    StockChange,
)
from products.service.catalogue import CatalogueService
from products.words import words_of
from shared import health, http
from shared.auth import Admin
from shared.aws import client
from shared.cursors import Cursors, key_from_kms
from shared.dynamodb import Table
from shared.entry import Entry, Handler
from shared.errors import InvalidRequest
from shared.money import MinorUnits
from shared.settings import ApiSettings
from shared.tokens import TokenVerifier, keys_from_kms

_MOST_WORDS_ASKED = 10
# Anyone may keep an answer, and must ask whether it still holds: stock changes by the second.
_CACHING = {"Cache-Control": "public, no-cache"}

router = APIRouter(tags=["products"], route_class=http.ExactRoute)


async def _catalogue(request: Request) -> CatalogueService:
    service: CatalogueService = request.app.state.service
    return service


Catalogue = Annotated[CatalogueService, Depends(_catalogue)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="New for each change, the same when one is sent again: then it is made once.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETags that the change is meant for."),
]
IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="The ETags of what the caller has."),
]


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer with application/problem+json."""
    meanings = {
        400: "`malformed-json`, or `invalid-cursor` for a list",
        401: "`unauthenticated`",
        403: "`forbidden`: only an admin may do this",
        404: "`product-not-found`",
        409: "`out-of-stock`, with `product_id`, `requested`, `available`",
        412: "`version-conflict`: the product is not at a version of If-Match",
        413: "`payload-too-large`",
        415: "`unsupported-media-type`",
        422: "`invalid-request`, with `errors`; for a key that came with another body `idempotency-key-reused`",
        503: "`service-unavailable`: too many are changing the product; see Retry-After",
    }
    return {status: {"description": meanings[status]} for status in statuses}


@router.get(
    "/api/v1/products",
    operation_id="list_products",
    summary="Browse the products on sale",
    responses=_problems(400, 422),
)
async def list_products(
    *,
    catalogue: Catalogue,
    response: Response,
    category: Annotated[
        Category | None, AbsentIfBlank, Query(description="Exactly this category.")
    ] = None,
    min_price: Annotated[
        MinorUnits | None, AbsentIfBlank, Query(description="This price or more.")
    ] = None,
    max_price: Annotated[
        MinorUnits | None, AbsentIfBlank, Query(description="This price or less.")
    ] = None,
    q: Annotated[
        str | None,
        Query(max_length=200, description="Up to ten beginnings of words of the name."),
    ] = None,
    sort: Annotated[Sort, Query(description="`-price`: the dearest first.")] = "newest",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[
        str | None, Query(description="The `next_cursor` of the page before.")
    ] = None,
) -> ProductList:
    prefixes = words_of(q or "")
    _refuse_wrong_search(min_price, max_price, prefixes)
    response.headers.update(_CACHING)
    if q and q.strip() and not prefixes:
        # Something is asked for that is no word: no name has one like it.
        return ProductList(products=[], count=0, next_cursor=None)
    search = Search(category, min_price, max_price, prefixes, sort)
    listing = catalogue.list(search, limit=limit, cursor=cursor)
    return ProductList(
        products=[ProductView.of(product, catalogue.currency) for product in listing.products],
        count=len(listing.products),
        next_cursor=listing.next_cursor,
    )


def _refuse_wrong_search(
    min_price: int | None, max_price: int | None, prefixes: tuple[str, ...]
) -> None:
    if min_price is not None and max_price is not None and min_price > max_price:
        detail = "min_price: must not be above max_price"
        raise InvalidRequest([{"pointer": "#/query/min_price", "detail": detail}])
    if len(prefixes) > _MOST_WORDS_ASKED:
        detail = f"q: must have at most {_MOST_WORDS_ASKED} words"
        raise InvalidRequest([{"pointer": "#/query/q", "detail": detail}])


@router.post(
    "/api/v1/products",
    status_code=201,
    operation_id="add_product",
    summary="Put a product on sale",
    responses=_problems(400, 401, 403, 413, 415, 422, 503),
)
async def add_product(
    _admin: Admin, body: ProductRequest, catalogue: Catalogue, response: Response
) -> ProductView:
    product = catalogue.add(
        name=body.name,
        description=body.description,
        price_minor=body.price,
        category=body.category,
        stock=body.stock,
    )
    response.headers["Location"] = f"/api/v1/products/{product.id}"
    return _shown(product, catalogue, response)


@router.get(
    "/api/v1/products/{id}",
    response_model=ProductView,
    operation_id="get_product",
    summary="One product, also one that is not on sale any more",
    responses={304: {"description": "The caller has it already"}, **_problems(404)},
)
async def get_product(
    id: str,  # noqa: A002  # the path's name for it
    catalogue: Catalogue,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> ProductView | Response:
    product = catalogue.get(id)
    if if_none_match is not None:
        known = versions(if_none_match, weak=True)
        if known is None or product.version in known:
            return Response(status_code=304, headers={"ETag": etag(product.version), **_CACHING})
    response.headers.update(_CACHING)
    return _shown(product, catalogue, response)


@router.put(
    "/api/v1/products/{id}",
    operation_id="change_product",
    summary="Change a product; fields left out stay",
    responses=_problems(400, 401, 403, 404, 412, 413, 415, 422, 503),
)
async def change_product(
    _admin: Admin,
    id: str,  # noqa: A002  # the path's name for it
    body: ProductChange,
    catalogue: Catalogue,
    response: Response,
    if_match: IfMatch = None,
) -> ProductView:
    expected = None if if_match is None else versions(if_match, weak=False)
    product = catalogue.change(id, body.changes, expected=expected)
    return _shown(product, catalogue, response)


@router.delete(
    "/api/v1/products/{id}",
    status_code=204,
    operation_id="withdraw_product",
    summary="Take a product off sale",
    responses=_problems(401, 403, 404, 503),
)
async def withdraw_product(
    _admin: Admin,
    id: str,  # noqa: A002  # the path's name for it
    catalogue: Catalogue,
) -> None:
    catalogue.withdraw(id)


@router.post(
    "/api/v1/products/{id}/stock",
    operation_id="restock_product",
    summary="Add to a product's stock, or take from it",
    responses=_problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
)
async def restock_product(
    *,
    admin: Admin,
    id: str,  # noqa: A002  # the path's name for it
    body: StockChange,
    catalogue: Catalogue,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> ProductView:
    done = catalogue.restock(id, body.delta, caller_id=admin.id, idempotency_key=idempotency_key)
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return _shown(done.product, catalogue, response)


@router.get(
    "/health/products",
    operation_id="health_products",
    summary="How the service is, and what is on sale",
    response_model_exclude_none=True,
)
async def health_products(catalogue: Catalogue) -> ProductsHealth:
    return health.report(ProductsHealth, catalogue.totals)


def _shown(product: Product, catalogue: CatalogueService, response: Response) -> ProductView:
    response.headers["ETag"] = etag(product.version)
    return ProductView.of(product, catalogue.currency)


@dataclass(frozen=True)
class Settings(ApiSettings):
    """What the function reads. `currency` is the shop's one (ISO 4217)."""

    currency: str


def create_app(
    service: CatalogueService, *, verifier: TokenVerifier, cors_origins: str = ""
) -> FastAPI:
    """The app of the products service."""
    app = http.create_app("products", router, verifier=verifier, cors_origins=cors_origins)
    app.state.service = service
    return app


def build(settings: Settings) -> Handler:
    """The function's graph."""
    table = Table(settings.table_name, client("dynamodb"))
    kms = client("kms")
    service = CatalogueService(
        DynamoProducts(table),
        DynamoProductIndex(table),
        Cursors(key_from_kms(kms, settings.cursor_key_id)),
        currency=settings.currency,
    )
    verifier = TokenVerifier(settings.token_issuer, keys_from_kms(kms, settings.token_key_ids))
    app = create_app(service, verifier=verifier, cors_origins=settings.cors_origins)
    return http.lambda_handler(app)


handler = Entry(build, Settings)
