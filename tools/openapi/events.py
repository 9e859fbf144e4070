"""The AsyncAPI 3 document of all events, made of their models and of the template's
subscriptions."""

from collections.abc import Iterable
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import NAME, VERSION
from shared.contracts.events import DATA, Event
from tools.openapi.document import untitled
from tools.template import resources

type Node = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"
_DESCRIPTION: Final = """\
Facts about users, orders and products, on one SNS topic.

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
    subscriptions = {
        name.removesuffix("Subscription").lower(): subscription["FilterPolicy"]["type"]
        for name, subscription in resources("AWS::SNS::Subscription").items()
    }
    nouns = dict.fromkeys(type_.partition(".")[0] for type_ in DATA)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"{NAME} events", "version": VERSION, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": None,
                "title": "The SNS topic of all events",
                "description": "Its ARN is the stack's output `EventsTopic`.",
                "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in DATA},
            }
        },
        "operations": {
            **{
                f"{noun}sSend": _operation("send", (t for t in DATA if t.startswith(f"{noun}.")))
                for noun in nouns
            },
            **{
                f"{queue}Receives": _operation("receive", types)
                for queue, types in subscriptions.items()
            },
        },
        "components": {
            "messages": {type_: _message(type_, model) for type_, model in DATA.items()},
            "schemas": untitled(schemas["$defs"]),
        },
    }


def _operation(action: str, types: Iterable[str]) -> Node:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/events"},
        "messages": [{"$ref": f"#/channels/events/messages/{type_}"} for type_ in types],
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
