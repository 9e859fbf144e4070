"""DynamoDB's typed values, and its expressions as they are sent.

In an expression, `#word` means the attribute `word` and `:word` for the value given under that
name, so that no reserved word needs care. Numbers are whole: Bodega stores no others, but an item
of a later release may.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

_NAME = re.compile(r"#(\w+)")


class _WholeNumbers(TypeDeserializer):
    def _deserialize_n(self, value: str) -> int | Decimal:
        try:
            return int(value)
        except ValueError:
            return Decimal(value)


serialize = TypeSerializer().serialize
deserialize = _WholeNumbers().deserialize


def expressions(values: Mapping[str, Any], **texts: str | None) -> dict[str, Any]:
    """The parameters of a request that carry these expressions, by their parameters' names, and
    these values."""
    given = {name: text for name, text in texts.items() if text}
    names = {n for text in given.values() for n in _NAME.findall(text)}
    wire: dict[str, Any] = dict(given)
    if names:
        wire["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        wire["ExpressionAttributeValues"] = {f":{n}": serialize(v) for n, v in values.items()}
    return wire
