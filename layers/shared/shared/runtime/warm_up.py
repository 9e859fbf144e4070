"""The first request, played before the function says that it is ready.

In the init phase Lambda gives a function all the CPU that there is, in a request only what its memory buys. So what happens
once for all requests happens there: the middlewares' stack, an event loop, how each client reaches and signs for its
service, the first log line. (docs/benchmarks.md has the figures.)

Nothing leaves the process. The services' part is played by an answer with nothing in it, given before a request is sent;
what is logged or counted meanwhile is dropped.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from shared.runtime import aws, logging, metrics

# An operation of each service, and what it needs to be asked.
_OPERATIONS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "dynamodb": ("get_item", {"TableName": "-", "Key": {"pk": {"S": "-"}, "sk": {"S": "-"}}}),
    "kms": ("get_public_key", {"KeyId": "-"}),
    "lambda": ("invoke", {"FunctionName": "-", "Payload": b"{}"}),
    "sesv2": ("send_email", {"Content": {}}),
    "sns": ("publish_batch", {"TopicArn": "-", "PublishBatchRequestEntries": []}),
    "sqs": ("send_message", {"QueueUrl": "https://-/-", "MessageBody": "-"}),
}


# SNS alone speaks XML.
_PUBLISHED: Final = b"<PublishBatchResponse><PublishBatchResult/></PublishBatchResponse>"


class _Nothing(io.BytesIO):
    """The body of an answer as urllib3 has it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def clients() -> None:
    """Let every client that was made call its service once."""
    import encodings.idna  # noqa: F401  # looking up a host's address loads it

    with _nobody_outside():
        for client in aws.clients():
            name, arguments = _OPERATIONS[client.meta.service_model.service_name]
            getattr(client, name)(**arguments)


def request(handle: Callable[[dict[str, Any], Any], Any], path: str) -> None:
    """Let a function's handler answer a GET of the path."""
    with _nobody_outside(), logging.dropped(), metrics.dropped():
        handle(_event(path), None)


def tokens() -> None:
    """Load what checks access tokens."""
    import jwt  # noqa: F401  # shared.auth.tokens loads it where it is used


def _event(path: str) -> dict[str, Any]:
    return {
        "httpMethod": "GET",
        "path": path,
        "resource": path,
        "headers": {"Host": "-"},
        "multiValueHeaders": {"Host": ["-"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"path": path, "httpMethod": "GET", "stage": "-", "identity": {}},
        "body": None,
        "isBase64Encoded": False,
    }


@contextmanager
def _nobody_outside() -> Iterator[None]:
    """Every call of every client is answered here."""
    events: list[Any] = [client.meta.events for client in aws.clients()]
    for emitter in events:
        emitter.register("before-send", _answer)
    try:
        yield
    finally:
        for emitter in events:
            emitter.unregister("before-send", _answer)


def _answer(request: Any, event_name: str, **_: object) -> AWSResponse:
    body = _PUBLISHED if event_name.startswith("before-send.sns.") else b"{}"
    return AWSResponse(request.url, 200, HTTPHeaders(), _Nothing(body))
