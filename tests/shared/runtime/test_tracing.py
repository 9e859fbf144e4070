"""What is sent to X-Ray of a call that AWS has refused, from a process of its own: the SDK patches
botocore for good."""

import json
import socket
import subprocess
from typing import Any, Final

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from shared.runtime import aws, tracing, warm_up
from tests.support.aws import pretend_credentials
from tools import lambda_environment
from tools.local.places import APP_PYTHON, ROOT, aws_environment

_NOBODY: Final = "nobody.knows@this.example"
_REFUSED: Final = f"""
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from shared.runtime import aws, tracing, warm_up

body = b'{{"__type": "MessageRejected", "message": "not verified: {_NOBODY}"}}'
tracing.start()
client = aws.client("sesv2")
client.meta.events.register(
    "before-send",
    lambda request, **_: AWSResponse(request.url, 400, HTTPHeaders(), warm_up._EmptyBody(body)),
)
try:
    client.send_email(Content={{}})
except ClientError as error:
    assert "{_NOBODY}" in str(error)
"""


def test_an_errors_text_is_not_sent_to_x_ray() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        environment = {
            **aws_environment("http://127.0.0.1:9"),
            **lambda_environment.of_lambda("F", memory=512, handler="-"),
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
            "LAMBDA_TASK_ROOT": str(ROOT),
            "PYTHONPATH": str(ROOT / "layers/shared"),
            "TRACING": "Active",
            "_X_AMZN_TRACE_ID": "Root=1-6b01d65d-fd3edb0aec4b4537a9cb9609;"
            "Parent=53995c3f42cd8ad8;Sampled=1",
        }
        ended = subprocess.run(
            (APP_PYTHON, "-c", _REFUSED),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
        segment = daemon.recv(65_536).decode().partition("\n")[2]
    [error] = json.loads(segment)["cause"]["exceptions"]
    assert error["type"] == "ClientError" or error["type"] == "MessageRejected"
    assert error["stack"]
    assert _NOBODY not in segment


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        # The trace header of a function that samples for itself, and the one that the API sends.
        ("Root=1-a;Lineage=1:b:0", "Root=1-a;Lineage=1:b:0;Sampled=0"),
        ("Root=1-a;Parent=c;Sampled=1", "none"),
    ],
)
def test_function_without_a_trace_decides_that_those_it_calls_have_none(
    monkeypatch: pytest.MonkeyPatch, received: str, sent: str
) -> None:
    pretend_credentials()
    monkeypatch.delenv("TRACING", raising=False)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", received)
    headers: list[str] = []
    client = aws.client("lambda", attempts=1)

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        # As bytes, whatever the stubs say.
        header: Any = request.headers.get("X-Amzn-Trace-Id", b"none")
        headers.append(header.decode())
        return AWSResponse(request.url, 200, HTTPHeaders(), warm_up._EmptyBody(b""))

    client.meta.events.register("before-send", answer)  # type: ignore[arg-type]  # its answer is used
    tracing.start()
    client.invoke(FunctionName="ProductsInventory", Payload=b"{}")
    assert headers == [sent]
