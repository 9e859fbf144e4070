"""The gateway's pages, and its answer to every path that no service has."""

from pathlib import Path
from typing import Any

import pytest

from gateway import VERSION, api
from gateway.site import Site
from shared.runtime.entry import Entry
from shared.web.app import create_app, lambda_handler
from tests.gateway.fakes import FakeBackends, small_site
from tests.support.http import URLS, HttpClient, Url, rest_event, serve

each_url = pytest.mark.parametrize("at", URLS, ids=lambda at: at.root or "/")


@pytest.fixture
def backends() -> FakeBackends:
    return FakeBackends()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(small_site(tmp_path))


@pytest.fixture
def gateway(backends: FakeBackends, site: Site) -> HttpClient:
    return serve(api.router, backends=backends, site=site)


@each_url
def test_index_names_every_service(gateway: HttpClient, at: Url) -> None:
    assert gateway.get("/", at=at).json == {
        "name": "Bodega",
        "version": VERSION,
        "services": [
            {"name": name, "base_url": f"{at.root}/api/v1/{name}"} for name in FakeBackends.services
        ],
        "health": f"{at.root}/health",
        "docs": f"{at.root}/docs",
    }


def test_liveness_asks_no_service(site: Site) -> None:
    class Unasked(FakeBackends):
        def health(self) -> dict[str, dict[str, Any]]:
            raise AssertionError("asked")

    gateway = serve(api.router, backends=Unasked(), site=site)
    assert gateway.get("/health/live").json == {"status": "alive"}


@pytest.mark.parametrize("status", ["healthy", "unavailable", "degraded"])
def test_one_service_in_trouble_degrades_the_shop(
    gateway: HttpClient, backends: FakeBackends, status: str
) -> None:
    backends.reports["orders"] = {"status": status, "total": 3}
    is_well = status == "healthy"
    health, ready = gateway.get("/health"), gateway.get("/health/ready")
    assert health.status == 200
    assert health.json == {
        "status": "healthy" if is_well else "degraded",
        "services": backends.reports,
    }
    assert ready.status == (200 if is_well else 503)
    assert ready.json == {
        "status": "ready" if is_well else "not_ready",
        "services": backends.reports,
    }


@each_url
@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_page_takes_everything_from_the_api(gateway: HttpClient, at: Url, path: str) -> None:
    page = gateway.get(path, at=at)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert f'data-document="{at.root}/openapi.json"' in page.text
    assert f'href="{at.root}/asyncapi.json"' in page.text
    assert f'src="{at.root}/docs/swagger-ui-bundle.js"' in page.text
    assert "//" not in page.text


@pytest.mark.parametrize(
    ("path", "media_type", "seconds"),
    [
        ("/docs/swagger-ui.css", "text/css; charset=utf-8", 86400),
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", 86400),
        ("/docs/start.js", "text/javascript; charset=utf-8", 86400),
        ("/docs/page.css", "text/css; charset=utf-8", 86400),
        ("/openapi.json", "application/json", 300),
        ("/asyncapi.json", "application/json", 300),
    ],
)
def test_file_may_be_kept_and_is_sent_again_only_if_it_differs(
    gateway: HttpClient, tmp_path: Path, path: str, media_type: str, seconds: int
) -> None:
    served = gateway.get(path)
    assert served.status == 200
    assert served.headers["content-type"] == media_type
    assert served.headers["cache-control"] == f"public, max-age={seconds}"
    built = tmp_path / Path(path).name
    assert served.text == (built.read_text() if built.exists() else served.text)
    again = gateway.get(f"{path}/", headers={"If-None-Match": served.headers["etag"]})
    assert (again.status, again.text) == (304, "")
    other = gateway.get(path, headers={"If-None-Match": '"another"'})
    assert other.text == served.text


def test_asset_passes_api_gateway_as_text(backends: FakeBackends, site: Site) -> None:
    handler = lambda_handler(create_app("tests", api.router, backends=backends, site=site))
    answer = handler(rest_event("GET", "/docs/swagger-ui-bundle.js"), None)
    assert answer["isBase64Encoded"] is False
    assert answer["body"] == 'const arrow = "→";'


@pytest.mark.parametrize(
    "path",
    [
        *("/docs/nothing.js", "/docs/secrets.txt", "/docs/openapi.json", "/docs/page.html"),
        *("/docs/..%2Fsecrets.txt", "/docs/../secrets.txt", "/api/v1/users/a/b", "/api/v1/users/"),
    ],
)
def test_other_path_is_not_found(gateway: HttpClient, path: str) -> None:
    missing = gateway.get(path)
    assert (missing.status, missing.code) == (404, "not-found")


@each_url
@pytest.mark.parametrize("more", ["", "/", "?skip=1", "/?skip=1&skip=2"])
def test_missing_path_or_method_has_no_parameters(gateway: HttpClient, at: Url, more: str) -> None:
    unknown = gateway.get(f"/api/v1/nothing{more}", at=at)
    assert (unknown.status, unknown.json["instance"]) == (404, f"{at.root}/api/v1/nothing")
    other = gateway.request("PATCH", f"/api/v1/orders{more}", at=at)
    assert (other.status, other.json["instance"]) == (405, f"{at.root}/api/v1/orders")
    assert other.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_unknown_path_is_404_by_any_method(gateway: HttpClient, method: str) -> None:
    missing = gateway.request(method, "/api/v1/nothing")
    assert (missing.status, missing.code) == (404, "not-found")
    assert missing.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET"),
        ("OPTIONS", "/", "GET"),
        ("PUT", "/health", "GET"),
        ("OPTIONS", "/api/v1/orders", "GET, POST"),
        ("GET", "/api/v1/orders/o-1/cancel", "POST"),
        ("POST", "/api/v1/users/u-1", "GET, PUT, DELETE"),
        ("DELETE", "/api/v1/users/me", "GET"),
        ("POST", "/docs/swagger-ui.css", "GET"),
    ],
)
def test_known_path_with_another_method_is_405(
    gateway: HttpClient, method: str, path: str, allowed: str
) -> None:
    refused = gateway.request(method, path)
    assert (refused.status, refused.code) == (405, "method-not-allowed")
    assert refused.headers["allow"] == allowed
    assert gateway.request("HEAD", "/").status == 405


def test_checkout_has_a_page_but_no_documents(backends: FakeBackends, tmp_path: Path) -> None:
    gateway = serve(api.router, backends=backends, site=Site(tmp_path))
    for path in ("/openapi.json", "/asyncapi.json", "/docs/swagger-ui.css", "/api/v1/orders"):
        assert gateway.get(path).code == "not-found"
    assert gateway.get("/docs").status == 200


def test_preflight_of_a_browser_is_answered_for_every_service(
    backends: FakeBackends, site: Site
) -> None:
    gateway = serve(api.router, backends=backends, site=site, cors_origins="https://shop.example")
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = gateway.request("OPTIONS", "/api/v1/orders", headers=preflight)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_entry_asks_the_functions_of_its_settings(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_FUNCTIONS", "users=users-function,orders=orders-function")
    monkeypatch.setenv("CORS_ORIGINS", "")
    gateway = HttpClient(Entry(api.build, api.Settings))
    assert gateway.get("/health/live").status == 200
    # The mocked account has no such functions.
    unavailable = {name: {"status": "unavailable"} for name in ("users", "orders")}
    assert gateway.get("/health").json == {"status": "degraded", "services": unavailable}
