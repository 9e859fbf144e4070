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
# At a custom domain, and at the execute-api URL.
AT_BOTH_URLS: Final = pytest.mark.parametrize("root_path", ["", "/live"], ids=["domain", "stage"])


def is_of_gateway(answer: httpx.Response, status: int) -> bool:
    """Whether it is one of the template's gateway responses."""
    document = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert document.get("status", status) == status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == "*"
    return "x-process-time" not in answer.headers


@AT_BOTH_URLS
def test_trailing_slash_makes_no_difference(
    root_path: str, admin: Client, customer: Client
) -> None:
    for path in ("/health", "/docs", "/openapi.json", "/.well-known/jwks.json"):
        assert admin.http.get(f"{root_path}{path}/").status_code == 200, path
    for path in ("/users/me", "/orders", "/products", "/notifications"):
        assert customer.get(f"{root_path}/api/v1{path}/").status_code == 200, path
    placed = customer.order((admin.add_product(), 1))
    cancelled = customer.post(f"{root_path}/api/v1/orders/{placed['id']}/cancel/")
    assert cancelled.status_code == 200


@AT_BOTH_URLS
def test_gateway_renames_the_challenge(root_path: str, http: httpx.Client) -> None:
    answer = http.get(f"{root_path}/api/v1/users/me")
    assert "www-authenticate" not in answer.headers
    assert answer.headers["x-amzn-remapped-www-authenticate"].startswith("Bearer")
    assert answer.json()["instance"] == f"{root_path}/api/v1/users/me"


def test_request_over_a_limit_is_refused_by_the_gateway(http: httpx.Client) -> None:
    assert is_of_gateway(http.get("/health/live", headers={"X-Long": "x" * 11_000}), 431)
    large = http.post("/api/v1/auth/login", content=b" " * (11 * 1024 * 1024), headers=_JSON)
    assert is_of_gateway(large, 413)
    assert code(large) == "payload-too-large"


def test_chunked_body_is_read(http: httpx.Client) -> None:
    chunks = iter([b'{"refresh_token"', b': "x"}'])
    answer = http.post("/api/v1/auth/refresh", content=chunks, headers=_JSON)
    assert (answer.status_code, code(answer)) == (401, "bad-refresh-token")


def test_idle_connection_stays_open_longer_than_clients_keep_it(shop: Shop) -> None:
    # Closed while httpx sends on it, after 5 s by default, it would lose the request.
    with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        connection.settimeout(6)
        with pytest.raises(TimeoutError):
            list(iter(lambda: connection.recv(65_536), b""))


def test_malformed_http_is_refused_with_a_problem(shop: Shop) -> None:
    request = "POST /api/v1/auth/login HTTP/1.1\r\nHost: shop\r\nContent-Length: two\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", shop.port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    head, _, content = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert json.loads(content)["type"] == "/problems/bad-request"


def test_preflight_allows_the_named_origin_alone(shop: Shop, http: httpx.Client) -> None:
    own = shop.parameters["CorsOrigins"]
    asked = {"Access-Control-Request-Method": "POST"}
    for path in ("/api/v1/orders", "/api/v1/orders/an-id/cancel", "/health"):
        # No route has OPTIONS of its own: the API's catch-all route answers.
        answer = http.options(path, headers={"Origin": own, **asked})
        assert answer.status_code == 200, path
        assert answer.headers["access-control-allow-origin"] == own
        assert "POST" in answer.headers["access-control-allow-methods"]
    foreign = http.options("/health", headers={"Origin": f"{own}.evil.example", **asked})
    assert (foreign.status_code, code(foreign)) == (403, "forbidden")
    assert "access-control-allow-origin" not in foreign.headers


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


def test_throttled_request_gets_a_problem_with_retry_after(
    throttled: None, http: httpx.Client
) -> None:
    answers = [http.get("/health/live") for _ in range(10)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    for answer in refused:
        assert is_of_gateway(answer, 429)
        assert code(answer) == "too-many-requests"
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["strict-transport-security"].startswith("max-age=")


@pytest.fixture
def another_address(shop: Shop) -> Iterator[httpx.Client]:
    """A client at an address of its own, at a front that has the limits of prod."""
    shop.enforce_limits()
    transport = httpx.HTTPTransport(local_address="127.0.0.9")
    with httpx.Client(base_url=shop.url, transport=transport, timeout=30) as client:
        yield client
    shop.has_limits = False
    shop.point_front()


def test_address_over_its_limit_of_log_ins_gets_a_problem_with_retry_after(
    another_address: httpx.Client, http: httpx.Client
) -> None:
    for _ in range(20):
        assert another_address.post("/api/v1/auth/login", json={}).status_code == 422
    refused = another_address.post("/live/api/v1/auth/login", json={})
    assert is_of_gateway(refused, 429)
    assert (code(refused), refused.headers["retry-after"]) == ("too-many-requests", "60")
    assert another_address.get("/health/live").status_code == 200
    assert http.post("/api/v1/auth/login", json={}).status_code == 422
