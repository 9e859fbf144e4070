"""The gateway's pages, and its answer to whatever no service serves."""

from pathlib import Path

import pytest

from gateway import VERSION, api
from gateway.site import Site
from shared.runtime.entry import Entry
from shared.web.app import lambda_handler
from tests.gateway.fakes import FakeBackends, small_site
from tests.support.http import URLS, HttpClient, Url, rest_event


@pytest.fixture
def backends() -> FakeBackends:
    return FakeBackends()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(small_site(tmp_path))


@pytest.fixture
def gateway(backends: FakeBackends, site: Site) -> HttpClient:
    return HttpClient(api.create_app(backends, site))


@pytest.mark.parametrize("at", URLS, ids=lambda at: at.root or "/")
def test_the_index_names_every_service(gateway: HttpClient, at: Url) -> None:
    assert gateway.get("/", at=at).json == {
        "name": "Bodega",
        "version": VERSION,
        "services": [
            {"name": "users", "base_url": f"{at.root}/api/v1/users"},
            {"name": "products", "base_url": f"{at.root}/api/v1/products"},
            {"name": "orders", "base_url": f"{at.root}/api/v1/orders"},
            {"name": "notifications", "base_url": f"{at.root}/api/v1/notifications"},
        ],
        "health": f"{at.root}/health",
        "docs": f"{at.root}/docs",
    }


def test_alive_needs_nobody_else(site: Site) -> None:
    class NobodyThere:
        services = ()

        def health(self) -> dict[str, dict[str, object]]:
            raise AssertionError("asked")

    assert HttpClient(api.create_app(NobodyThere(), site)).get("/health/live").json == {
        "status": "alive"
    }


def test_health_shows_each_services_figures(gateway: HttpClient, backends: FakeBackends) -> None:
    backends.reports["users"]["total"] = 3
    answer = gateway.get("/health")
    assert answer.json == {"status": "healthy", "services": backends.reports}


@pytest.mark.parametrize("status", ["unavailable", "degraded"])
def test_one_service_in_trouble_degrades_the_whole(
    gateway: HttpClient, backends: FakeBackends, status: str
) -> None:
    backends.reports["orders"] = {"status": status}
    answer = gateway.get("/health")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json["services"]["orders"] == {"status": status}
    assert answer.json["services"]["users"]["status"] == "healthy"


def test_ready_is_200_when_all_services_can_work(gateway: HttpClient) -> None:
    answer = gateway.get("/health/ready")
    assert (answer.status, answer.json["status"]) == (200, "ready")
    assert set(answer.json["services"]) == {"users", "products", "orders", "notifications"}


def test_ready_is_503_when_one_cannot(gateway: HttpClient, backends: FakeBackends) -> None:
    backends.reports["orders"] = {"status": "unavailable"}
    answer = gateway.get("/health/ready")
    assert (answer.status, answer.json["status"]) == (503, "not_ready")
    assert answer.json["services"]["orders"] == {"status": "unavailable"}


@pytest.mark.parametrize("at", URLS, ids=lambda at: at.root or "/")
@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_takes_everything_from_us(gateway: HttpClient, at: Url, path: str) -> None:
    page = gateway.get(path, at=at)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert f'data-document="{at.root}/openapi.json"' in page.text
    assert f'href="{at.root}/asyncapi.json"' in page.text
    assert f'src="{at.root}/docs/swagger-ui-bundle.js"' in page.text
    assert "//" not in page.text


@pytest.mark.parametrize(
    ("asset", "media_type"),
    [
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("start.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
    ],
)
def test_an_asset_is_text_that_may_be_kept_for_a_day(
    gateway: HttpClient, asset: str, media_type: str
) -> None:
    served = gateway.get(f"/docs/{asset}")
    assert served.status == 200
    assert served.headers["content-type"] == media_type
    assert served.headers["cache-control"] == "public, max-age=86400"
    again = gateway.get(f"/docs/{asset}", headers={"If-None-Match": served.headers["etag"]})
    assert (again.status, again.text) == (304, "")
    other = gateway.get(f"/docs/{asset}", headers={"If-None-Match": '"another"'})
    assert other.text == served.text


def test_an_asset_goes_through_the_gateway_as_text(backends: FakeBackends, site: Site) -> None:
    handler = lambda_handler(api.create_app(backends, site))
    answer = handler(rest_event("GET", "/docs/swagger-ui-bundle.js"), None)
    assert answer["isBase64Encoded"] is False
    assert answer["body"] == 'const arrow = "→";'


@pytest.mark.parametrize(
    "asset", ["nothing.js", "secrets.txt", "openapi.json", "..%2Fsecrets.txt", "../secrets.txt"]
)
def test_what_is_no_asset_is_not_found(gateway: HttpClient, asset: str) -> None:
    missing = gateway.get(f"/docs/{asset}")
    assert (missing.status, missing.code) == (404, "not-found")


@pytest.mark.parametrize("name", ["openapi.json", "asyncapi.json"])
def test_a_document_is_served_as_it_was_built(
    gateway: HttpClient, tmp_path: Path, name: str
) -> None:
    served = gateway.get(f"/{name}")
    for answer in (served, gateway.get(f"/{name}/")):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert answer.text == (tmp_path / name).read_text()
    again = gateway.get(f"/{name}", headers={"If-None-Match": served.headers["etag"]})
    assert (again.status, again.text) == (304, "")


@pytest.mark.parametrize("at", URLS, ids=lambda at: at.root or "/")
@pytest.mark.parametrize("more", ["", "/", "?skip=1", "/?skip=1&skip=2"])
def test_what_is_not_there_has_no_parameters(gateway: HttpClient, at: Url, more: str) -> None:
    unknown = gateway.get(f"/api/v1/nothing{more}", at=at)
    assert (unknown.status, unknown.json["instance"]) == (404, f"{at.root}/api/v1/nothing")
    other = gateway.request("PATCH", f"/api/v1/orders{more}", at=at)
    assert (other.status, other.json["instance"]) == (405, f"{at.root}/api/v1/orders")
    assert other.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_an_unknown_path_is_404_by_any_method(gateway: HttpClient, method: str) -> None:
    missing = gateway.request(method, "/api/v1/nothing")
    assert (missing.status, missing.code) == (404, "not-found")
    assert missing.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET"),
        ("OPTIONS", "/", "GET"),
        ("PUT", "/health", "GET"),
        ("PATCH", "/api/v1/orders", "GET, POST"),
        ("OPTIONS", "/api/v1/orders", "GET, POST"),
        ("GET", "/api/v1/orders/o-1/cancel", "POST"),
        ("POST", "/api/v1/users/u-1", "GET, PUT, DELETE"),
        ("DELETE", "/api/v1/users/me", "GET"),
        ("POST", "/docs/swagger-ui.css", "GET"),
    ],
)
def test_a_known_path_with_another_method_is_405(
    gateway: HttpClient, method: str, path: str, allowed: str
) -> None:
    refused = gateway.request(method, path)
    assert (refused.status, refused.code) == (405, "method-not-allowed")
    assert refused.headers["allow"] == allowed


def test_a_head_request_to_a_page_is_405(gateway: HttpClient) -> None:
    assert gateway.request("HEAD", "/").status == 405


@pytest.mark.parametrize("path", ["/api/v1/orders/", "/api/v1/users/a/b", "/api/v1/users/"])
def test_a_path_is_known_as_it_is_written_only(gateway: HttpClient, path: str) -> None:
    assert gateway.get(path).code == "not-found"


def test_where_nothing_was_built_there_is_no_document(
    backends: FakeBackends, tmp_path: Path
) -> None:
    gateway = HttpClient(api.create_app(backends, Site(tmp_path)))
    for path in ("/openapi.json", "/asyncapi.json", "/docs/swagger-ui.css", "/api/v1/orders"):
        assert gateway.get(path).code == "not-found"
    assert gateway.get("/docs").status == 200


def test_a_browsers_preflight_is_answered_for_every_service(
    backends: FakeBackends, site: Site
) -> None:
    gateway = HttpClient(api.create_app(backends, site, cors_origins="https://shop.example"))
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = gateway.request("OPTIONS", "/api/v1/orders", headers=preflight)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_the_real_graph_stands(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    services = ("users", "products", "orders", "notifications")
    functions = ",".join(f"{name}={name}-function" for name in services)
    monkeypatch.setenv("API_FUNCTIONS", functions)
    monkeypatch.setenv("CORS_ORIGINS", "")
    gateway = HttpClient(Entry(api.build, api.Settings))
    assert gateway.get("/health/live").status == 200
    # There are no such functions in the mocked account.
    assert gateway.get("/health").json == {
        "status": "degraded",
        "services": {name: {"status": "unavailable"} for name in services},
    }
