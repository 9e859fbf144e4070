"""Whether a service's answer has the shape that the service's own model gives it.

botocore reads an answer leniently: it drops what it does not know and does not miss what is required. A fake answer that
AWS would never send looks the same to a function as a real one.
"""

import base64
import binascii
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, cast
from xml.etree import ElementTree

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

# What each service may answer any operation with, and with which status: "Common Error Types" of its API reference, and
# for DynamoDB "Error handling" of its developer guide. What a model lists itself is taken from the model.
_COMMON: Final[Mapping[str, int]] = {
    "AccessDeniedException": 400,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 403,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "NotAuthorized": 400,
    "OptInRequired": 403,
    "RequestExpired": 400,
    "ServiceUnavailable": 503,
    "ThrottlingException": 400,
    "UnrecognizedClientException": 400,
    "ValidationException": 400,
    "ValidationError": 400,
}
_OWN: Final[Mapping[str, Mapping[str, int]]] = {
    # KMS's model lists these without their status; its API reference has them.
    "kms": {
        "DependencyTimeoutException": 503,
        "KMSInternalException": 500,
        "KeyUnavailableException": 500,
    },
    "sns": {"Throttling": 400},
    "sts": {"AccessDenied": 403},
}
# Few models say what an answer always has. The API references' response elements and examples do.
_ALWAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "BatchGetItem": ("Responses", "UnprocessedKeys"),
    "GenerateMac": ("KeyId", "Mac", "MacAlgorithm"),
    "GetPublicKey": ("KeyId", "PublicKey", "KeySpec", "KeyUsage", "SigningAlgorithms"),
    "Publish": ("MessageId",),
    "PublishBatch": ("Failed", "Successful"),
    "Query": ("Items", "Count", "ScannedCount"),
    "Scan": ("Items", "Count", "ScannedCount"),
    "SendEmail": ("MessageId",),
    "SendMessage": ("MessageId", "MD5OfMessageBody"),
    "SendMessageBatch": ("Successful", "Failed"),
    "Sign": ("KeyId", "Signature", "SigningAlgorithm"),
}
_PYTHON: Final[Mapping[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "double": (int, float),
    "float": (int, float),
    "integer": (int,),
    "long": (int,),
    "string": (str,),
    "timestamp": (int, float),  # seconds since 1970, in JSON
}


def mistakes(
    operation: OperationModel, status: int, headers: Mapping[str, str], body: bytes
) -> list[str]:
    """Where an answer is not as the operation's model says; empty where it is."""
    lower = {name.lower(): value for name, value in headers.items()}
    protocol = operation.service_model.resolved_protocol
    if protocol == "query":
        found = _xml(operation, status, body)
    elif status >= 300:  # as botocore decides
        found = _json_error(operation, status, lower, body)
    else:
        found = _json_result(operation, lower, body, is_rest=protocol.startswith("rest"))
    return [f"{operation.service_model.service_name}.{operation.name}: {one}" for one in found]


def error_mistakes(operation: OperationModel, code: str, status: int) -> Iterator[str]:
    """Whether the operation may answer with this error and status."""
    common = {**_COMMON, **_OWN.get(operation.service_model.service_name, {})}
    shape = _error_shape(operation, code)
    if shape is None and code not in common:
        yield f"{code} is no error of this operation"
        return
    stated = shape.metadata.get("error", {}).get("httpStatusCode") if shape else None
    expected = stated or common.get(code, 400)
    if status != expected:
        yield f"{code} comes with status {expected}, not {status}"


def _error_shape(operation: OperationModel, code: str) -> StructureShape | None:
    shapes = cast("list[StructureShape]", operation.error_shapes)
    for shape in shapes:
        if code in (shape.name, shape.metadata.get("error", {}).get("code")):
            return shape
    return None


def _json_error(
    operation: OperationModel, status: int, headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    try:
        answer = json.loads(body or b"{}")
    except ValueError:
        yield f"no JSON: {body[:80]!r}"
        return
    named = headers.get("x-amzn-errortype") or answer.get("__type") or answer.get("code", "")
    code = named.partition(":")[0].rpartition("#")[2]
    yield from error_mistakes(operation, code, status)
    shape = _error_shape(operation, code)
    members = shape.members if shape else {}
    for name, value in answer.items():
        if name in members:
            yield from _value(members[name], value, name)
        elif name not in ("__type", "message", "Message", "Type"):
            yield f"{name} is no member of {code}"


def _json_result(
    operation: OperationModel, headers: Mapping[str, str], body: bytes, *, is_rest: bool
) -> Iterator[str]:
    shape = operation.output_shape
    if shape is None:
        return
    payload = shape.serialization.get("payload")
    placed = {
        name
        for name, member in shape.members.items()
        if is_rest and ("location" in member.serialization or name == payload)
    }
    for name in placed & set(shape.required_members):
        if shape.members[name].serialization.get("locationName", "").lower() not in headers:
            yield f"{name} is missing"
    if payload:
        # The body is the payload: another's document.
        return
    try:
        answer = json.loads(body or b"{}")
    except ValueError:
        yield f"no JSON: {body[:80]!r}"
        return
    yield from _structure(shape, answer, "", left_out=placed)
    yield from (f".{n} is missing" for n in _ALWAYS.get(operation.name, ()) if n not in answer)


def _value(shape: Shape, value: Any, place: str) -> Iterator[str]:
    if value is None:
        yield f"{place} is null, which AWS leaves out"
    elif isinstance(shape, StructureShape):
        yield from _structure(shape, value, place)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for number, one in enumerate(value):
            yield from _value(shape.member, one, f"{place}[{number}]")
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"{place} is no map"
            return
        for name, one in value.items():
            yield from _value(shape.value, one, f"{place}.{name}")
    else:
        yield from _scalar(shape, value, place)


def _structure(
    shape: StructureShape,
    value: Any,
    place: str,
    *,
    left_out: Collection[str] = (),
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place or 'the answer'} is no structure"
        return
    members = {
        member.serialization.get("name", name): member
        for name, member in shape.members.items()
        if name not in left_out
    }
    for name in set(shape.required_members) - {*left_out, *value}:
        yield f"{place}.{name} is missing"
    for name, one in value.items():
        if name in members:
            yield from _value(members[name], one, f"{place}.{name}")
        else:
            yield f"{place}.{name} is no member of {shape.name}"
    if shape.name == "AttributeValue" and len(value) != 1:
        yield f"{place} has {len(value)} types instead of one"


def _scalar(shape: Shape, value: Any, place: str) -> Iterator[str]:
    if shape.type_name == "blob":
        try:
            base64.b64decode(value, validate=True)
        except (TypeError, ValueError, binascii.Error):
            yield f"{place} is no base64"
        return
    expected = _PYTHON[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        yield f"{place} is a {type(value).__name__} and no {shape.type_name}"
        return
    if shape.type_name == "string":
        if (allowed := getattr(shape, "enum", None)) and value not in allowed:
            yield f"{place} is {value!r}, none of {allowed}"
        if not value and shape.metadata.get("min", 0):
            yield f"{place} is empty"


def _xml(operation: OperationModel, status: int, body: bytes) -> Iterator[str]:
    try:
        root = ElementTree.fromstring(body)  # a test's own
    except ElementTree.ParseError as error:
        yield f"no XML: {error}"
        return
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if status >= 300:
        yield from error_mistakes(operation, root.findtext("Error/Code", ""), status)
        wanted = ["Error/Type", "Error/Code", "Error/Message", "RequestId"]
    else:
        shape = operation.output_shape
        wrapper = shape.serialization.get("resultWrapper", "") if shape else ""
        result = root.find(wrapper) if wrapper else None
        known = set(shape.members) if shape else set()
        given = [element.tag for element in result] if result is not None else []
        yield from (f"{name} is no member" for name in given if name not in known)
        if root.tag != f"{operation.name}Response":
            yield f"{root.tag} instead of {operation.name}Response"
        wanted = ["ResponseMetadata/RequestId"]
        wanted += [f"{wrapper}/{name}" for name in _ALWAYS.get(operation.name, ())]
    yield from (f"{path} is missing" for path in wanted if root.find(path) is None)
