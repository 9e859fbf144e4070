"""The OpenAPI document: as it was reviewed, valid, and regular for every route and schema."""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import schemathesis
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from shared.web.routing import GuardedRoute
from tools.openapi import contract
from tools.openapi.access import SERVICES, routers
from tools.openapi.document import document as build
from tools.openapi.document import operations

type Node = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Node:
    return build()


@pytest.fixture(scope="module")
def found(document: Node) -> list[Node]:
    return [operation for _, _, operation in operations(document)]


def request_models() -> dict[str, type[BaseModel]]:
    """The models of all bodies of requests, by name."""
    bodies = [
        context.original_route.body_field
        for service in SERVICES
        for router in routers(service)
        for context in iter_route_contexts(router.routes)
        if isinstance(context.original_route, GuardedRoute)
    ]
    annotations: list[Any] = [body.field_info.annotation for body in bodies if body]
    # A body that may be missing is `Model | None`.
    models = [next(iter(get_args(found)), found) for found in annotations]
    return {model.__name__: model for model in models}


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(document: Node, node: Node) -> Node:
    """The node itself, or what it refers to."""
    target: Any = document
    for step in node["$ref"].removeprefix("#/").split("/") if "$ref" in node else ():
        target = target[step]
    return target if "$ref" in node else node


@pytest.mark.parametrize("name", [contract.API, contract.EVENTS])
def test_document_is_the_reviewed_one(name: str) -> None:
    reviewed, made = (
        json.dumps(one, indent=1).splitlines()
        for one in (contract.reviewed(name), contract.documents()[name])
    )
    diff = list(difflib.unified_diff(reviewed, made, f"docs/api/{name}", "the code", lineterm=""))
    if diff:
        pytest.fail("\n".join(["`make api`, and review the diff:", *diff[:100]]), pytrace=False)


def test_document_is_openapi_3_1(document: Node) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(json.loads(json.dumps(document))).validate()


def test_every_reference_resolves_and_every_component_is_used(document: Node) -> None:
    used = set(references(document))
    for reference in used:
        assert resolved(document, {"$ref": reference})
    for kind in ("schemas", "responses", "headers", "parameters"):
        for name in document["components"][kind]:
            assert f"#/components/{kind}/{name}" in used
            assert "__" not in name, "two models have this name"


def test_every_operation_has_an_id_a_summary_and_the_tag_of_its_service(
    document: Node, found: list[Node]
) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    assert len({operation["operationId"] for operation in found}) == len(found)
    for operation in found:
        # FastAPI makes up an id with underscores where a route has none.
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", operation["operationId"])
        assert operation["summary"]
        assert {*operation["tags"]} <= tags


def test_links_lead_to_operations_and_name_their_parameters(
    document: Node, found: list[Node]
) -> None:
    by_id = {operation["operationId"]: operation for operation in found}
    for operation in found:
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                target = by_id[link["operationId"]]
                names = {resolved(document, one)["name"] for one in target["parameters"]}
                assert link.get("parameters", {}).keys() <= names
                assert ("requestBody" in link) <= ("requestBody" in target)


def test_new_item_leads_to_what_can_be_done_with_it(document: Node) -> None:
    placed = document["paths"]["/api/v1/orders"]["post"]["responses"]["201"]
    assert placed["links"].keys() == {
        *("getOrder", "getOrderHistory", "cancelOrder", "shipOrder", "deliverOrder"),
        *("refundOrder", "listRefunds", "requestReturn", "listReturns"),
    }


def test_lists_have_one_form(document: Node, found: list[Node]) -> None:
    for operation in found:
        parameters = {
            one["name"]: one["schema"]
            for one in (resolved(document, given) for given in operation["parameters"])
        }
        if "cursor" not in parameters:
            continue
        limit = parameters["limit"]
        assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 20)
        assert parameters["cursor"]["maxLength"] == 4096
        content = operation["responses"]["200"]["content"]["application/json"]
        page = resolved(document, content["schema"])
        [items] = set(page["properties"]) - {"count", "next_cursor"}
        assert page["properties"][items]["type"] == "array"
        assert page["required"] == [items, "count", "next_cursor"]


def test_times_are_times_and_money_has_two_places(document: Node) -> None:
    for name, schema in document["components"]["schemas"].items():
        for member, said in schema.get("properties", {}).items():
            if member == "at" or member.endswith("_at"):
                assert said["format"] == "date-time", (name, member)
            if name.endswith("Response") and re.search("price|amount|_total$", member):
                assert said["pattern"] == r"^\d+\.\d{2}$", (name, member)


@pytest.mark.parametrize("model", request_models().values(), ids=request_models())
def test_body_takes_nothing_unknown_and_its_examples_are_valid(
    document: Node, found: list[Node], model: type[BaseModel]
) -> None:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    bodies = [operation.get("requestBody") for operation in found]
    needed = {"required": True, "content": {"application/json": {"schema": schema}}}
    # A deletion needs none.
    optional = {"content": {"application/json": {"schema": {**schema, "default": {}}}}}
    assert needed in bodies or optional in bodies
    said = resolved(document, schema)
    assert {kind["additionalProperties"] for kind in said.get("oneOf", [said])} == {False}
    example = _example(document, schema)
    if example.keys() >= set(resolved(document, schema).get("required", ())):
        model.model_validate(example)


def _example(document: Node, schema: Node) -> Any:
    """A value made of the schema's examples; members without an example are left out."""
    said = resolved(document, schema)
    if "examples" in said:
        return said["examples"][0]
    if said.get("type") == "array":
        return [_example(document, said["items"])]
    members = {name: _example(document, one) for name, one in said.get("properties", {}).items()}
    return {name: value for name, value in members.items() if value not in ({}, [{}])}
