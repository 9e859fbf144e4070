"""The one document of the whole API, as the build makes it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import VERSION, api
from gateway.site import ASSETS, Site
from tests.gateway.fakes import FakeBackends
from tests.support.http import HttpClient
from tools.openapi import operations, write

# The contract's rows: method and path, and whether the caller must be known.
CONTRACT = {
    ("get", "/"): False,
    ("get", "/health"): False,
    ("get", "/health/live"): False,
    ("get", "/health/ready"): False,
    ("get", "/health/users"): False,
    ("get", "/health/products"): False,
    ("get", "/health/orders"): False,
    ("get", "/health/notifications"): False,
    ("get", "/docs"): False,
    ("get", "/openapi.json"): False,
    ("get", "/.well-known/jwks.json"): False,
    ("post", "/api/v1/users"): False,
    ("post", "/api/v1/auth/login"): False,
    ("post", "/api/v1/auth/refresh"): False,
    ("post", "/api/v1/auth/logout"): False,
    ("get", "/api/v1/users/me"): True,
    ("get", "/api/v1/users"): True,
    ("get", "/api/v1/users/{id}"): True,
    ("put", "/api/v1/users/{id}"): True,
    ("delete", "/api/v1/users/{id}"): True,
    ("get", "/api/v1/products"): False,
    ("get", "/api/v1/products/{id}"): False,
    ("post", "/api/v1/products"): True,
    ("put", "/api/v1/products/{id}"): True,
    ("post", "/api/v1/products/{id}/stock"): True,
    ("delete", "/api/v1/products/{id}"): True,
    ("post", "/api/v1/orders"): True,
    ("get", "/api/v1/orders"): True,
    ("get", "/api/v1/orders/{id}"): True,
    ("get", "/api/v1/orders/{id}/events"): True,
    ("post", "/api/v1/orders/{id}/cancel"): True,
    ("post", "/api/v1/orders/{id}/ship"): True,
    ("post", "/api/v1/orders/{id}/deliver"): True,
    ("get", "/api/v1/notifications"): True,
    ("post", "/api/v1/notifications/{id}/read"): True,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((folder / "openapi.json").read_bytes())
    return made


def all_operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method, path): operation for path, method, operation in operations(document)}


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_says_what_it_is(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert (document["info"]["title"], document["info"]["version"]) == ("Bodega", VERSION)
    assert [server["url"] for server in document["servers"]] == ["."]


def test_it_has_every_row_of_the_contract_and_no_other(document: dict[str, Any]) -> None:
    assert set(all_operations(document)) == set(CONTRACT)


def test_a_token_is_asked_for_where_the_contract_does(document: dict[str, Any]) -> None:
    asking = {
        row: operation.get("security") == [{"bearerAuth": []}]
        for row, operation in all_operations(document).items()
    }
    assert asking == CONTRACT
    assert document["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert "#/components/schemas/Problem" in found
    for reference in found:
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def test_every_schema_is_used_and_has_a_short_name(document: dict[str, Any]) -> None:
    names = set(document["components"]["schemas"])
    used = {reference.rpartition("/")[2] for reference in references(document)}
    assert names <= used
    assert not [name for name in names if "__" in name]


def test_every_operation_has_an_id_of_its_own_a_summary_and_one_tag(
    document: dict[str, Any],
) -> None:
    found = all_operations(document).values()
    ids = [operation["operationId"] for operation in found]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    for operation in found:
        assert operation["summary"]
        assert len(operation["tags"]) == 1
        assert operation["tags"][0] in tags


def test_every_path_parameter_is_declared(document: dict[str, Any]) -> None:
    for (_, path), operation in all_operations(document).items():
        declared = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for row, operation in all_operations(document).items():
        errors = {
            status: answer
            for status, answer in operation["responses"].items()
            if status == "default" or int(status) >= 400
        }
        assert "default" in errors
        for status, answer in errors.items():
            # Health is no error, even when it is bad.
            if (row, status) != (("get", "/health/ready"), "503"):
                assert answer["content"] == problem, (row, status)


def test_every_answer_has_its_request_id_and_every_response_a_description(
    document: dict[str, Any],
) -> None:
    for operation in all_operations(document).values():
        for answer in operation["responses"].values():
            assert answer["description"]
            assert {"X-Request-ID", "X-Process-Time"} <= set(answer["headers"])


def test_no_parameter_may_be_null(document: dict[str, Any]) -> None:
    for operation in all_operations(document).values():
        for parameter in operation.get("parameters", ()):
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ())


def test_lists_have_a_limit_and_a_cursor(document: dict[str, Any]) -> None:
    found = all_operations(document)
    for name in ("users", "products", "orders", "notifications"):
        parameters = {p["name"]: p for p in found["get", f"/api/v1/{name}"]["parameters"]}
        limit = parameters["limit"]["schema"]
        assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 20)
        assert "cursor" in parameters


def test_headers_that_a_client_must_send_are_declared(document: dict[str, Any]) -> None:
    found = all_operations(document)

    def headers(method: str, path: str) -> set[str]:
        parameters = found[method, path].get("parameters", ())
        return {p["name"].lower() for p in parameters if p["in"] == "header"}

    assert "idempotency-key" in headers("post", "/api/v1/orders")
    assert "idempotency-key" in headers("post", "/api/v1/products/{id}/stock")
    assert "if-match" in headers("put", "/api/v1/products/{id}")
    assert "if-none-match" in headers("get", "/api/v1/products/{id}")


def test_an_order_without_an_idempotency_key_is_refused_and_says_so(
    document: dict[str, Any],
) -> None:
    [key] = [
        parameter
        for parameter in document["paths"]["/api/v1/orders"]["post"]["parameters"]
        if parameter["name"] == "Idempotency-Key"
    ]
    assert key["required"] is True
    assert key["schema"]["maxLength"] == 255
    assert "x-required" not in json.dumps(document)


def test_the_assets_are_swagger_ui_5_and_go_out_as_text(folder: Path) -> None:
    gateway = HttpClient(api.create_app(FakeBackends(), Site(folder)))
    for name in ASSETS:
        assert gateway.get(f"/docs/{name}").text == (folder / name).read_text()
    assert re.search(r'PACKAGE_VERSION:"5\.\d+', (folder / "swagger-ui-bundle.js").read_text())
    # What a Lambda function may answer with, and API Gateway pass on, is 6 MB.
    assert sum((folder / name).stat().st_size for name in ASSETS) < 3_000_000


def test_the_licence_of_what_was_copied_comes_along(folder: Path) -> None:
    assert "MIT License" in (folder / "fastapi-swagger.LICENSE").read_text()


def test_a_known_path_of_the_real_document_answers_405(folder: Path) -> None:
    gateway = HttpClient(api.create_app(FakeBackends(), Site(folder)))
    for method, path, allowed in [
        ("DELETE", "/api/v1/orders", "GET, POST"),
        ("PATCH", "/api/v1/users/me", "GET"),
        ("PUT", "/.well-known/jwks.json", "GET"),
    ]:
        assert gateway.request(method, path).headers["allow"] == allowed
