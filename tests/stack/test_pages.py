"""The gateway's pages and the answers to what is not there, over HTTP on the deployed stack."""

import gzip
import uuid

import httpx
import pytest

from tests.support.client import Client, code, eventually
from tests.support.cloud import Cloud

SERVICES = {"users", "products", "orders", "notifications"}


def test_the_index_names_the_services(anyone: Client) -> None:
    index = anyone.get("/").json()
    assert set(index) == {"name", "version", "services", "health", "docs"}
    assert {service["name"] for service in index["services"]} == SERVICES


def test_health_tells_each_services_figures(anyone: Client, customer: Client) -> None:
    assert anyone.get("/health/live").json() == {"status": "alive"}
    assert anyone.get("/health/ready").status_code == 200
    health = anyone.get("/health").json()
    assert health["status"] == "healthy"
    assert set(health["services"]) == SERVICES
    assert {"total", "active"} <= set(health["services"]["users"])
    assert {"total", "total_stock"} <= set(health["services"]["products"])
    assert {"sent", "failed"} <= set(health["services"]["notifications"])
    for service in SERVICES:
        own = anyone.get(f"/health/{service}").json()
        assert own["status"] == "healthy"
        assert own["uptime_seconds"] >= 0
        assert own["memory_mb"] > 0


def test_totals_follow_what_happens(admin: Client, customer: Client, anyone: Client) -> None:
    def figures() -> tuple[int, int, int]:
        services = anyone.get("/health").json()["services"]
        confirmed = services["orders"]["by_status"]["confirmed"]
        return services["users"]["total"], services["products"]["total_stock"], confirmed

    users, stock, confirmed = figures()
    product = admin.add_product(stock=7)
    placed = Client(anyone.http).register().order((product, 2))
    customer.get(f"/api/v1/orders/{placed['id']}")
    admin.order_once(placed["id"], "confirmed")
    assert figures() == (users + 1, stock + 5, confirmed + 1)


def test_the_document_and_its_page_need_nobody_else(anyone: Client) -> None:
    document = anyone.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/orders/{id}/cancel" in document["paths"]
    page = anyone.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "https://" not in page.text.replace("https://shop.example", "")
    bundle = anyone.get("/docs/swagger-ui-bundle.js")
    assert bundle.status_code == 200
    assert "javascript" in bundle.headers["content-type"]


def test_an_unknown_path_is_404_and_a_wrong_method_405(anyone: Client) -> None:
    for path in ("/nothing", "/api/v1/nothing", "/api/v1/orders/1/2/3", "/docs/nothing.js"):
        answer = anyone.get(path)
        assert (answer.status_code, code(answer)) == (404, "not-found"), path
    for method, path in [
        ("DELETE", "/api/v1/orders"),
        ("PATCH", "/api/v1/users/me"),
        ("PUT", "/"),
        ("POST", "/health"),
        ("GET", "/api/v1/auth/login"),
    ]:
        answer = anyone.request(method, path)
        assert (answer.status_code, code(answer)) == (405, "method-not-allowed"), (method, path)
        assert answer.headers["allow"]


def test_bodies_that_nobody_can_read_are_refused(customer: Client) -> None:
    path = "/api/v1/auth/login"
    json = {"Content-Type": "application/json"}
    malformed = customer.post(path, content=b'{"email": ', headers=json)
    assert (malformed.status_code, code(malformed)) == (400, "malformed-json")
    typed = customer.post(path, content=b"email=x", headers={"Content-Type": "text/plain"})
    assert (typed.status_code, code(typed)) == (415, "unsupported-media-type")
    large = customer.post(path, {"email": "x" * 300_000, "password": "y"})
    assert (large.status_code, code(large)) == (413, "payload-too-large")


def test_every_answer_carries_its_request_id_and_time(anyone: Client) -> None:
    mine = f"test-{uuid.uuid4().hex}"
    for path in ("/", "/api/v1/products", "/api/v1/users/me", "/nothing"):
        answer = anyone.get(path, headers={"X-Request-ID": mine})
        assert answer.headers["x-request-id"] == mine
        assert float(answer.headers["x-process-time"]) > 0
        insane = anyone.get(path, headers={"X-Request-ID": "a b" * 80})
        assert insane.headers["x-request-id"] not in ("", "a b" * 80)
    assert anyone.get("/nothing", headers={"X-Request-ID": mine}).json()["request_id"] == mine


def test_long_answers_are_compressed_for_who_asks(anyone: Client) -> None:
    plain = anyone.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with anyone.http.stream("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        packed = b"".join(answer.iter_raw())
    assert gzip.decompress(packed) == plain.content
    short = anyone.get("/health/live", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers


def test_a_request_is_found_in_every_hops_log_by_its_id(
    admin: Client, customer: Client, cloud: Cloud
) -> None:
    mine = f"hop-{uuid.uuid4().hex}"
    answer = customer.try_order((admin.add_product(), 1), headers={"X-Request-ID": mine})
    customer.order_once(answer.json()["id"], "confirmed")
    logs = cloud.client("logs")

    def groups_that_saw_it() -> set[str]:
        seen = set()
        for service in ("users", "products", "orders", "notifications"):
            group = f"/bodega/bodega/{service}"
            lines = logs.filter_log_events(logGroupName=group, filterPattern=f'"{mine}"')["events"]
            if any(mine in line["message"] for line in lines):
                seen.add(service)
        return seen

    eventually(
        groups_that_saw_it, lambda seen: seen == {"users", "products", "orders", "notifications"}
    )


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eA=="}]
)
def test_no_answer_tells_of_the_inside(http: httpx.Client, headers: dict[str, str]) -> None:
    for path in ("/api/v1/orders/x", "/api/v1/notifications?cursor=x", "/api/v1/users/x"):
        answer = http.get(path, headers=headers)
        assert answer.status_code == 401
        for word in ("Traceback", "boto", "DynamoDB", "Table", "arn:"):
            assert word not in answer.text
