"""Errors of AWS services, as they go over the wire."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """The service answers with an error: `code`, a sentence, and what else its body holds."""

    def __init__(self, code: str, message: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.body = {**(more or {}), "__type": code, "message": message, "Message": message}


class Invalid(Refused):
    """DynamoDB cannot do what the request says."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class Impossible(Invalid):
    """An update cannot be done to this item, for what the item holds."""
