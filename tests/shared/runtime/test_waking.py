"""A function wakes those that it is going to call, while it starts, and nothing depends on it."""

import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.calls.internal import internal_handler
from shared.runtime import waking
from tests.support.context import LambdaContext
from tests.support.functions import FUNCTIONS
from tools.json_requests import JsonRequests
from tools.local.places import APP_PYTHON, CREDENTIALS, ROOT
from tools.transformed import transformed

LOOPBACK: Final = IPv4Address("127.0.0.1")
ARN: Final = "arn:aws:lambda:eu-west-1:123456789012:function"
# As a service's package does. A test waits for the thread, Lambda does not.
_START: Final = """
import threading
from shared.runtime import cold_start
cold_start.begin()
print(threading.active_count() > 1)
[thread.join() for thread in threading.enumerate() if thread is not threading.main_thread()]
"""
_ON_DEMAND: Final = {
    "AWS_LAMBDA_FUNCTION_NAME": "orders-api",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "WAKES": f"{ARN}:directory:live,{ARN}:inventory:live",
}


class Lambda(ThreadingHTTPServer):
    """Lambda's API on this machine.

    Attributes:
        invoked: the path, the type and the payload of each invocation.
        answers: before it is set, no invocation is answered.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.invoked: list[tuple[str, str, bytes]] = []
        self.answers = threading.Event()
        self.status = 202
        super().__init__(("127.0.0.1", 0), _Invocations)


class _Invocations(JsonRequests):
    server: Lambda

    def do_POST(self) -> None:
        body = self.body()
        self.server.invoked.append((self.path, self.headers["X-Amz-Invocation-Type"], body))
        self.server.answers.wait()
        self.send(self.server.status)


@pytest.fixture
def lambda_() -> Iterator[Lambda]:
    with Lambda() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.answers.set()
        yield server
        server.answers.set()
        server.shutdown()


def started(lambda_: Lambda, variables: Mapping[str, str]) -> tuple[bool, str]:
    """Start a function; returns whether it was still waking others then, and its log."""
    ended = subprocess.run(
        (APP_PYTHON, "-c", _START),
        env={
            **CREDENTIALS,
            "AWS_SESSION_TOKEN": "test",
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{lambda_.server_address[1]}",
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers/shared"))),
            **variables,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout == "True\n", ended.stderr


def test_start_wakes_each_function_once(lambda_: Lambda) -> None:
    _, log = started(lambda_, _ON_DEMAND)
    path = "/2015-03-31/functions/{}/invocations"
    assert lambda_.invoked == [
        (path.format(quote(f"{ARN}:{name}:live")), "Event", b'{"name":"wake"}')
        for name in ("directory", "inventory")
    ]
    assert not log


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"},
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"},
        {"WAKES": ""},
    ],
    ids=str,
)
def test_start_wakes_nothing_without_a_request_or_names(
    lambda_: Lambda, variables: dict[str, str]
) -> None:
    started(lambda_, _ON_DEMAND | variables)
    assert not lambda_.invoked


def test_start_wakes_nothing_outside_of_lambda(lambda_: Lambda) -> None:
    variables = dict(_ON_DEMAND)
    del variables["AWS_LAMBDA_FUNCTION_NAME"]
    started(lambda_, variables)
    assert not lambda_.invoked


def test_start_does_not_wait_for_a_wake_that_is_never_answered(lambda_: Lambda) -> None:
    lambda_.answers.clear()
    is_waking, log = started(lambda_, _ON_DEMAND)
    assert is_waking
    assert len(lambda_.invoked) == 1
    assert "could not wake: TimeoutError" in log


@pytest.mark.parametrize(
    ("variables", "warnings"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, ["could not wake: ConnectionRefusedError"]),
        # Each function is woken, whatever became of the one before.
        ({}, 2 * ["could not wake a function: 403"]),
    ],
    ids=["no answer", "refused"],
)
def test_failed_wake_is_a_warning(
    lambda_: Lambda, variables: dict[str, str], warnings: list[str]
) -> None:
    lambda_.status = 403
    _, log = started(lambda_, _ON_DEMAND | variables)
    assert log.splitlines() == warnings


def test_wake_sends_nothing_to_a_server_that_no_known_authority_vouches_for(
    lambda_: Lambda, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(key, SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    lambda_.socket = context.wrap_socket(lambda_.socket, server_side=True)
    url = f"https://127.0.0.1:{lambda_.server_address[1]}"
    _, log = started(lambda_, _ON_DEMAND | {"AWS_ENDPOINT_URL": url})
    assert log.strip() == "could not wake: SSLCertVerificationError"
    assert not lambda_.invoked


def test_signature_is_the_one_of_the_sdk() -> None:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    credentials = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token==")
    path = f"/2015-03-31/functions/{quote(f'{ARN}:directory:live')}/invocations"
    host = "lambda.eu-west-1.amazonaws.com"
    with time_machine.travel(datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC), tick=False):
        request = AWSRequest(
            "POST", f"https://{host}{path}", {"x-amz-invocation-type": "Event"}, waking.CALL
        )
        SigV4Auth(Credentials(*credentials), "lambda", "eu-west-1").add_auth(request)
        given = dict(zip(names, credentials, strict=True))
        signed = waking.signed(path, host, "eu-west-1", given, datetime.now(UTC))
    assert {name.lower(): value for name, value in request.headers.items()} | {
        "host": host
    } == signed


def test_wakes_are_sent_to_the_partition_of_the_functions() -> None:
    variables = FUNCTIONS["OrdersApi"].properties["Environment"]["Variables"]
    assert variables["URL_SUFFIX"] == {"Ref": "AWS::URLSuffix"}
    china = {"AWS_REGION": "cn-north-1", "URL_SUFFIX": "amazonaws.com.cn"}
    assert waking.endpoint(china) == "https://lambda.cn-north-1.amazonaws.com.cn"


def test_woken_function_does_nothing() -> None:
    handler = internal_handler({})
    assert handler(json.loads(waking.CALL), LambdaContext()) == {}


def test_wakes_that_fail_or_are_late_are_dropped() -> None:
    references = FUNCTIONS["OrdersApi"].properties["Environment"]["Variables"]["WAKES"]["Fn::Join"]
    woken = {reference["Ref"].removesuffix(".Alias") for reference in references[1]}
    assert woken == {"UsersDirectory", "ProductsInventory"}
    configs = [
        resource["Properties"]
        for resource in transformed()["Resources"].values()
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig"
    ]
    assert {config["FunctionName"]["Ref"] for config in configs} == woken
    for config in configs:
        assert config["Qualifier"] == "live"
        assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
        assert not config["DestinationConfig"]
