"""The one document of the whole API, as the build makes it: it says all that the contract says, and
nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from pydantic import BaseModel

from gateway import VERSION
from orders.schemas import OrderItemRequest, OrderRequest
from products.catalogue.schemas import ProductChangeRequest, ProductRequest, StockChangeRequest
from tests.gateway.contract import BODIES, CONTRACT, ENUMS, LIMITS, MEMBERS, MONEY, Row
from tools.openapi.bodies import operations
from tools.openapi.document import document as build
from users.accounts.schemas import AccountChangeRequest, RegistrationRequest

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(build()))
    return made


@pytest.fixture(scope="module")
def found(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{method.upper()} {path}": made for path, method, made in operations(document)}


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


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The node itself, or what it refers to."""
    if "$ref" not in node:
        return node
    target: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return resolved(document, target)


def answers(document: dict[str, Any], operation: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {int(s): resolved(document, node) for s, node in operation["responses"].items()}


def codes(document: dict[str, Any], answer: dict[str, Any]) -> set[str]:
    """The codes of the problems that an answer may be."""
    schema = answer.get("content", {}).get(PROBLEM, {}).get("schema")
    if schema is None:
        return set()
    kinds = schema.get("oneOf", [schema])
    types = [resolved(document, kind)["properties"]["type"]["const"] for kind in kinds]
    return {str(type_).removeprefix("/problems/") for type_ in types}


def member(document: dict[str, Any], name: str) -> dict[str, Any]:
    """`Account.role`: what the document says of a member, wherever it says so, without the "or
    null" of a request."""
    schema, _, key = name.partition(".")
    said = document["components"]["schemas"][schema]["properties"][key]
    for kind in said.pop("anyOf", ()):
        said |= {} if kind == {"type": "null"} else kind
    return resolved(document, said)


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(json.loads(json.dumps(document))).validate()


def test_it_says_what_it_is(document: dict[str, Any]) -> None:
    assert (document["info"]["title"], document["info"]["version"]) == ("Bodega", VERSION)
    assert [server["url"] for server in document["servers"]] == ["."]


def test_it_has_every_row_of_the_contract_and_no_other(found: dict[str, Any]) -> None:
    assert found.keys() == CONTRACT.keys()


@pytest.mark.parametrize(("name", "row"), CONTRACT.items(), ids=CONTRACT)
class TestRows:
    """What the document says of each row is what the contract says."""

    def test_a_token_is_asked_for_where_the_contract_does(
        self, found: dict[str, Any], name: str, row: Row
    ) -> None:
        assert (found[name].get("security") == [{"bearerAuth": []}]) == row.is_known

    def test_every_status_and_every_code_is_there_and_no_other(
        self, document: dict[str, Any], found: dict[str, Any], name: str, row: Row
    ) -> None:
        said = {status: codes(document, a) for status, a in answers(document, found[name]).items()}
        well = {row.well: set[str](), **({304: set[str]()} if row.may_be_unchanged else {})}
        expected = {status: set(codes) for status, codes in row.problems.items()}
        assert said == well | expected

    def test_every_answer_has_its_headers(
        self, document: dict[str, Any], found: dict[str, Any], name: str, row: Row
    ) -> None:
        own = {row.well: set(row.headers.split()), 401: {"X-Amzn-Remapped-WWW-Authenticate"}}
        own |= {429: {"Retry-After"}, 503: {"Retry-After"}}
        for status, answer in answers(document, found[name]).items():
            assert answer["description"]
            expected = {"X-Request-ID", "X-Process-Time", *own.get(status, ())}
            # What nobody may keep says so; a few answers say for how long they may be kept.
            expected |= {"Cache-Control"} if status < 400 else set()
            expected |= set(row.headers.split()) if status == 304 else set()
            assert set(answer["headers"]) == expected, status
            cached = resolved(document, answer["headers"].get("Cache-Control", {}))
            if status < 400:
                assert (cached["schema"]["const"] == "no-store") == (
                    "Cache-Control" not in row.headers
                )

    def test_every_parameter_is_there_and_no_other(
        self, document: dict[str, Any], found: dict[str, Any], name: str, row: Row
    ) -> None:
        said = [resolved(document, p) for p in found[name]["parameters"]]
        in_path = set(re.findall(r"\{(\w+)\}", name))
        assert {p["name"] for p in said if p["in"] == "path"} == in_path
        assert {p["name"] for p in said if p["in"] != "path"} == row.parameters
        for parameter in said:
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ())
        if row.is_list:
            limits = {p["name"]: p["schema"] for p in said}
            limit = limits["limit"]
            assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 20)
            assert limits["cursor"]["maxLength"] == 4096

    def test_a_body_is_json_and_must_be_there(
        self, found: dict[str, Any], name: str, row: Row
    ) -> None:
        body = found[name].get("requestBody")
        assert (body is not None) == row.has_body
        if body:
            assert body["required"]
            assert list(body["content"]) == ["application/json"]


def test_what_has_no_body_says_so(document: dict[str, Any], found: dict[str, Any]) -> None:
    for operation in found.values():
        for status, answer in answers(document, operation).items():
            assert (status in (204, 304)) == ("content" not in answer)


def test_every_problem_has_its_members(document: dict[str, Any], found: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    common = {"type", "title", "status", "detail", "instance", "request_id"}
    assert set(schemas["Problem"]["required"]) == common
    for operation in found.values():
        for status, answer in answers(document, operation).items():
            schema = answer.get("content", {}).get(PROBLEM, {}).get("schema", {})
            for kind in schema.get("oneOf", [schema] if schema else []):
                said = resolved(document, kind)
                code = said["properties"]["type"]["const"].removeprefix("/problems/")
                assert said["allOf"] == [{"$ref": "#/components/schemas/Problem"}]
                assert said["properties"]["status"] == {"const": status}
                own = MEMBERS.get(code, set())
                assert set(said["required"]) == set(said["properties"]) == own | {"type", "status"}


@pytest.mark.parametrize(("name", "members"), BODIES.items(), ids=BODIES)
def test_every_body_has_its_members_and_says_which_are_always_there(
    document: dict[str, Any], name: str, members: str
) -> None:
    said = document["components"]["schemas"][name]
    assert set(said["properties"]) == {m.strip("()") for m in members.split()}
    assert set(said.get("required", ())) == {m for m in members.split() if "(" not in m}


def test_requests_take_nothing_that_they_do_not_name(
    document: dict[str, Any], found: dict[str, Any]
) -> None:
    for operation in found.values():
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert resolved(document, schema)["additionalProperties"] is False


@pytest.mark.parametrize(("name", "limits"), LIMITS.items(), ids=LIMITS)
def test_limits_are_the_contract_s(
    document: dict[str, Any], name: str, limits: dict[str, Any]
) -> None:
    assert limits.items() <= member(document, name).items()


def test_the_statuses_and_kinds_are_the_contract_s(document: dict[str, Any]) -> None:
    for name, values in ENUMS.items():
        said = member(document, name)
        assert said.get("enum", [said.get("const")]) == values


def test_money_has_two_places_and_times_are_times(document: dict[str, Any]) -> None:
    for name in MONEY:
        assert member(document, name)["pattern"] == r"^\d+\.\d{2}$"
    for schema in document["components"]["schemas"].values():
        for name, said in schema.get("properties", {}).items():
            if name == "at" or name.endswith("_at"):
                assert said["format"] == "date-time"


def test_the_end_of_a_list_is_null(document: dict[str, Any]) -> None:
    for name in (
        "AccountListResponse",
        "ProductListResponse",
        "OrderListResponse",
        "OrderHistoryResponse",
        "NotificationListResponse",
    ):
        cursor = document["components"]["schemas"][name]["properties"]["next_cursor"]
        assert cursor["anyOf"] == [{"type": "string"}, {"type": "null"}]


def test_every_reference_leads_somewhere_and_every_component_is_used(
    document: dict[str, Any],
) -> None:
    used = set(references(document))
    for reference in used:
        assert resolved(document, {"$ref": reference})
    for kind in ("schemas", "responses", "headers", "parameters"):
        for name in document["components"][kind]:
            assert f"#/components/{kind}/{name}" in used
            assert "__" not in name


def test_every_operation_has_an_id_in_one_style_a_summary_and_one_tag(
    document: dict[str, Any], found: dict[str, Any]
) -> None:
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    for operation in found.values():
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", operation["operationId"])
        assert operation["summary"]
        [tag] = operation["tags"]
        assert tag in tags


def test_links_lead_to_operations_and_name_their_parameters(
    document: dict[str, Any], found: dict[str, Any]
) -> None:
    by_id = {operation["operationId"]: operation for operation in found.values()}
    links = [
        link
        for operation in found.values()
        for answer in answers(document, operation).values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 20
    for link in links:
        target = by_id[link["operationId"]]
        names = {resolved(document, parameter)["name"] for parameter in target["parameters"]}
        assert link.get("parameters", {}).keys() <= names
        assert ("requestBody" in link) <= ("requestBody" in target)


def test_an_order_without_an_idempotency_key_is_refused_and_says_so(found: dict[str, Any]) -> None:
    for name, is_required in (
        ("POST /api/v1/orders", True),
        ("POST /api/v1/products/{id}/stock", False),
    ):
        [key] = [p for p in found[name]["parameters"] if p.get("name") == "Idempotency-Key"]
        assert key["required"] is is_required
        assert (key["schema"]["minLength"], key["schema"]["maxLength"]) == (1, 255)


def test_nothing_is_left_of_the_marks_that_the_build_reads(document: dict[str, Any]) -> None:
    assert not re.findall(r'"x-[a-z-]+":', json.dumps(document))


@pytest.mark.parametrize(
    "model",
    [
        AccountChangeRequest,
        OrderRequest,
        ProductChangeRequest,
        ProductRequest,
        RegistrationRequest,
        StockChangeRequest,
    ],
)
def test_a_request_made_of_the_examples_is_taken(
    document: dict[str, Any], model: type[BaseModel]
) -> None:
    schemas = document["components"]["schemas"]
    said = schemas[model.__name__]["properties"]
    body = {name: node["examples"][0] for name, node in said.items() if "examples" in node}
    if model is OrderRequest:
        item = schemas[OrderItemRequest.__name__]["properties"]
        body["items"] = [{name: node["examples"][0] for name, node in item.items()}]
    model.model_validate(body)
