"""Which changes of the two documents break a client of the last release: each judged as a person
who reads APIs would."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tools.openapi import compatible, document, events, release

type Node = dict[str, Any]
type Change = Callable[[Node], object]

ORDERS: Final = "/api/v1/orders"
ORDER: Final = "/api/v1/orders/{id}"
PRODUCTS: Final = "/api/v1/products"
CANCEL: Final = "/api/v1/orders/{id}/cancel"


@pytest.fixture(scope="module")
def api() -> Node:
    return document.document()


def operation(made: Node, method: str, path: str) -> Node:
    found: Node = made["paths"][path][method]
    return found


def parameter(made: Node, path: str, name: str) -> Node:
    [found] = [p for p in operation(made, "get", path)["parameters"] if p.get("name") == name]
    made_: Node = found
    return made_


def schema(made: Node, name: str) -> Node:
    found: Node = made["components"]["schemas"][name]
    return found


def member(made: Node, name: str) -> Node:
    of, _, key = name.partition(".")
    found: Node = schema(made, of)["properties"][key]
    return found


def put(made: Node, name: str, **keywords: Any) -> None:
    member(made, name).update(keywords)


def put_instead(made: Node, name: str, instead: Node) -> None:
    of, _, key = name.partition(".")
    schema(made, of)["properties"][key] = instead


def drop_member(made: Node, name: str) -> None:
    of, _, key = name.partition(".")
    del schema(made, of)["properties"][key]
    schema(made, of)["required"] = [k for k in schema(made, of)["required"] if k != key]


def add_member(made: Node, name: str, *, required: bool) -> None:
    of, _, key = name.partition(".")
    schema(made, of)["properties"][key] = {"type": "string"}
    schema(made, of)["required"] += [key] if required else []


def make_optional(made: Node, name: str) -> None:
    of, _, key = name.partition(".")
    schema(made, of)["required"].remove(key)


def make_nullable(made: Node, name: str) -> None:
    put_instead(made, name, {"anyOf": [member(made, name), {"type": "null"}]})


def add_parameter(made: Node, *, required: bool) -> None:
    new = {"name": "region", "in": "query", "required": required, "schema": {"type": "string"}}
    operation(made, "get", ORDERS)["parameters"].append(new)


def drop_parameter(made: Node, path: str, name: str) -> None:
    operation(made, "get", path)["parameters"].remove(parameter(made, path, name))


def move_status(made: Node, old: str, new: str) -> None:
    answers = operation(made, "post", ORDERS)["responses"]
    answers[new] = answers.pop(old)


def problems(made: Node, status: str) -> list[Node]:
    content = operation(made, "post", ORDERS)["responses"][status]["content"]
    found: list[Node] = content["application/problem+json"]["schema"]["oneOf"]
    return found


def rename_schema(made: Node) -> None:
    text = json.dumps(made).replace("schemas/OrderResponse", "schemas/Order")
    made.update(json.loads(text))
    made["components"]["schemas"]["Order"] = made["components"]["schemas"].pop("OrderResponse")


def change_texts(made: Node) -> None:
    made["info"]["description"] = "Another."
    operation(made, "get", ORDERS)["summary"] = "Another."
    schema(made, "OrderResponse")["title"] = "Another"
    put(made, "OrderResponse.id", description="Another.", examples=["another"])


BREAKING: Final[dict[str, tuple[Change, str]]] = {
    "a path goes": (lambda d: d["paths"].pop(CANCEL), f"POST {CANCEL} is gone"),
    "a method goes": (lambda d: d["paths"][ORDERS].pop("get"), f"GET {ORDERS} is gone"),
    "an operation is renamed": (
        lambda d: operation(d, "get", ORDERS).update(operationId="findOrders"),
        "operationId",
    ),
    "a public route asks for a token": (
        lambda d: operation(d, "get", PRODUCTS).update(security=[{"bearerAuth": []}]),
        "credentials",
    ),
    # What is sent to the shop.
    "a query parameter goes": (lambda d: drop_parameter(d, ORDERS, "status"), "status is gone"),
    "a query parameter must be given from now on": (
        lambda d: parameter(d, ORDERS, "status").update(required=True),
        "query status must be given",
    ),
    "a new query parameter must be given": (
        lambda d: add_parameter(d, required=True),
        "query region must be given",
    ),
    "a page is smaller": (
        lambda d: parameter(d, ORDERS, "limit")["schema"].update(maximum=50),
        "maximum may be 100 instead of 50",
    ),
    "a value of a query parameter goes": (
        lambda d: parameter(d, PRODUCTS, "sort")["schema"]["enum"].pop(),
        "query sort: may be",
    ),
    "a member goes from a request": (
        lambda d: schema(d, "OrderRequest")["properties"].pop("payment_token"),
        "payment_token: may be there",
    ),
    "a new member must be sent": (
        lambda d: add_member(d, "OrderItemRequest.size", required=True),
        "size: may be missing",
    ),
    "a text may be less long": (
        lambda d: put(d, "RegistrationRequest.password", maxLength=64),
        "maxLength may be 128 instead of 64",
    ),
    "a text must be longer": (
        lambda d: put(d, "RegistrationRequest.password", minLength=16),
        "minLength may be 12 instead of 16",
    ),
    "a text must match from now on": (
        lambda d: put(d, "LogInRequest.email", pattern="@"),
        "pattern may be None instead of @",
    ),
    "a number becomes a text in a request": (
        lambda d: put_instead(d, "OrderItemRequest.quantity", {"type": "string"}),
        "may be integer instead of string",
    ),
    "a role cannot be given any more": (
        lambda d: member(d, "AccountChangeRequest.role")["enum"].remove("admin"),
        "may be 'admin'",
    ),
    "null is no longer taken": (
        lambda d: member(d, "OrderRequest.payment_token")["anyOf"].pop(),
        "may be null",
    ),
    "a body must be sent where none was": (
        lambda d: operation(d, "post", CANCEL).update(
            requestBody=operation(d, "post", ORDERS)["requestBody"]
        ),
        "body application/json must be given",
    ),
    # What the shop answers.
    "a member goes from an answer": (
        lambda d: drop_member(d, "OrderResponse.user_name"),
        "user_name: may be missing",
    ),
    "a member that was optional goes from an answer": (
        lambda d: schema(d, "OrderResponse")["properties"].pop("cancel_reason"),
        "cancel_reason: may be",
    ),
    "a member may be left out of an answer": (
        lambda d: make_optional(d, "OrderResponse.user_name"),
        "user_name: may be missing",
    ),
    "a member of an answer may be null": (
        lambda d: make_nullable(d, "OrderResponse.user_name"),
        "user_name: may be null instead of string",
    ),
    "a number becomes a text in an answer": (
        lambda d: put(d, "OrderResponse.version", type="string"),
        "version: may be string instead of integer",
    ),
    "a whole number becomes any number": (
        lambda d: put(d, "OrderResponse.version", type="number"),
        "version: may be number instead of integer",
    ),
    "a new status of orders": (
        lambda d: member(d, "OrderResponse.status")["enum"].append("returned"),
        "status: may be 'returned'",
    ),
    "a closed list of values is opened": (
        lambda d: member(d, "OrderResponse.status").pop("enum"),
        "status: may be more than",
    ),
    "money has another form": (
        lambda d: put(d, "OrderItemResponse.unit_price", pattern=r"^\d+$"),
        "unit_price: pattern",
    ),
    "a time has no form any more": (
        lambda d: member(d, "OrderResponse.created_at").pop("format"),
        "created_at: format",
    ),
    "a header goes": (
        lambda d: operation(d, "post", ORDERS)["responses"]["201"]["headers"].pop("Location"),
        "201 Location is gone",
    ),
    "a header may be left out": (
        lambda d: operation(d, "post", ORDERS)["responses"]["201"]["headers"]["Location"].pop(
            "required"
        ),
        "201 Location may be missing",
    ),
    "another status where all is well": (lambda d: move_status(d, "201", "202"), "202 is new"),
    "an error's status goes": (
        lambda d: operation(d, "get", ORDER)["responses"].pop("404"),
        f"GET {ORDER} 404 is gone",
    ),
    "another media type": (
        lambda d: operation(d, "get", ORDER)["responses"]["200"].update(
            content={"text/csv": {"schema": {"type": "string"}}}
        ),
        "200 application/json is gone",
    ),
    "a code goes": (lambda d: problems(d, "409").pop(0), "is gone"),
    "a member goes from a problem": (
        lambda d: drop_member(d, "OutOfStock.available"),
        "available: may be missing",
    ),
}

HARMLESS: Final[dict[str, Change]] = {
    "nothing": lambda d: None,
    "texts and examples change": change_texts,
    "a schema has another name": rename_schema,
    "a new path": lambda d: d["paths"].update({"/api/v2/orders": {"get": {}}}),
    "a new query parameter": lambda d: add_parameter(d, required=False),
    "a page may be larger": lambda d: parameter(d, ORDERS, "limit")["schema"].update(maximum=500),
    "one more value of a query parameter": (
        lambda d: parameter(d, PRODUCTS, "sort")["schema"]["enum"].append("stock")
    ),
    "a header need not be sent any more": (
        lambda d: [p.update(required=False) for p in operation(d, "post", ORDERS)["parameters"]]
    ),
    "a new member may be sent": lambda d: add_member(d, "OrderRequest.note", required=False),
    "a member need not be sent any more": lambda d: make_optional(
        d, "RegistrationRequest.full_name"
    ),
    "a text may be longer": lambda d: put(d, "RegistrationRequest.password", maxLength=256),
    "a text need not match any more": lambda d: member(d, "RegistrationRequest.email").pop(
        "pattern"
    ),
    "null is taken": lambda d: make_nullable(d, "OrderItemRequest.quantity"),
    "one more role can be given": (
        lambda d: member(d, "AccountChangeRequest.role")["enum"].append("clerk")
    ),
    "a body may be sent": lambda d: operation(d, "post", CANCEL).update(
        requestBody=operation(d, "post", ORDERS)["requestBody"] | {"required": False}
    ),
    "a token is no longer asked for": lambda d: operation(d, "get", ORDERS).pop("security"),
    "an answer has one more member": (
        lambda d: add_member(d, "OrderResponse.payment_id", required=False)
    ),
    "a member is always there": lambda d: schema(d, "OrderResponse")["required"].append(
        "cancel_reason"
    ),
    "a member is never null again": lambda d: member(d, "OrderListResponse.next_cursor")[
        "anyOf"
    ].pop(),
    "a value does not come any more": (
        lambda d: member(d, "OrderResponse.cancel_reason")["enum"].pop()
    ),
    "an answer's number has a limit": lambda d: put(d, "OrderResponse.version", minimum=1),
    "one more header": lambda d: operation(d, "get", ORDER)["responses"]["200"]["headers"].update(
        ETag={"schema": {"type": "string"}}
    ),
    "one more error's status": lambda d: operation(d, "get", ORDER)["responses"].update(
        {"410": {"description": "It is gone."}}
    ),
    "one more code": lambda d: problems(d, "409").append(
        {"$ref": "#/components/schemas/EmailTaken"}
    ),
}

BREAKING_EVENTS: Final[dict[str, tuple[Change, str]]] = {
    "a type goes": (
        lambda d: d["channels"]["events"]["messages"].pop("user.registered"),
        "user.registered payload is gone",
    ),
    "the channel goes": (
        lambda d: d["channels"].pop("events"),
        "channel events order.placed payload is gone",
    ),
    "a member goes": (lambda d: drop_member(d, "OrderData.email"), "data.email: may be missing"),
    "a member of the envelope goes": (
        lambda d: drop_member(d, "Event.request_id"),
        "request_id: may be missing",
    ),
    "a member may be null": (
        lambda d: make_nullable(d, "LowStockData.threshold"),
        "data.threshold: may be null",
    ),
    "a number becomes a text": (
        lambda d: put(d, "PricedLine.unit_price_minor", type="string"),
        "lines.items.unit_price_minor: may be string",
    ),
    "a new status of orders": (
        lambda d: member(d, "OrderData.status")["enum"].append("returned"),
        "status: may be 'returned'",
    ),
    "the attribute that policies filter by goes": (
        lambda d: drop_attribute(d, "order.placed"),
        "order.placed headers.type: may be missing",
    ),
}

HARMLESS_EVENTS: Final[dict[str, Change]] = {
    "nothing": lambda d: None,
    "a new type": lambda d: d["channels"]["events"]["messages"].update(
        {"order.returned": d["components"]["messages"]["order.shipped"]}
    ),
    "a new member of the data": lambda d: add_member(d, "OrderData.payment_id", required=True),
    "a new member of the envelope": lambda d: add_member(d, "Event.trace_id", required=True),
    "the envelope's list of types is opened": lambda d: put_instead(
        d, "Event.type", {"type": "string"}
    ),
    "another queue receives": lambda d: d["operations"].pop("notificationsReceives"),
}


def drop_attribute(made: Node, type_: str) -> None:
    headers = made["components"]["messages"][type_]["headers"]
    headers["properties"].pop("type")
    headers["required"].remove("type")


def changed(made: Node, change: Change) -> Node:
    new: Node = copy.deepcopy(made)
    change(new)
    return new


@pytest.mark.parametrize(("change", "sentence"), BREAKING.values(), ids=BREAKING)
def test_a_change_that_breaks_a_client_is_found(api: Node, change: Change, sentence: str) -> None:
    found = list(compatible.api(api, changed(api, change)))
    assert any(sentence in one for one in found), found


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_breaks_nobody_is_left_alone(api: Node, change: Change) -> None:
    assert list(compatible.api(api, changed(api, change))) == []


@pytest.mark.parametrize(("change", "sentence"), BREAKING_EVENTS.values(), ids=BREAKING_EVENTS)
def test_a_change_that_breaks_a_subscriber_is_found(change: Change, sentence: str) -> None:
    old, readers = events.document(), events.document("validation")
    found = list(compatible.events(old, changed(old, change), readers))
    assert any(sentence in one for one in found), found


@pytest.mark.parametrize("change", HARMLESS_EVENTS.values(), ids=HARMLESS_EVENTS)
def test_a_change_that_breaks_no_subscriber_is_left_alone(change: Change) -> None:
    old, readers = events.document(), events.document("validation")
    assert list(compatible.events(old, changed(old, change), readers)) == []


def test_what_is_in_the_queues_must_be_readable_by_the_next_release() -> None:
    old, readers = events.document(), events.document("validation")
    strict = changed(readers, lambda d: add_member(d, "OrderData.payment_id", required=True))
    found = list(compatible.events(old, old, strict))
    assert any(
        "read: channel events order.placed payload.data.payment_id: may be missing" in one
        for one in found
    )
    lenient = changed(readers, lambda d: add_member(d, "OrderData.payment_id", required=False))
    assert list(compatible.events(old, old, lenient)) == []


def test_values_that_a_client_must_expect_to_grow_may_grow(api: Node) -> None:
    """The open form of a list of values: those that are known, or any other text."""
    known = {"enum": ["customer_request", "admin_request"]}
    opened = changed(
        api,
        lambda d: put_instead(
            d, "OrderResponse.cancel_reason", {"anyOf": [known, {"type": "string"}]}
        ),
    )
    grown = changed(
        opened,
        lambda d: member(d, "OrderResponse.cancel_reason")["anyOf"][0]["enum"].append("lost"),
    )
    assert list(compatible.api(opened, grown)) == []


def test_a_keyword_that_nobody_has_thought_of_must_stay_as_it_is(api: Node) -> None:
    known = changed(api, lambda d: put(d, "OrderResponse.id", contentEncoding="base64"))
    assert list(compatible.api(known, api))
    assert not list(compatible.api(api, known))


@pytest.fixture
def folder(tmp_path: Path, api: Node) -> Path:
    """The documents of a last release whose orders had a member more."""
    richer = changed(api, lambda d: add_member(d, "OrderResponse.colour", required=True))
    (tmp_path / release.API).write_text(json.dumps(richer))
    (tmp_path / release.EVENTS).write_text(json.dumps(events.document()))
    return tmp_path


def test_the_check_names_what_breaks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main([], folder) == 1
    assert f"GET {ORDER} 200 application/json.colour: may be missing" in capsys.readouterr().out


def test_breaking_documents_are_kept_for_a_reason_only(folder: Path, api: Node) -> None:
    before = (folder / release.API).read_text()
    assert release.main(["--keep"], folder) == 1
    assert (folder / release.API).read_text() == before
    assert release.main(["--keep", "--reason", "No client reads colours."], folder) == 0
    assert json.loads((folder / release.API).read_text()) == json.loads(json.dumps(api))
    reasons = (folder / release.REASONS).read_text()
    assert "No client reads colours." in reasons
    assert "colour: may be missing" in reasons
    assert release.main([], folder) == 0


def test_the_last_release_s_documents_are_kept_and_small() -> None:
    for name in (release.API, release.EVENTS):
        assert 1_000 < (release.FOLDER / name).stat().st_size < 300_000
