"""An AWS service's error, as it goes over the wire."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """The service answers with an error: `code`, a sentence, and what else its body holds."""

    def __init__(
        self, code: str, message: str, more: Mapping[str, Any] | None = None, *, status: int = 400
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.body = {**(more or {}), "__type": code, "message": message, "Message": message}
