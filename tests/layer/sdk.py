"""Calls each operation that the layer has, in a process of its own: `python -S -m tests.layer.sdk`.

It writes as JSON what each client sent, how it read a success and an error, and what it expects of
an answer.
"""

import io
import json
import random
import re
import sys
from collections.abc import Iterator
from typing import Any, Final

from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from botocore.utils import ArgumentGenerator

from tools.layer.sdk_data import OPERATIONS

# These differ between two requests: the time, the attempt, and the signature that both go into.
_VOLATILE: Final = ("x-amz-date", "amz-sdk-invocation-id", "amz-sdk-request")
_SIGNATURE: Final = re.compile(r"Signature=\w+|/\d{8}/")
_ERROR_HEADERS: Final = {
    "x-amzn-requestid": "r-1",
    "x-amzn-query-error": "AWS.SimpleQueueService.ReceiptHandleIsInvalid;Sender",
}
_ERROR_JSON: Final = b'{"__type": "com.amazonaws#InternalFailure", "message": "no"}'
_ERROR_XML: Final = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>no</Message></Error>"
    b"<RequestId>r-1</RequestId></ErrorResponse>"
)
_SUCCESS_XML: Final = b"<{0}Response><{0}Result/></{0}Response>"


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def main() -> None:
    session = Session()
    calls = [
        _call(session, service, operation, status)
        for service, operations in OPERATIONS.items()
        for operation in sorted(operations)
        for status in (200, 400, 500)
    ]
    json.dump(calls, sys.stdout, default=_text)


def _call(session: Session, service: str, operation: str, status: int) -> dict[str, Any]:
    sent: list[dict[str, Any]] = []
    retries: Any = {"total_max_attempts": 2, "mode": "standard"}
    # As in Lambda without validation: the generated numbers are zero, where some have a minimum.
    config = Config(retries=retries, parameter_validation=False)
    client = session.create_client(service, "eu-west-1", config=config)
    speaks_xml = client.meta.service_model.protocol == "query"

    def answer(request: Any, **_: object) -> Any:
        headers = {
            name.lower(): _SIGNATURE.sub("…", _text(value))
            for name, value in sorted(request.headers.items())
            if name.lower() not in _VOLATILE
        }
        sent.append({"url": request.url, "headers": headers, "body": _text(request.body)})
        success = _SUCCESS_XML.replace(b"{0}", operation.encode()) if speaks_xml else b"{}"
        error = _ERROR_XML if speaks_xml else _ERROR_JSON
        answered = HTTPHeaders()
        for name, value in _ERROR_HEADERS.items() if status != 200 else ():
            answered[name] = value
        return AWSResponse(
            request.url, status, answered, _Body(success if status == 200 else error)
        )

    client.meta.events.register("before-send", answer)
    model = client.meta.service_model.operation_model(operation)
    try:
        result = getattr(client, xform_name(operation))(**_members(model.input_shape))
    except ClientError as error:
        result = {"raised": type(error).__name__, "text": str(error), **error.response}
    return {
        "call": f"{service}.{operation} {status}",
        "sent": sent,
        "result": {n: v.read() if hasattr(v, "read") else v for n, v in result.items()},
        "answer": _members(model.output_shape),
    }


def _members(shape: Any) -> Any:
    """A value of the shape with every member that it has."""
    random.seed(1)  # the generator picks one of several values that are allowed
    made = ArgumentGenerator(use_member_names=True).generate_skeleton(shape) if shape else {}
    members = _with_bytes(made)
    members.pop("EndpointId", None)  # of SES: an endpoint in two regions needs another signature
    if "QueueUrl" in members:
        members["QueueUrl"] = "https://sqs.eu-west-1.amazonaws.com/123456789012/Q"
    return members


def _with_bytes(value: Any) -> Any:
    """The generator has None where bytes belong."""
    if isinstance(value, dict):
        return {name: _with_bytes(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_bytes(member) for member in value]
    return b"bytes" if value is None else value


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes | bytearray) else str(value)


if __name__ == "__main__":
    main()
