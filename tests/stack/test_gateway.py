"""API Gateway's part, at both forms of the API's URL: paths, limits, CORS, its own responses."""

import json
import socket
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from tests.support.client import Client, code
from tests.support.cloud import Cloud
from tools.local.shop import Shop

_JSON: Final = {"Content-Type": "application/json"}
_PREFLIGHT: Final = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}


@pytest.fixture(scope="module", params=["", "/live"], ids=["domain", "stage"])
def root_path(request: pytest.FixtureRequest) -> str:
    """What precedes the API's paths: the stage at the execute-api URL, nothing at a domain."""
    return str(request.param)


@pytest.fixture(scope="module")
def api(shop: Shop, root_path: str) -> Iterator[Client]:
    """A client without a token."""
    with httpx.Client(base_url=f"{shop.url}{root_path}", timeout=30) as http:
        yield Client(http)


def is_of_gateway(answer: httpx.Response, status: int) -> bool:
    """Whether it is one of the template's gateway responses."""
    document = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert document.get("status", status) == status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == "*"
    return "x-process-time" not in answer.headers


def test_trailing_slash_makes_no_difference(api: Client, admin: Client, customer: Client) -> None:
    for path in ("/health", "/health/users", "/docs", "/openapi.json", "/.well-known/jwks.json"):
        assert api.get(f"{path}/").status_code == 200, path
    user = Client(api.http, customer.token)
    for path in ("/users/me", "/orders", "/products", "/notifications"):
        assert user.get(f"/api/v1{path}/").status_code == 200, path
    placed = user.order((admin.add_product(), 1))
    assert user.post(f"/api/v1/orders/{placed['id']}/cancel/").status_code == 200


def test_unknown_query_parameter_is_refused_by_every_service(api: Client, customer: Client) -> None:
    user = Client(api.http, customer.token)
    paths = ("/", "/health/orders", "/api/v1/products", "/api/v1/orders", "/api/v1/users/me")
    for path in (*paths, "/api/v1/notifications"):
        answer = user.get(path, params={"skip": "1"})
        assert (answer.status_code, code(answer)) == (422, "invalid-request"), path


def test_gateway_renames_the_challenge(api: Client, root_path: str) -> None:
    answer = api.get("/api/v1/users/me")
    assert "www-authenticate" not in answer.headers
    assert answer.headers["x-amzn-remapped-www-authenticate"].startswith("Bearer")
    assert answer.json()["instance"] == f"{root_path}/api/v1/users/me"


def test_request_over_a_limit_is_refused_by_the_gateway(api: Client) -> None:
    assert is_of_gateway(api.get("/health/live", headers={"X-Long": "x" * 11_000}), 431)
    large = api.post("/api/v1/auth/login", content=b" " * (11 * 1024 * 1024), headers=_JSON)
    assert is_of_gateway(large, 413)
    assert code(large) == "payload-too-large"


def test_chunked_body_is_read(api: Client) -> None:
    chunks = iter([b'{"refresh_token"', b': "x"}'])
    answer = api.post("/api/v1/auth/refresh", content=chunks, headers=_JSON)
    assert (answer.status_code, code(answer)) == (401, "bad-refresh-token")


def test_malformed_http_is_refused_with_a_problem(shop: Shop, root_path: str) -> None:
    request = f"POST {root_path}/api/v1/auth/login HTTP/1.1\r\nHost: shop\r\nContent-Length: two"
    with socket.create_connection(("127.0.0.1", shop.port), timeout=10) as connection:
        connection.sendall(f"{request}\r\n\r\n{{}}".encode())
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    head, _, content = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert json.loads(content)["type"] == "/problems/bad-request"


def test_preflight_of_every_route_allows_the_named_origin(shop: Shop, api: Client) -> None:
    origin = shop.parameters["CorsOrigins"]
    for path in ("/api/v1/orders", "/api/v1/orders/an-id/cancel", "/health"):
        # No route has OPTIONS of its own: the API's catch-all route answers.
        answer = api.request("OPTIONS", path, headers={"Origin": origin, **_PREFLIGHT})
        assert answer.status_code == 200, path
        assert answer.headers["access-control-allow-origin"] == origin
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "idempotency-key" in answer.headers["access-control-allow-headers"].lower()
    answer = api.get("/api/v1/orders", headers={"Origin": origin})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, origin)


@pytest.mark.parametrize("foreign", ["{}.evil.example", "null"])
def test_foreign_origin_is_refused(shop: Shop, api: Client, foreign: str) -> None:
    headers = {"Origin": foreign.format(shop.parameters["CorsOrigins"])}
    preflight = api.request("OPTIONS", "/api/v1/orders", headers={**headers, **_PREFLIGHT})
    assert (preflight.status_code, code(preflight)) == (403, "forbidden")
    for answer in (preflight, api.get("/api/v1/products", headers=headers)):
        assert "access-control-allow-origin" not in answer.headers


@pytest.fixture
def throttled(shop: Shop, cloud: Cloud) -> Iterator[None]:
    """The stage at one request a second; before, it has the rate of the parameters."""
    gateway, outputs = cloud.client("apigateway"), shop.stack().outputs
    stage = {"restApiId": outputs["ApiId"], "stageName": outputs["StageName"]}

    def throttle(rate: str, burst: str) -> None:
        limits = {"rateLimit": rate, "burstLimit": burst}
        gateway.update_stage(
            **stage,
            patchOperations=[
                {"op": "replace", "path": f"/*/*/throttling/{name}", "value": value}
                for name, value in limits.items()
            ],
        )

    settings = gateway.get_stage(**stage)["methodSettings"]["*/*"]
    rate, burst = shop.parameters["ThrottleRate"], shop.parameters["ThrottleBurst"]
    assert settings["throttlingRateLimit"] == float(rate)
    assert settings["throttlingBurstLimit"] == int(burst)
    throttle("1", "1")
    yield
    throttle(rate, burst)


def test_throttled_request_gets_a_problem_with_retry_after(throttled: None, api: Client) -> None:
    refused = [a for a in (api.get("/health/live") for _ in range(10)) if a.status_code == 429]
    assert refused
    for answer in refused:
        assert is_of_gateway(answer, 429)
        assert code(answer) == "too-many-requests"
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
