"""X-Ray subsegments for AWS calls and for the steps of a request, without an SDK.

Lambda writes the function's own segment, and runs X-Ray's daemon beside it. Each subsegment is one
of X-Ray's documents ("AWS X-Ray segment documents" in its developer guide), sent to that daemon in
one UDP packet: no function waits for it, and a lost packet is a lost subsegment.

None contains the text of an error: AWS's may repeat what was asked.
"""

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from shared.runtime import aws, steps

if TYPE_CHECKING:
    from botocore.client import BaseClient

type _Document = dict[str, Any]

_HEADER: Final = b'{"format":"json","version":1}\n'
# The resources that X-Ray draws, by the arguments of calls that name them.
_RESOURCES: Final = {
    "TableName": "table_name",
    "FunctionName": "function_name",
    "QueueUrl": "queue_url",
}

# The step being made.
_step: ContextVar[str] = ContextVar("step", default="")


def record(clients: Iterable["BaseClient"]) -> None:
    """Send a subsegment for each call of these clients, and for each step, of requests that X-Ray
    has chosen."""
    for client in clients:
        events = client.meta.events
        events.register("before-parameter-build", _note_resource)
        events.register("before-call", _begin_call)
        events.register("after-call", _end_call)
        events.register("after-call-error", _fail_call)
    steps.observe(_begin_step)


def _begin(name: str) -> _Document | None:
    """A new subsegment; None where X-Ray has not chosen the request."""
    header = os.environ.get("_X_AMZN_TRACE_ID", "")
    trace = dict(part.split("=", 1) for part in header.split(";") if "=" in part)
    if trace.get("Sampled") != "1" or not trace.keys() >= {"Root", "Parent"}:
        return None
    return {
        "type": "subsegment",
        "trace_id": trace["Root"],
        "parent_id": _step.get() or trace["Parent"],
        "id": os.urandom(8).hex(),
        "name": name,
        "start_time": time.time(),
    }


def _begin_step(name: str) -> Callable[[str], None]:
    document = _begin(name)
    if document is None:
        return _nothing
    token = _step.set(document["id"])

    def end(error: str) -> None:
        _step.reset(token)
        _send(document | (_failure("fault", error) if error else {}))

    return end


def _nothing(_: str) -> None:
    """End a step that X-Ray has not chosen."""


def _note_resource(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    context["resource"] = {key: params[name] for name, key in _RESOURCES.items() if name in params}


def _begin_call(model: Any, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    document = _begin(model.service_model.endpoint_prefix)
    if document is None:
        return
    document |= {"namespace": "aws", "aws": {"operation": model.name, **context["resource"]}}
    context["subsegment"] = document
    # What a called function records belongs to this call.
    header = re.sub("Parent=[^;]*", f"Parent={document['id']}", os.environ["_X_AMZN_TRACE_ID"])
    params["headers"]["X-Amzn-Trace-Id"] = header


def _end_call(parsed: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    document = context.pop("subsegment", None)
    if document is None:
        return
    answer = parsed.get("ResponseMetadata", {})
    status = answer.get("HTTPStatusCode", 0)
    document["http"] = {"response": {"status": status}}
    document["aws"] |= {
        "request_id": answer.get("RequestId", ""),
        "retries": answer.get("RetryAttempts", 0),
    }
    if status >= 400:
        kind = "fault" if status >= 500 else "error"
        document |= _failure(kind, parsed.get("Error", {}).get("Code", ""))
        if aws.is_throttled(parsed):
            document["throttle"] = True
    _send(document)


def _fail_call(exception: Exception, context: dict[str, Any], **_: object) -> None:
    if document := context.pop("subsegment", None):
        _send(document | _failure("fault", type(exception).__name__))


def _failure(kind: str, type_: str) -> _Document:
    exception = {"id": os.urandom(8).hex(), "type": type_}
    return {kind: True, "cause": {"exceptions": [exception]}}


def _send(document: _Document) -> None:
    """Send a subsegment that ends now. Whatever prevents it, the request goes on."""
    packet = _HEADER + json.dumps(document | {"end_time": time.time()}).encode()
    host, _, port = os.environ.get("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000").rpartition(":")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.settimeout(0)
            daemon.sendto(packet, (host, int(port)))
    except (OSError, ValueError):
        pass
