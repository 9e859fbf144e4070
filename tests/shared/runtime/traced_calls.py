"""Calls and steps of a function that is traced, in a separate process: recording ends with the
process. It prints the trace headers that were sent to AWS."""

import json
import os
from contextlib import suppress
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, EndpointConnectionError

from shared.runtime import aws, steps, tracing, warm_up

SECRET = "nobody.knows@this.example"
TRACE = os.environ["_X_AMZN_TRACE_ID"]

dynamodb = aws.client("dynamodb", attempts=1)
sesv2 = aws.client("sesv2", attempts=1)
lambda_ = aws.client("lambda", attempts=1)
tracing.start()
headers: list[str] = []
answers: list[tuple[int, dict[str, Any]] | Exception] = []


def answer(request: Any, **_: object) -> AWSResponse:
    headers.append(request.headers["X-Amzn-Trace-Id"].decode())
    given = answers.pop(0)
    if isinstance(given, Exception):
        raise given
    status, body = given
    sent = HTTPHeaders()
    sent["x-amzn-RequestId"] = "request-1"
    return AWSResponse(request.url, status, sent, warm_up._EmptyBody(json.dumps(body).encode()))


for client in (dynamodb, sesv2, lambda_):
    client.meta.events.register("before-send", answer)  # type: ignore[arg-type]  # its answer is used


def get() -> None:
    dynamodb.get_item(TableName="orders", Key={"pk": {"S": SECRET}})


answers += [
    (200, {}),
    (400, {"__type": "MessageRejected", "message": f"not verified: {SECRET}"}),
    (400, {"__type": "ThrottlingException", "message": "too fast"}),
    EndpointConnectionError(endpoint_url=f"https://{SECRET}"),
    (200, {}),
]
with steps.timed("reserve"):
    get()
with suppress(ClientError), steps.timed("send"):
    sesv2.send_email(Content={})
with suppress(ClientError):
    get()
with suppress(EndpointConnectionError):
    get()
lambda_.invoke(FunctionName="ProductsInventory:live", Payload=b"{}")

for trace, daemon in (
    # Not chosen, and without a decision.
    (TRACE.replace("Sampled=1", "Sampled=0"), os.environ["AWS_XRAY_DAEMON_ADDRESS"]),
    ("Root=1-a;Lineage=1:b:0", os.environ["AWS_XRAY_DAEMON_ADDRESS"]),
    # No daemon.
    (TRACE, "nowhere"),
    (TRACE, "0.0.0.0:0"),
):
    os.environ |= {"_X_AMZN_TRACE_ID": trace, "AWS_XRAY_DAEMON_ADDRESS": daemon}
    answers.append((200, {}))
    with steps.timed("reserve"):
        get()

print(json.dumps(headers))  # noqa: T201  # for the test
