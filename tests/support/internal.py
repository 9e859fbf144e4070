"""Internal functions in this process: a Lambda client whose functions are handlers."""

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from shared.runtime.entry import Handler
from tests.support.context import LambdaContext

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LocalFunctions:
    """Invokes handlers by name, as Lambda does: JSON in, JSON out, an exception as
    `FunctionError`."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.handlers = dict(handlers)
        self.payloads: list[Any] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # boto3's names
        event = json.loads(Payload)
        self.payloads.append(event)
        try:
            answer = self.handlers[FunctionName](event, LambdaContext())
        except Exception as error:  # noqa: BLE001  # as the runtime does
            failed = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps(failed).encode()),
            }
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def client(self) -> "LambdaClient":
        """Itself, for those who want a client."""
        return cast("LambdaClient", self)
