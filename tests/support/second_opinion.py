"""A second opinion on what goes between AWS clients and whatever stands for AWS in a test: moto, the simulation, a fake.

- What a client is answered must have the shape that the service's model gives it.
- What DynamoDB is asked must be acceptable to AWS. moto accepts much that AWS refuses, so each kind of request is put once
  to an engine that is strict: where that one finds it malformed, the test's own DynamoDB must have refused it as well.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from shared.runtime import warm_up
from tests.simulation import engine
from tests.support import shapes
from tests.support.books import TABLES
from tools.template import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ASKED: Final = "second_opinion"
_TYPES: Final = {"B", "BOOL", "BS", "N", "NS", "NULL", "S", "SS"}
# In characters; AWS counts bytes of what is a key, and of the whole item.
_LONG_KEY: Final = 500
_LONG_ITEM: Final = 100_000
_TOKEN: Final = "ClientRequestToken"
_MALFORMED: Final = "ValidationException"
# moto's: it writes null for what a key does not have, and AWS leaves such a member out; and it lacks one.
MOTO: Final = frozenset(
    {
        "kms.CreateKey: .KeyMetadata.EncryptionAlgorithms is null, which AWS leaves out",
        "kms.CreateKey: .KeyMetadata.MultiRegion is null, which AWS leaves out",
        "kms.GetPublicKey: .EncryptionAlgorithms is null, which AWS leaves out",
        "kms.GetPublicKey: .KeySpec is missing",
    }
)


class SecondOpinion:
    """Listens to a session's clients.

    Args:
        report: is told of each mistake, once; what it raises, the caller of AWS gets.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._reported: set[str] = set()
        self._known: set[object] = set()
        self._engine: DynamoDBClient | None = None
        self._running = ExitStack()
        self._starting = threading.Lock()
        self._process = os.getpid()

    def listen(self, events: Any) -> None:
        """To all clients that are made from now on, of the session whose events these are."""
        events.register_last("before-parameter-build.dynamodb", self._asked)
        events.register("after-call.dynamodb", self._answered)
        events.register("before-parse", self._read)

    def close(self) -> None:
        self._running.close()

    def _read(
        self, operation_model: OperationModel, response_dict: Mapping[str, Any], **_: Any
    ) -> None:
        status, headers = response_dict["status_code"], response_dict["headers"]
        found = shapes.mistakes(operation_model, status, headers, response_dict["body"])
        for mistake in set(found) - MOTO:
            if not _is_warm_up():
                self._say(f"AWS never answers so: {mistake}")

    def _asked(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_ASKED] = params

    def _answered(
        self,
        model: OperationModel,
        parsed: Mapping[str, Any],
        context: Mapping[str, Any],
        **_: Any,
    ) -> None:
        request = context[_ASKED]
        if parsed.get("Error", {}).get("Code") == _MALFORMED or not _tables(request) <= set(TABLES):
            return
        kind = model.name, _kind(request)
        if kind not in self._known:
            self._known.add(kind)
            if why := self._refusal(model.name, request):
                self._say(f"AWS refuses {model.name} {request}: {why}")

    def _refusal(self, operation: str, request: Mapping[str, Any]) -> str | None:
        # A process that was forked from the tests' own would share its connection.
        if engine.reason_to_skip() or os.getpid() != self._process:
            return None
        with self._starting:
            self._engine = self._engine or self._started()
        try:
            getattr(self._engine, xform_name(operation))(**request)
        except ClientError as error:
            return engine.malformed(error)
        return None

    def _started(self) -> "DynamoDBClient":
        folder = Path(self._running.enter_context(tempfile.TemporaryDirectory()))
        dynamodb = self._running.enter_context(engine.started(folder / "dynoxide.log"))
        for table in TABLES:
            dynamodb.create_table(**table_definition(table))
        return dynamodb

    def _say(self, mistake: str) -> None:
        if mistake not in self._reported:
            self._reported.add(mistake)
            self._report(mistake)


def _is_warm_up() -> bool:
    """Whether nobody makes anything of the answer: in a function's init it is one with nothing in it."""
    frame: FrameType | None = sys._getframe()
    while frame := frame.f_back if frame else None:
        if frame.f_code is warm_up.clients.__code__:
            return True
    return False


def _tables(request: Mapping[str, Any]) -> set[str]:
    parts = [part for each in request.get("TransactItems", ()) for part in each.values()]
    named = {part["TableName"] for part in (*parts, request) if "TableName" in part}
    return named | set(request.get("RequestItems", ()))


def _kind(value: Any) -> object:
    """What two requests have in common that AWS checks in the same way: all but the attributes' values."""
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
