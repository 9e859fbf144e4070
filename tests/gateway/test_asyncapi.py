"""The document of all events: AsyncAPI by its own schema, and true of what the shop publishes."""

import json
from collections.abc import Mapping
from typing import Any, Final, get_args

import jsonschema_rs
import pytest

from shared.contracts.events import DATA, EventType
from tests.simulation import journeys
from tests.simulation.shop import SimulatedShop, opened
from tests.support.evaluators import NODE
from tools.openapi.events import document as build
from tools.template import resources

type Published = list[tuple[dict[str, Any], dict[str, Any]]]

_SCHEMA: Final = NODE / "node_modules/@asyncapi/specs/schemas/3.0.0.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build()


@pytest.fixture(scope="module")
def published() -> Published:
    """The attributes and the body of each message that a busy day brings to the topic."""
    seen: Published = []
    with opened() as shop:
        publish = shop.cloud._publish

        def seeing(form: Mapping[str, list[str]]) -> None:
            prefix = "MessageAttributes.entry.1."
            name, value = form[f"{prefix}Name"][0], form[f"{prefix}Value.StringValue"][0]
            seen.append(({name: value}, json.loads(form["Message"][0])))
            publish(form)

        shop.cloud._publish = seeing  # type: ignore[method-assign]
        _busy_day(shop)
    return seen


def _busy_day(shop: SimulatedShop) -> None:
    leaving, forgotten = shop.anyone.register(), shop.anyone.register()
    shop.customer.order((shop.mug, 8))
    cancelled = shop.customer.order((shop.tray, 1))
    shop.customer.post(f"/api/v1/orders/{cancelled['id']}/cancel")
    delivered = shop.customer.order((shop.tray, 1))
    shop.come_to_rest()
    for verb in ("ship", "deliver"):
        shop.admin.post(f"/api/v1/orders/{delivered['id']}/{verb}")
    shop.admin.delete(f"/api/v1/users/{leaving.user['id']}")
    shop.admin.delete(f"/api/v1/users/{forgotten.user['id']}", params={"erase": "true"})
    for play in journeys.of_services().values():
        play(shop)
    shop.come_to_rest()


def _validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Draft7Validator:
    whole = schema | {"components": document["components"]}
    return jsonschema_rs.Draft7Validator(whole, validate_formats=True)


def test_the_document_is_asyncapi_3(document: dict[str, Any]) -> None:
    validator = jsonschema_rs.Draft7Validator(json.loads(_SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(document)] == []
    assert not validator.is_valid(document | {"channels": {"events": {"address": 1}}})


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for operation in document["operations"].values():
        for message in operation["messages"]:
            *_, type_ = message["$ref"].split("/")
            assert document["channels"]["events"]["messages"][type_] == {
                "$ref": f"#/components/messages/{type_}"
            }
            assert document["components"]["messages"][type_]["name"] == type_


def test_every_type_has_its_data_and_one_sender(document: dict[str, Any]) -> None:
    assert set(DATA) == set(get_args(EventType.__value__))
    sent = [
        message["$ref"]
        for operation in document["operations"].values()
        for message in operation["messages"]
        if operation["action"] == "send"
    ]
    assert sorted(sent) == sorted(f"#/channels/events/messages/{type_}" for type_ in DATA)


def test_a_queue_receives_what_its_subscription_lets_through(document: dict[str, Any]) -> None:
    received = [
        [message["$ref"].rpartition("/")[2] for message in operation["messages"]]
        for operation in document["operations"].values()
        if operation["action"] == "receive"
    ]
    subscriptions = resources("AWS::SNS::Subscription").values()
    assert received == [one["FilterPolicy"]["type"] for one in subscriptions]


def test_what_the_shop_publishes_is_as_described(
    document: dict[str, Any], published: Published
) -> None:
    assert {body["type"] for _, body in published} == set(DATA)
    for attributes, body in published:
        message = document["components"]["messages"][body["type"]]
        for schema, instance in ((message["headers"], attributes), (message["payload"], body)):
            errors = _validator(document, schema).iter_errors(instance)
            assert [(list(error.instance_path), error.message) for error in errors] == []
        # And nothing more.
        schemas = document["components"]["schemas"]
        assert body.keys() == schemas["Event"]["properties"].keys()
        data = message["payload"]["properties"]["data"]["$ref"].rpartition("/")[2]
        assert body["data"].keys() == schemas[data]["properties"].keys()


def test_an_event_of_another_form_is_not_as_described(
    document: dict[str, Any], published: Published
) -> None:
    body = next(body for _, body in published if body["type"] == "order.placed")
    validator = _validator(document, document["components"]["messages"]["order.placed"]["payload"])
    for other in (
        body | {"type": "order.shipped"},
        body | {"version": "1"},
        body | {"at": "yesterday"},
        {name: value for name, value in body.items() if name != "request_id"},
        body | {"data": body["data"] | {"total_minor": 1.5}},
        body | {"data": {n: v for n, v in body["data"].items() if n != "cancel_reason"}},
    ):
        assert not validator.is_valid(other), other
