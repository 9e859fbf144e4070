"""Whether AWS gives such a response: with the members of the operation's model, or with an error of
the operation, and its status.

botocore reads responses leniently: it drops unknown members and does not miss required ones.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree

from botocore.model import OperationModel
from botocore.validate import ParamValidator

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


def mistakes(operation: OperationModel, status: int, body: bytes) -> list[str]:
    """Where a response differs from its operation's model."""
    is_xml = operation.service_model.resolved_protocol == "query"
    found = (_of_xml if is_xml else _of_json)(operation, status, body)
    return [f"{operation.service_model.service_name}.{operation.name}: {one}" for one in found]


def _of_json(operation: OperationModel, status: int, text: bytes) -> Iterator[str]:
    if status >= 300:
        yield from _of_error(operation, json.loads(text)["__type"], status)
        return
    shape = operation.output_shape
    if shape is None or shape.serialization.get("payload"):
        return
    body = json.loads(text or b"{}")
    # The SDK's check of requests serves responses as well.
    report = ParamValidator().validate(body, shape)
    if report.has_errors():
        yield report.generate_report()
    yield from (f"{name} is unknown" for name in body if name not in shape.members)


def _of_xml(operation: OperationModel, status: int, text: bytes) -> Iterator[str]:
    root = ElementTree.fromstring(text)  # a test's own
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if status >= 300:
        yield from _of_error(operation, root.findtext("Error/Code", ""), status)
    elif root.tag != f"{operation.name}Response":
        yield f"{root.tag} instead of {operation.name}Response"


def _of_error(operation: OperationModel, code: str, status: int) -> Iterator[str]:
    expected = _COMMON_ERRORS.get(code)
    for shape in operation.error_shapes:
        error = shape.metadata.get("error", {})
        if code in (shape.name, error.get("code")):
            expected = error.get("httpStatusCode") or expected or 400
    if expected is None:
        yield f"{code} is no error of this operation"
    elif status != expected:
        yield f"{code} has the status {expected}, not {status}"
