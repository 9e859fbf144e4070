"""Handles a first request before the function is ready: docs/cold-starts.md has the gain.

In the init phase a function has a whole CPU, in a request only the share that its memory buys. So
what happens once for all requests happens there: building the middlewares, an event loop, each
client's endpoint and signature, the first log line.

Nothing leaves the process: each call of AWS has an empty answer, and log lines and metrics are
dropped.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from shared.runtime import aws, logging, metrics

# An operation of each service, with its required arguments.
_OPERATIONS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "cloudwatch": ("describe_alarms", {}),
    "codedeploy": ("list_deployment_targets", {"deploymentId": "-"}),
    "dynamodb": ("get_item", {"TableName": "-", "Key": {"pk": {"S": "-"}, "sk": {"S": "-"}}}),
    "kms": ("get_public_key", {"KeyId": "-"}),
    "lambda": ("invoke", {"FunctionName": "-", "Payload": b"{}"}),
    "sesv2": ("send_email", {"Content": {}}),
    "sns": ("publish_batch", {"TopicArn": "-", "PublishBatchRequestEntries": []}),
    "sqs": ("send_message", {"QueueUrl": "https://-/-", "MessageBody": "-"}),
    "ssm": ("get_parameter", {"Name": "-"}),
}


# Only SNS answers in XML.
_PUBLISHED: Final = b"<PublishBatchResponse><PublishBatchResult/></PublishBatchResponse>"


class _EmptyBody(io.BytesIO):
    """The body of a response, with the method of urllib3 that botocore calls."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def clients() -> None:
    """Call one operation with every client that exists."""
    import encodings.idna  # noqa: F401  # resolving a host name imports it

    with _empty_answers():
        for client in aws.clients():
            name, arguments = _OPERATIONS[client.meta.service_model.service_name]
            getattr(client, name)(**arguments)


def request(handle: Callable[[dict[str, Any], Any], Any], event: dict[str, Any]) -> None:
    """Have the handler answer a request."""
    with _empty_answers(), logging.dropped(), metrics.dropped():
        handle(event, None)


def tokens() -> None:
    """Import what verifies access tokens."""
    import jwt  # noqa: F401  # shared.auth.tokens loads it where it is used


@contextmanager
def _empty_answers() -> Iterator[None]:
    """Answer every call of every client here, instead of sending it."""
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
    return AWSResponse(request.url, 200, HTTPHeaders(), _EmptyBody(body))
