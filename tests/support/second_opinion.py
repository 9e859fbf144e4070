"""A check of every request and response between AWS clients and whatever stands for AWS in a test:
moto, the simulation, a fake.

- A response must have the shape of the service's own model. botocore reads responses leniently: it
  drops unknown members and does not miss required ones.
- A request to DynamoDB must be acceptable to AWS. moto accepts much that AWS refuses, so one
  request of each kind is put to
  a strict engine: what the engine finds malformed, the test's own DynamoDB must have refused as
      well.
"""

import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from botocore.validate import ParamValidator

from shared.runtime import warm_up
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
_MALFORMED: Final = "ValidationException"
# Errors that every operation may return, with their statuses: "Common Error Types" of the API
# references. The errors of an operation's own, and their statuses, are in its model.
_COMMON_ERRORS: Final[Mapping[str, int]] = {
    "AccessDenied": 403,
    "AccessDeniedException": 400,
    "DependencyTimeoutException": 503,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "KMSInternalException": 500,
    "KeyUnavailableException": 500,
    "Throttling": 400,
    "ThrottlingException": 400,
    "ValidationException": 400,
    "ValidationError": 400,
}
# Only tests call these.
_OF_TESTS: Final = frozenset({"CreateKey", "CreateTable"})
# moto returns null for members that AWS leaves out.
_NULLS_OF_MOTO: Final = frozenset({"EncryptionAlgorithms", "MultiRegion"})


class SecondOpinion:
    """Listens to a session's clients.

    Args:
        report: is called once with each mistake; the caller of AWS gets the exception that it
            raises.
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
        events.register_last("before-parameter-build.dynamodb", self._requested)
        events.register("after-call.dynamodb", self._responded)
        events.register("before-parse", self._check_response)

    def close(self) -> None:
        self._running.close()

    def _check_response(
        self, operation_model: OperationModel, response_dict: Mapping[str, Any], **_: Any
    ) -> None:
        status, headers = response_dict["status_code"], response_dict["headers"]
        found = mistakes(operation_model, status, headers, response_dict["body"])
        for mistake in found:
            if not _is_warm_up():
                self._say(f"AWS never responds so: {mistake}")

    def _requested(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_REQUEST] = params

    def _responded(
        self,
        model: OperationModel,
        parsed: Mapping[str, Any],
        context: Mapping[str, Any],
        **_: Any,
    ) -> None:
        request = context[_REQUEST]
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


def mistakes(
    operation: OperationModel, status: int, headers: Mapping[str, str], body: bytes
) -> list[str]:
    """Where a response differs from its operation's model."""
    if operation.service_model.resolved_protocol == "query":
        found = _of_xml(operation, status, body)
    else:
        found = _of_json(operation, status, headers, body)
    return [f"{operation.service_model.service_name}.{operation.name}: {one}" for one in found]


def _of_json(
    operation: OperationModel, status: int, headers: Mapping[str, str], text: bytes
) -> Iterator[str]:
    shape = operation.output_shape
    has_no_members = shape is None or shape.serialization.get("payload")
    if status < 300 and (has_no_members or operation.name in _OF_TESTS):
        return
    try:
        body = json.loads(text or b"{}")
    except ValueError:
        yield f"no JSON: {text[:80]!r}"
        return
    if status >= 300:
        types = {name.lower(): value for name, value in headers.items()}
        named = types.get("x-amzn-errortype") or body.get("__type") or body.get("code", "")
        yield from error_mistakes(operation, named.partition(":")[0].rpartition("#")[2], status)
        return
    plain = {n: v for n, v in body.items() if v is not None or n not in _NULLS_OF_MOTO}
    assert shape
    # The SDK's check of requests serves responses as well.
    report = ParamValidator().validate(plain, shape)
    if report.has_errors():
        yield report.generate_report()
    yield from (f"{name} is unknown" for name in plain if name not in shape.members)


def error_mistakes(operation: OperationModel, code: str, status: int) -> Iterator[str]:
    """Whether the operation may return this error with this status."""
    for shape in operation.error_shapes:
        error = shape.metadata.get("error", {})
        if code in (shape.name, error.get("code")):
            expected = error.get("httpStatusCode") or _COMMON_ERRORS.get(code, 400)
            break
    else:
        if code not in _COMMON_ERRORS:
            yield f"{code} is no error of this operation"
            return
        expected = _COMMON_ERRORS[code]
    if status != expected:
        yield f"{code} has the status {expected}, not {status}"


def _of_xml(operation: OperationModel, status: int, body: bytes) -> Iterator[str]:
    try:
        root = ElementTree.fromstring(body)  # a test's own
    except ElementTree.ParseError as error:
        yield f"no XML: {error}"
        return
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if status >= 300:
        yield from error_mistakes(operation, root.findtext("Error/Code", ""), status)
    elif root.tag != f"{operation.name}Response":
        yield f"{root.tag} instead of {operation.name}Response"


def _is_warm_up() -> bool:
    """Whether the response is one of a function's init, which is empty and is thrown away."""
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
