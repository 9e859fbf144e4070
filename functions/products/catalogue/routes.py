"""The catalogue and its stock over HTTP: each route parses, calls the service once and answers."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from products.catalogue.errors import IdempotencyKeyReused, ProductNotFound, VersionConflict
from products.catalogue.models import Position, Product, Search, Sort
from products.catalogue.schemas import (
    Category,
    CategoryListResponse,
    CategoryResponse,
    ProductChangeRequest,
    ProductListResponse,
    ProductRequest,
    ProductResponse,
    ProductsHealth,
    StockChangeRequest,
    absent_if_blank,
)
from products.catalogue.service import Answer, CatalogueService
from products.catalogue.text import words_of
from shared.auth.access import allow
from shared.contracts.inventory import OutOfStock
from shared.errors import InvalidRequest, ServiceUnavailable
from shared.money import MinorUnits
from shared.pages import Page
from shared.web import health
from shared.web.etags import etag, etag_of, is_known, versions
from shared.web.fields import OptionalIdempotencyKey
from shared.web.paging import Paging
from shared.web.responses import header, location, problems, replayed
from shared.web.rest_events import link
from shared.web.routing import Authenticated, GuardedRoute, KeptFigures, state

_MAX_SEARCH_WORDS = 10
_MAX_IDS = 50  # as many as an order has lines
# Browsers may show an answer for seconds, shared caches for a minute, and half a minute more while
# they ask for the next one: an order is decided by the stock and the price that it meets, not by
# those that were shown.
_CACHING = {"Cache-Control": "public, max-age=5, s-maxage=60, stale-while-revalidate=30"}

router = APIRouter(tags=["products"], route_class=GuardedRoute)


Catalogue = Annotated[CatalogueService, state("service")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETags that the change is meant for."),
]
IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="The ETags that the caller has."),
]


_NOT_FOUND = "the product does not exist"
_BUSY = "too many requests change the product at once"
_ETAG = header("ETag", "The product's version.", pattern='^"[0-9]+"$')
_PAGE_ETAG = header("ETag", "Of this page.")
_CACHED = header(
    "Cache-Control",
    "Anyone may keep the answer for so many seconds.",
    const=_CACHING["Cache-Control"],
)

_LIST_CACHED = header(
    "Cache-Control",
    "Anyone may keep the answer for so many seconds, and nobody an answer to `ids`.",
    enum=[_CACHING["Cache-Control"], "no-store"],
)


@router.get(
    "/api/v1/products",
    response_model=ProductListResponse,
    operation_id="listProducts",
    summary="Browse the products on sale",
    responses={
        200: {"headers": _PAGE_ETAG | _LIST_CACHED},
        304: {
            "description": "The caller has this page already.",
            "headers": _PAGE_ETAG | _LIST_CACHED,
        },
    },
)
@allow("anyone")
async def list_products(
    *,
    catalogue: Catalogue,
    paging: Paging,
    category: Annotated[
        Category | None,
        absent_if_blank(Category),
        Query(description="Exactly this category."),
    ] = None,
    min_price: Annotated[
        MinorUnits | None,
        absent_if_blank(MinorUnits),
        Query(description="This price or more."),
    ] = None,
    max_price: Annotated[
        MinorUnits | None,
        absent_if_blank(MinorUnits),
        Query(description="This price or less."),
    ] = None,
    q: Annotated[
        str | None,
        Query(max_length=200, description="Up to ten prefixes of words of the name."),
    ] = None,
    sort: Annotated[Sort, Query(description="`-price`: the most expensive first.")] = "newest",
    ids: Annotated[
        str | None,
        Query(
            max_length=_MAX_IDS * 65,
            description="Those of these products that are on sale: up to 50 ids, separated by "
            "commas. It comes without other parameters, and the list has one page.",
            examples=["0b7e,91c4"],
        ),
    ] = None,
    request: Request,
    if_none_match: IfNoneMatch = None,
) -> Response:
    prefixes = words_of(q or "")
    _validate_search(min_price, max_price, prefixes)
    page: Page[Product, Position] = Page([], None)
    if ids is not None:
        page = Page(list(catalogue.several(_validated_ids(ids, request))), None)
    # A text without a word, such as "!!", finds nothing: no name has a word like it.
    elif prefixes or not (q and q.strip()):
        search = Search(category, min_price, max_price, prefixes, sort)
        page = catalogue.list(search, limit=paging.limit, after=paging.open())
    products = ProductListResponse(
        products=[ProductResponse.of(product, catalogue.currency) for product in page.items],
        count=len(page.items),
        next_cursor=paging.seal(page.last),
    )
    content = products.model_dump_json().encode()
    # A list of ids is a cart: no other client sends the same, and orders depend on the answer.
    headers = {"ETag": etag_of(content), **(_CACHING if ids is None else {})}
    if is_known(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _validate_search(
    min_price: int | None, max_price: int | None, prefixes: tuple[str, ...]
) -> None:
    if min_price is not None and max_price is not None and min_price > max_price:
        detail = "min_price: must not be above max_price"
        raise InvalidRequest([{"pointer": "#/query/min_price", "detail": detail}])
    if len(prefixes) > _MAX_SEARCH_WORDS:
        detail = f"q: must have at most {_MAX_SEARCH_WORDS} words"
        raise InvalidRequest([{"pointer": "#/query/q", "detail": detail}])


def _validated_ids(ids: str, request: Request) -> list[str]:
    if request.query_params.keys() != {"ids"}:
        detail = "ids: must come without other parameters"
        raise InvalidRequest([{"pointer": "#/query/ids", "detail": detail}])
    found = [id_ for id_ in ids.split(",") if id_]
    if len(found) > _MAX_IDS:
        detail = f"ids: must have at most {_MAX_IDS} ids"
        raise InvalidRequest([{"pointer": "#/query/ids", "detail": detail}])
    return found


@router.get(
    "/api/v1/products/categories",
    operation_id="listCategories",
    summary="The categories with products on sale, up to a thousand",
    responses={200: {"headers": _CACHED}},
)
@allow("anyone")
async def list_categories(catalogue: Catalogue, response: Response) -> CategoryListResponse:
    response.headers.update(_CACHING)
    found = catalogue.categories()
    return CategoryListResponse(
        categories=[CategoryResponse(name=name, products=n) for name, n in found.items()]
    )


@router.post(
    "/api/v1/products",
    status_code=201,
    operation_id="addProduct",
    summary="Put a product on sale",
    responses={
        201: {
            "headers": {
                **location("The product's path."),
                **replayed("An earlier request with this key added it."),
                **_ETAG,
            }
        },
        **problems(
            {
                IdempotencyKeyReused: "the key came with another product",
                ServiceUnavailable: _BUSY,
            }
        ),
    },
)
@allow("admin")
async def add_product(
    *,
    admin: Authenticated,
    body: ProductRequest,
    catalogue: Catalogue,
    request: Request,
    response: Response,
    idempotency_key: OptionalIdempotencyKey = None,
) -> ProductResponse:
    answer = catalogue.add(body.product(), caller_id=admin.id, idempotency_key=idempotency_key)
    response.headers["Location"] = link(request, f"/api/v1/products/{answer.product.id}")
    return _answer(answer, catalogue, response)


@router.get(
    "/api/v1/products/{id}",
    response_model=ProductResponse,
    operation_id="getProduct",
    summary="Get a product, also one that is not on sale any more",
    responses={
        200: {"headers": _ETAG | _CACHED},
        304: {"description": "The caller has this version already.", "headers": _ETAG | _CACHED},
        **problems({ProductNotFound: _NOT_FOUND}),
    },
)
@allow("anyone")
async def get_product(
    id: str,  # noqa: A002  # the path's name for it
    catalogue: Catalogue,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> ProductResponse | Response:
    product = catalogue.get(id)
    if is_known(if_none_match, tag := etag(product.version)):
        return Response(status_code=304, headers={"ETag": tag, **_CACHING})
    response.headers.update(_CACHING)
    return _response(product, catalogue, response)


@router.put(
    "/api/v1/products/{id}",
    operation_id="changeProduct",
    summary="Change a product; fields left out stay",
    responses={
        200: {"headers": _ETAG},
        **problems(
            {
                ProductNotFound: _NOT_FOUND,
                VersionConflict: "the product is not at a version of If-Match",
                ServiceUnavailable: _BUSY,
            }
        ),
    },
)
@allow("admin")
async def change_product(
    id: str,  # noqa: A002  # the path's name for it
    body: ProductChangeRequest,
    catalogue: Catalogue,
    response: Response,
    if_match: IfMatch = None,
) -> ProductResponse:
    expected = None if if_match is None else versions(if_match)
    product = catalogue.change(id, body.changes, expected=expected)
    return _response(product, catalogue, response)


@router.delete(
    "/api/v1/products/{id}",
    status_code=204,
    operation_id="withdrawProduct",
    summary="Take a product off sale",
    responses=problems({ProductNotFound: _NOT_FOUND, ServiceUnavailable: _BUSY}),
)
@allow("admin")
async def withdraw_product(
    id: str,  # noqa: A002  # the path's name for it
    catalogue: Catalogue,
) -> None:
    catalogue.withdraw(id)


@router.post(
    "/api/v1/products/{id}/stock",
    operation_id="restockProduct",
    summary="Add to a product's stock, or take from it",
    responses={
        200: {"headers": {**replayed("An earlier request with this key changed it."), **_ETAG}},
        **problems(
            {
                ProductNotFound: _NOT_FOUND,
                OutOfStock: "fewer units are available than are to be removed",
                IdempotencyKeyReused: "the key came with another change",
                ServiceUnavailable: _BUSY,
            }
        ),
    },
)
@allow("admin")
async def restock_product(
    *,
    admin: Authenticated,
    id: str,  # noqa: A002  # the path's name for it
    body: StockChangeRequest,
    catalogue: Catalogue,
    response: Response,
    idempotency_key: OptionalIdempotencyKey = None,
) -> ProductResponse:
    answer = catalogue.restock(id, body.delta, caller_id=admin.id, idempotency_key=idempotency_key)
    return _answer(answer, catalogue, response)


@router.get(
    "/health/products",
    operation_id="productsHealth",
    summary="Health of the products service, with its totals",
)
@allow("anyone")
async def health_products(catalogue: Catalogue, kept: KeptFigures) -> ProductsHealth:
    return health.report(ProductsHealth, kept, catalogue.totals)


def _answer(answer: Answer, catalogue: CatalogueService, response: Response) -> ProductResponse:
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return _response(answer.product, catalogue, response)


def _response(product: Product, catalogue: CatalogueService, response: Response) -> ProductResponse:
    response.headers["ETag"] = etag(product.version)
    return ProductResponse.of(product, catalogue.currency)
