"""What stands before the functions, at both forms of the API's URL: slashes, links, limits, renamed headers."""

import json
import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.support.client import Client, code
from tools.local.shop import Shop

_JSON = {"Content-Type": "application/json"}
_LINKS = re.compile(r'(?:href|src|data-document)="(/[^"]*)"')


def is_gateways_own(answer: httpx.Response, status: int) -> bool:
    """Whether the template's gateway responses are what was answered."""
    document = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert document.get("status", status) == status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == "*"
    return "x-process-time" not in answer.headers


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_at_the_end_makes_no_difference(
    customer: Client, admin: Client, anyone: Client, slash: str
) -> None:
    for path in ("/health", "/health/live", "/health/users", "/docs", "/openapi.json"):
        assert anyone.get(path + slash).status_code == 200, path
    assert anyone.get(f"/.well-known/jwks.json{slash}").status_code == 200
    for path in ("/users/me", "/orders", "/products", "/notifications"):
        assert customer.get(f"/api/v1{path}{slash}").status_code == 200, path
    product = admin.post(
        f"/api/v1/products{slash}",
        {"name": "Slash", "price": "1.00", "category": "tests", "stock": 3},
    ).json()
    item = {"product_id": product["id"], "quantity": 1}
    placed = customer.post(
        f"/api/v1/orders{slash}",
        {"items": [item]},
        headers={"Idempotency-Key": f"s-{product['id']}"},
    )
    assert placed.status_code == 201
    cancelled = customer.post(f"/api/v1/orders/{placed.json()['id']}/cancel{slash}")
    assert cancelled.status_code == 200


def test_every_link_of_the_index_and_the_page_leads_to_an_answer(
    http: httpx.Client, admin: Client, root_path: str
) -> None:
    token = {"Authorization": f"Bearer {admin.token}"}

    def follow(answer: httpx.Response, link: str) -> httpx.Response:
        found = http.get(answer.request.url.join(link), headers=token)
        assert found.status_code == 200, (link, found.text)
        return found

    index = http.get("/")
    document = index.json()
    for link in (*(s["base_url"] for s in document["services"]), document["health"]):
        assert link.startswith(f"{root_path}/")
        follow(index, link)
    page = follow(index, document["docs"])
    links = _LINKS.findall(page.text)
    assert len(links) == 7
    for link in links:
        follow(page, link)
    openapi = follow(page, f"{root_path}/openapi.json")
    [server] = openapi.json()["servers"]
    follow(openapi, str(openapi.request.url.join(server["url"])).rstrip("/") + "/health/live")


def test_an_unknown_query_parameter_is_refused_by_every_service(
    anyone: Client, customer: Client
) -> None:
    for path in ("/", "/health", "/health/orders", "/.well-known/jwks.json", "/api/v1/products"):
        answer = anyone.get(path, params={"skip": "1"})
        assert (answer.status_code, code(answer)) == (422, "invalid-request"), path
    for path in ("/api/v1/orders", "/api/v1/users/me", "/api/v1/notifications"):
        answer = customer.get(path, params={"skip": "1"})
        assert (answer.status_code, code(answer)) == (422, "invalid-request"), path
    assert anyone.get("/nothing", params={"skip": "1"}).status_code == 404


def test_the_gateway_renames_the_challenge(anyone: Client, root_path: str) -> None:
    answer = anyone.get("/api/v1/users/me")
    assert "www-authenticate" not in answer.headers
    assert answer.headers["x-amzn-remapped-www-authenticate"].startswith("Bearer")
    assert answer.json()["instance"] == f"{root_path}/api/v1/users/me"


def test_a_client_cannot_name_the_base_path(http: httpx.Client, root_path: str) -> None:
    index = http.get("/", headers={"X-Front-Base-Path": "/evil"}).json()
    assert index["docs"] == f"{root_path}/docs"


def test_what_is_over_a_limit_is_answered_by_the_gateway(http: httpx.Client) -> None:
    for length in (11_000, 70_000):
        assert is_gateways_own(http.get("/health/live", headers={"X-Long": "x" * length}), 431)
    assert is_gateways_own(http.get(f"/health/{'x' * 11_000}"), 431)
    large = http.post("/api/v1/auth/login", content=b" " * (11 * 1024 * 1024), headers=_JSON)
    assert is_gateways_own(large, 413)
    assert code(large) == "payload-too-large"


def test_a_chunked_body_is_a_body(http: httpx.Client) -> None:
    def chunks(*parts: bytes) -> Iterator[bytes]:
        yield from parts

    good = chunks(b'{"email": "nobody@example.com", ', b'"password": "a-long-password"}')
    answer = http.post("/api/v1/auth/login", content=good, headers=_JSON)
    assert (answer.status_code, code(answer)) == (401, "bad-credentials")
    bad = http.post("/api/v1/auth/login", content=chunks(b"{", b"x"), headers=_JSON)
    assert (bad.status_code, code(bad)) == (400, "malformed-json")


@pytest.mark.parametrize(
    "broken",
    [
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "Content-Length: two\r\n\r\n{}",
        "No Header\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_with_a_problem(shop: Shop, root_path: str, broken: str) -> None:
    head = f"POST {root_path}/api/v1/auth/login HTTP/1.1\r\nHost: shop\r\n"
    with socket.create_connection(("127.0.0.1", shop.port), timeout=10) as connection:
        connection.sendall((head + broken).encode())
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    head, _, content = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert "content-type: application/problem+json" in head
    assert json.loads(content)["type"] == "/problems/bad-request"
