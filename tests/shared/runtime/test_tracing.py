"""What a function sends to X-Ray's daemon, and what it decides for the functions that it calls."""

import json
import socket
import subprocess
from dataclasses import dataclass
from typing import Any, Final

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from shared.runtime import aws, tracing, warm_up
from tests.support.aws import pretend_credentials
from tools import lambda_environment
from tools.local.places import APP_PYTHON, ROOT, aws_environment

_ROOT: Final = "1-6b01d65d-fd3edb0aec4b4537a9cb9609"
_FUNCTION: Final = "53995c3f42cd8ad8"
_PACKETS: Final = 7


@dataclass(frozen=True)
class Traced:
    """What traced_calls.py has sent.

    Attributes:
        packets: to the daemon.
        headers: with the calls, to AWS.
    """

    packets: list[str]
    headers: list[str]

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(packet.partition("\n")[2]) for packet in self.packets]

    def parts(self, *names: str) -> list[tuple[Any, ...]]:
        """These members of each document."""
        return [tuple(one.get(name) for name in names) for one in self.documents]


@pytest.fixture(scope="module")
def traced() -> Traced:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        environment = {
            **aws_environment("http://127.0.0.1:9"),
            **lambda_environment.of_lambda("F", memory=512, handler="-"),
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
            "LAMBDA_TASK_ROOT": str(ROOT),
            "PYTHONPATH": f"{ROOT / 'layers/shared'}",
            "TRACING": "Active",
            "_X_AMZN_TRACE_ID": f"Root={_ROOT};Parent={_FUNCTION};Sampled=1;Lineage=1:b:0",
        }
        ended = subprocess.run(
            (APP_PYTHON, ROOT / "tests/shared/runtime/traced_calls.py"),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        daemon.settimeout(0)
        packets = []
        while True:
            try:
                packets.append(daemon.recv(65_536).decode())
            except BlockingIOError:
                return Traced(packets, json.loads(ended.stdout))


def test_calls_and_steps_of_a_chosen_request_are_subsegments_of_the_function(
    traced: Traced,
) -> None:
    assert all(packet.startswith('{"format":"json","version":1}\n') for packet in traced.packets)
    assert traced.parts("name", "namespace") == [
        ("dynamodb", "aws"),
        ("reserve", None),
        ("email", "aws"),
        ("send", None),
        ("dynamodb", "aws"),
        ("dynamodb", "aws"),
        ("lambda", "aws"),
    ]
    assert set(traced.parts("trace_id", "type")) == {(_ROOT, "subsegment")}
    assert len({one["id"] for one in traced.documents}) == _PACKETS
    assert all(one["start_time"] <= one["end_time"] for one in traced.documents)


def test_calls_of_a_step_are_under_it(traced: Traced) -> None:
    [get, reserve, email, send, *others] = traced.documents
    assert (get["parent_id"], email["parent_id"]) == (reserve["id"], send["id"])
    assert {one["parent_id"] for one in (reserve, send, *others)} == {_FUNCTION}


def test_call_names_what_it_called_and_how_that_ended(traced: Traced) -> None:
    calls = [one for one in traced.documents if "aws" in one]
    answer = {"request_id": "request-1", "retries": 0}
    get = {"operation": "GetItem", "table_name": "orders"}
    assert [one["aws"] for one in calls] == [
        get | answer,
        {"operation": "SendEmail"} | answer,
        get | answer,
        get,
        {"operation": "Invoke", "function_name": "ProductsInventory:live"} | answer,
    ]
    assert [one.get("http") for one in calls] == [
        {"response": {"status": 200}},
        {"response": {"status": 400}},
        {"response": {"status": 400}},
        None,
        {"response": {"status": 200}},
    ]


def test_failure_has_the_class_of_the_error_and_not_its_text(traced: Traced) -> None:
    failed = [one for one in traced.documents if "cause" in one]
    assert [(one.get("error"), one.get("throttle"), one.get("fault")) for one in failed] == [
        (True, None, None),
        (None, None, True),
        (True, True, None),
        (None, None, True),
    ]
    assert [one["cause"]["exceptions"][0]["type"] for one in failed] == [
        "MessageRejected",
        "MessageRejected",
        "ThrottlingException",
        "EndpointConnectionError",
    ]
    assert "nobody.knows" not in "".join(traced.packets)


def test_what_a_called_function_records_belongs_to_the_call(traced: Traced) -> None:
    called = traced.documents[-1]
    header = f"Root={_ROOT};Parent={called['id']};Sampled=1;Lineage=1:b:0"
    assert traced.headers[4] == header


def test_nothing_is_sent_of_a_request_that_is_not_chosen_or_without_a_daemon(
    traced: Traced,
) -> None:
    assert len(traced.packets) == _PACKETS
    assert len(traced.headers) == 9
    assert "Sampled=0" in traced.headers[5]


def test_code_that_records_is_not_loaded_without_tracing() -> None:
    code = "import sys\nfrom shared.runtime import tracing\ntracing.start()\nprint(*sys.modules)"
    ended = subprocess.run(
        (APP_PYTHON, "-c", code),
        env={"PYTHONPATH": f"{ROOT / 'layers/shared'}", "TRACING": "PassThrough"},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = ended.stdout.split()
    assert "shared.runtime.tracing" in loaded
    assert "shared.runtime.subsegments" not in loaded


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
