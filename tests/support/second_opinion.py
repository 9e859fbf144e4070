"""A check of every request to DynamoDB in a test, whatever stands for AWS there.

moto and the simulation accept much that AWS refuses. One request of each kind is put to a strict
engine: what the engine finds malformed, the test's own DynamoDB must have refused as well.
"""

import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from tests.simulation import engine
from tests.support.books import TABLES
from tools.template import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_REQUEST: Final = "second_opinion"
_TYPES: Final = {"B", "BOOL", "BS", "N", "NS", "NULL", "S", "SS"}
# In characters; AWS counts the bytes of keys and of items.
_LONG_KEY: Final = 500
_LONG_ITEM: Final = 100_000
_TOKEN: Final = "ClientRequestToken"
_MALFORMED: Final = ("ValidationException", "ValidationError")
# What the engine refuses for what the item holds; its tables are empty.
_DEPENDS_ON_THE_ITEM: Final = (
    "refers to an attribute that does not exist in the item",
    "has an incorrect data type",
)


class SecondOpinion:
    """Listens to a session's clients.

    Args:
        report: is called once with each mistake; the caller of AWS gets the exception that it
            raises.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._known: set[object] = set()
        self._engine: DynamoDBClient | None = None
        self._running = ExitStack()
        self._starting = threading.Lock()
        self._process = os.getpid()

    def listen(self, events: Any) -> None:
        """To all clients that are made from now on, of the session whose events these are."""
        if engine.reason_to_skip() is None:
            events.register_last("before-parameter-build.dynamodb", self._requested)
            events.register("after-call.dynamodb", self._responded)

    def close(self) -> None:
        self._running.close()

    def _requested(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_REQUEST] = params

    def _responded(
        self, model: OperationModel, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any
    ) -> None:
        # A process that was forked from the tests' own would share its connection.
        if os.getpid() != self._process:
            return
        request = context[_REQUEST]
        if parsed.get("Error", {}).get("Code") in _MALFORMED or not _tables(request) <= set(TABLES):
            return
        kind = model.name, _kind(request)
        if kind not in self._known:
            self._known.add(kind)
            if why := self._refusal(model.name, request):
                self._report(f"AWS refuses {model.name} {request}: {why}")

    def _refusal(self, operation: str, request: Mapping[str, Any]) -> str | None:
        with self._starting:
            self._engine = self._engine or self._started()
        try:
            getattr(self._engine, xform_name(operation))(**request)
        except ClientError as error:
            return _malformed(error)
        return None

    def _started(self) -> "DynamoDBClient":
        folder = Path(self._running.enter_context(tempfile.TemporaryDirectory()))
        dynamodb = self._running.enter_context(engine.started(folder / "dynoxide.log"))
        for table in TABLES:
            dynamodb.create_table(**table_definition(table))
        return dynamodb


def _malformed(error: ClientError) -> str | None:
    """What is wrong with a request whatever the table holds; None where nothing is."""
    answer: Any = error.response
    found = [(answer["Error"]["Code"], answer["Error"]["Message"])]
    found += [(r["Code"], r.get("Message", "")) for r in answer.get("CancellationReasons", ())]
    for code, message in found:
        if code in _MALFORMED and not any(words in message for words in _DEPENDS_ON_THE_ITEM):
            return str(message)
    return None


def _tables(request: Mapping[str, Any]) -> set[str]:
    parts = [part for each in request.get("TransactItems", ()) for part in each.values()]
    named = {part["TableName"] for part in (*parts, request) if "TableName" in part}
    return named | set(request.get("RequestItems", ()))


def _kind(value: Any) -> object:
    """What requests that AWS checks in the same way have in common: all but the values of
    attributes."""
    if isinstance(value, dict):
        if len(value) == 1 and (type_ := next(iter(value))) in _TYPES:
            size = len(value[type_]) if isinstance(value[type_], str | list) else 1
            return type_, bool(size), size > _LONG_KEY, size > _LONG_ITEM
        return tuple(
            (name, len(value[name]) if name == _TOKEN else _kind(value[name]))
            for name in sorted(value)
        )
    if isinstance(value, list):
        return len(value), frozenset(map(_kind, value))
    return value if isinstance(value, str | bool) else None
