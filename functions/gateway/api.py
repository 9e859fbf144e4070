"""Lambda entry for HTTP: the index, health, the documents and their page, and the answer to every
unknown path or method."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from gateway import NAME, VERSION
from gateway.backends import Backends, LambdaBackends
from gateway.site import ASSETS, DOCUMENT, EVENTS, PAGE, Routes, Site
from shared.auth.access import allow
from shared.errors import MethodNotAllowed, NotFound
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.web.app import create_app, lambda_handler
from shared.web.etags import is_known
from shared.web.responses import header
from shared.web.rest_events import link, own_path
from shared.web.routing import GuardedRoute, state

router = APIRouter(tags=["gateway"], route_class=GuardedRoute)

# In seconds.
_ASSET_MAX_AGE: Final = 86_400
_DOCUMENT_MAX_AGE: Final = 300
_PAGE_CACHING: Final = "no-cache"
# Nothing from elsewhere, and no inline script. Swagger UI writes style attributes, and has its
# icons as data: URLs.
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_OF_DOCUMENT: Final = {
    **header("ETag", "Of this build."),
    **header(
        "Cache-Control",
        "Anyone may keep the answer for so many seconds.",
        const=f"public, max-age={_DOCUMENT_MAX_AGE}",
    ),
}
_DOCUMENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {"application/json": {"schema": {"type": "object"}}},
        "headers": _OF_DOCUMENT,
    },
    304: {"description": "The caller has it already.", "headers": _OF_DOCUMENT},
}


@dataclass(frozen=True)
class Settings:
    """The function's settings.

    Attributes:
        api_functions: the services and their API functions: `users=…,products=…`.
        cors_origins: the origins of pages that may call the API.
    """

    api_functions: str
    cors_origins: str


class Service(BaseModel):
    """Where a service is: the path at the host that was asked."""

    name: str
    base_url: str


class Index(BaseModel):
    """Where to go from here."""

    name: str
    version: str
    services: list[Service]
    health: str
    docs: str


class Alive(BaseModel):
    """This function runs."""

    status: Literal["alive"]


class Health(BaseModel):
    """Each service's own report, by its name, with the service's own figures beside `status`."""

    status: Literal["healthy", "degraded"]
    services: dict[str, dict[str, Any]]


class Readiness(BaseModel):
    """Whether all services can work, and the report of each service."""

    status: Literal["ready", "not_ready"]
    services: dict[str, dict[str, Any]]


TheBackends = Annotated[Backends, state("backends")]
TheSite = Annotated[Site, state("site")]
IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="The ETags of what the caller has."),
]


def _reports(backends: Backends) -> tuple[bool, dict[str, dict[str, Any]]]:
    reports = backends.health()
    return all(report["status"] == "healthy" for report in reports.values()), reports


def _served(site: Site, name: str, if_none_match: str | None, *, max_age: int) -> Response:
    file = site.file(name)
    headers = {"Cache-Control": f"public, max-age={max_age}", "ETag": file.etag}
    if is_known(if_none_match, file.etag):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


@router.get("/", operation_id="index", summary="Where to go from here")
@allow("anyone")
async def index(request: Request, backends: TheBackends) -> Index:
    return Index(
        name=NAME,
        version=VERSION,
        services=[
            Service(name=name, base_url=link(request, f"/api/v1/{name}"))
            for name in backends.services
        ],
        health=link(request, "/health"),
        docs=link(request, "/docs"),
    )


@router.get("/health/live", operation_id="live", summary="Whether the API answers at all")
@allow("anyone")
async def live() -> Alive:
    return Alive(status="alive")


@router.get(
    "/health/ready",
    operation_id="ready",
    summary="Whether all services can work",
    responses={
        503: {
            "model": Readiness,
            "description": "At least one of them cannot.",
            "headers": header(
                "Retry-After",
                "Only where the gateway answered by itself.",
                always=False,
                type_="integer",
            ),
        }
    },
)
@allow("anyone")
async def ready(backends: TheBackends, response: Response) -> Readiness:
    healthy, reports = _reports(backends)
    if not healthy:
        response.status_code = 503
    return Readiness(status="ready" if healthy else "not_ready", services=reports)


@router.get("/health", operation_id="health", summary="Each service's health and figures")
@allow("anyone")
async def health(backends: TheBackends) -> Health:
    healthy, reports = _reports(backends)
    return Health(status="healthy" if healthy else "degraded", services=reports)


@router.get(
    "/docs",
    operation_id="docs",
    summary="This page",
    response_class=HTMLResponse,
    responses={
        200: {
            "headers": header(
                "Cache-Control",
                "Who keeps the page must ask whether it still holds.",
                const=_PAGE_CACHING,
            )
        }
    },
)
@allow("anyone")
async def docs(request: Request, site: TheSite) -> HTMLResponse:
    page = site.file(PAGE).content.decode()
    return HTMLResponse(
        page.replace("$root", link(request, "")),
        headers={
            "Content-Security-Policy": _PAGE_POLICY,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": _PAGE_CACHING,
        },
    )


@router.get("/docs/{asset}", include_in_schema=False)
@allow("anyone")
async def docs_asset(site: TheSite, asset: str, if_none_match: IfNoneMatch = None) -> Response:
    if asset not in ASSETS:
        raise NotFound
    return _served(site, asset, if_none_match, max_age=_ASSET_MAX_AGE)


@router.get(
    "/openapi.json",
    operation_id="openapi",
    summary="This document",
    responses=_DOCUMENT,
)
@allow("anyone")
async def openapi(site: TheSite, if_none_match: IfNoneMatch = None) -> Response:
    return _served(site, DOCUMENT, if_none_match, max_age=_DOCUMENT_MAX_AGE)


@router.get(
    "/asyncapi.json",
    operation_id="asyncapi",
    summary="The events' document (AsyncAPI 3)",
    responses=_DOCUMENT,
)
@allow("anyone")
async def asyncapi(site: TheSite, if_none_match: IfNoneMatch = None) -> Response:
    return _served(site, EVENTS, if_none_match, max_age=_DOCUMENT_MAX_AGE)


# Routes that the document does not contain.
_UNLISTED = Routes([("/docs/{asset}", ["GET"])])


# API Gateway sends here whatever no other route takes: also a known path with a method that it has
# not.
@router.api_route(
    "/{proxy:path}",
    methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    include_in_schema=False,
)
@allow("anyone")
async def anything_else(request: Request, site: TheSite) -> Response:
    path = own_path(request)
    allowed = site.routes.methods(path) or _UNLISTED.methods(path)
    if not allowed or request.method in allowed:
        raise NotFound
    raise MethodNotAllowed(allowed)


def build(settings: Settings) -> Handler:
    """The gateway on Lambda, with the files that the build left beside this module."""
    backends = LambdaBackends(
        # A cold service starts within a second or two; API Gateway waits 29.
        client("lambda", read=5.0, attempts=1),
        dict(pair.split("=") for pair in settings.api_functions.split(",")),
    )
    site = Site(Path(__file__).parent)
    app = create_app(
        "gateway", router, cors_origins=settings.cors_origins, backends=backends, site=site
    )
    return lambda_handler(app, warm_up_path="/")


handler = Entry(build, Settings)
