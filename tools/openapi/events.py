"""The AsyncAPI 3 document of all events, made of their models and of the template's
subscriptions."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import NAME, VERSION
from shared.contracts.events import DATA, PUBLISHERS, Event
from tools.openapi.document import untitled
from tools.template import resources, services

type Node = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"
_DESCRIPTION: Final = """\
Facts about users, orders and products, on an SNS topic of each service.

**Delivery** is at least once and in no order: ignore an `id` that you have handled, and compare \
`version` before you replace what you know of an aggregate.

**Changes**: types and members are added, so ignore those that you do not know. `schema_version` \
changes only when a reader has to.
"""


def document(mode: Literal["serialization", "validation"] = "serialization") -> Node:
    """The document of what the shop sends, or, for validation, of what its own readers accept."""
    models: set[type[BaseModel]] = {Event, *DATA.values()}
    _, schemas = models_json_schema(
        [(model, mode) for model in sorted(models, key=lambda model: model.__name__)],
        ref_template=f"{_SCHEMAS}{{model}}",
    )
    types: dict[str, list[str]] = {}
    for type_ in DATA:
        types.setdefault(PUBLISHERS[type_.partition(".")[0]], []).append(type_)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"{NAME} events", "version": VERSION, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {service: _channel(service, types[service]) for service in types},
        "operations": {
            f"{service}{name}": _operation(action, service, admitted)
            for service in types
            for name, action, admitted in (
                ("Send", "send", types[service]),
                *_subscriptions(service),
            )
        },
        "components": {
            "messages": {type_: _message(type_, model) for type_, model in DATA.items()},
            "schemas": untitled(schemas["$defs"]),
        },
    }


def _topic(service: str) -> str:
    return f"{services()[service]}Events"


def _channel(service: str, types: Iterable[str]) -> Node:
    return {
        "address": None,
        "title": f"The SNS topic of the {service}",
        "description": f"Its ARN is the stack's output `{_topic(service)}Topic`.",
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in types},
    }


def _subscriptions(service: str) -> Iterator[tuple[str, Literal["receive"], list[str]]]:
    """The operations of the shop's own queues on a service's topic."""
    for subscription in resources("AWS::SNS::Subscription").values():
        if subscription["TopicArn"] == {"Ref": _topic(service)}:
            queue = subscription["Endpoint"]["Fn::GetAtt"].removesuffix("Queue.Arn")
            yield f"To{queue}", "receive", subscription["FilterPolicy"]["type"]


def _operation(action: str, service: str, types: Iterable[str]) -> Node:
    channel = f"#/channels/{service}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{type_}"} for type_ in types],
    }


def _message(type_: str, data: type[BaseModel]) -> Node:
    is_type = {"type": "string", "const": type_}
    return {
        "name": type_,
        "headers": {
            "type": "object",
            "description": "Message attributes, for a subscription's filter policy.",
            "required": ["type"],
            "properties": {"type": is_type},
        },
        "payload": {
            "allOf": [{"$ref": f"{_SCHEMAS}{Event.__name__}"}],
            "properties": {"type": is_type, "data": {"$ref": f"{_SCHEMAS}{data.__name__}"}},
        },
    }
