"""The document of all events: AsyncAPI by its own schema, and true of what the shop publishes."""

import json
from collections.abc import Mapping
from typing import Any, Final

import jsonschema_rs
import pytest

from shared.contracts.events import DATA
from tests.simulation import journeys
from tests.simulation.provider import dispute_at_the_provider, refund_at_the_provider
from tests.simulation.shop import SimulatedShop, opened
from tests.support.evaluators import NODE
from tools.openapi.events import document as build
from tools.template import resources

type Published = list[tuple[str, dict[str, Any], dict[str, Any]]]

_SCHEMA: Final = NODE / "node_modules/@asyncapi/specs/schemas/3.0.0.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build()


@pytest.fixture(scope="module")
def published() -> Published:
    """The topic, the attributes and the body of each message that a busy day brings."""
    seen: Published = []
    with opened() as shop:
        publish = shop.cloud._publish

        def seeing(topic: str, form: Mapping[str, list[str]]) -> None:
            prefix = "MessageAttributes.entry.1."
            name, value = form[f"{prefix}Name"][0], form[f"{prefix}Value.StringValue"][0]
            seen.append((topic, {name: value}, json.loads(form["Message"][0])))
            publish(topic, form)

        shop.cloud._publish = seeing  # type: ignore[method-assign]
        _busy_day(shop)
    return seen


def _busy_day(shop: SimulatedShop) -> None:
    leaving, forgotten = shop.anyone.register(), shop.anyone.register()
    shop.anyone.post("/api/v1/auth/forgot", {"email": forgotten.user["email"]})
    shop.customer.order((shop.mug, 8))
    dispute_at_the_provider(shop)
    cancelled = shop.customer.order((shop.tray, 1))
    shop.customer.post(f"/api/v1/orders/{cancelled['id']}/cancel")
    delivered = shop.customer.order((shop.tray, 1))
    shop.come_to_rest()
    for verb in ("ship", "deliver"):
        shop.admin.post(f"/api/v1/orders/{delivered['id']}/{verb}")
    returns = f"/api/v1/orders/{delivered['id']}/returns"
    items = {"items": [{"product_id": shop.tray["id"], "quantity": 1}], "reason": "Too small."}
    for verbs in (("refuse",), ("approve", "receive")):
        asked_for = shop.customer.post(returns, items).json()["id"]
        for verb in verbs:
            text = {"text": "Not yet."} if verb == "refuse" else None
            shop.admin.post(f"{returns}/{asked_for}/{verb}", text)
    delivered = shop.customer.order((shop.tray, 1))
    shop.come_to_rest()
    for key in ("made", "refused"):
        refund = {"json": {"amount": "1.00"}, "headers": {"Idempotency-Key": key}}
        shop.admin.post(f"/api/v1/orders/{delivered['id']}/refunds", **refund)
        shop.settle()
        refund_at_the_provider(shop, delivered, 2300)
    shop.admin.delete(f"/api/v1/users/{leaving.user['id']}")
    shop.admin.delete(f"/api/v1/users/{forgotten.user['id']}", params={"erase": "true"})
    shop.anyone.post("/api/v1/auth/forgot", {"email": shop.customer.user["email"]})
    for play in journeys.of_services().values():
        play(shop)
    shop.come_to_rest()


def _errors(document: dict[str, Any], schema: dict[str, Any], instance: Any) -> list[str]:
    validator = jsonschema_rs.Draft7Validator(
        schema | {"components": document["components"]}, validate_formats=True
    )
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(instance)]


def test_document_is_asyncapi_3(document: dict[str, Any]) -> None:
    validator = jsonschema_rs.Draft7Validator(json.loads(_SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(document)] == []


def test_every_type_is_sent_and_queues_receive_what_their_subscriptions_admit(
    document: dict[str, Any],
) -> None:
    types: dict[str, list[list[str]]] = {"send": [], "receive": []}
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"]
        references = [message["$ref"].rpartition("/") for message in operation["messages"]]
        assert {before for before, _, _ in references} == {f"{channel}/messages"}
        types[operation["action"]].append([type_ for _, _, type_ in references])
    assert sorted(type_ for sent in types["send"] for type_ in sent) == sorted(DATA)
    subscriptions = resources("AWS::SNS::Subscription").values()
    assert sorted(types["receive"]) == sorted(
        one["FilterPolicy"]["type"] for one in subscriptions if one["TopicArn"] != {"Ref": "Events"}
    )


def test_published_messages_are_as_described(
    document: dict[str, Any], published: Published
) -> None:
    assert {body["type"] for _, _, body in published} == set(DATA)
    schemas, channels = document["components"]["schemas"], document["channels"].values()
    for topic, attributes, body in published:
        [channel] = [one for one in channels if body["type"] in one["messages"]]
        assert f"`{topic}Topic`" in channel["description"]
        message = document["components"]["messages"][body["type"]]
        assert _errors(document, message["headers"], attributes) == []
        assert _errors(document, message["payload"], body) == []
        assert body.keys() == schemas["Event"]["properties"].keys()
        data = message["payload"]["properties"]["data"]["$ref"].rpartition("/")[2]
        assert body["data"].keys() == schemas[data]["properties"].keys()
        # A message of another type, or of another time, is not as described.
        assert _errors(document, message["payload"], body | {"type": "order.exchanged"})
        assert _errors(document, message["payload"], body | {"at": "yesterday"})
