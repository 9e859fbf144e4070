"""What functions print under awslambdaric with the variables that Lambda derives from the template, at each `LogLevel`, and what
they send to X-Ray: nothing personal, no line of a library, and every metric."""

import json
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from logging import getLevelNamesMapping
from pathlib import Path
from typing import Any, Final

import pytest

from bench.canned.server import CannedAws
from bench.environment import Environment
from bench.functions import Signer, functions
from shared.storage.dynamodb import Table
from tests.kills.account import Account
from tests.kills.killable_shop import KillableShop, emulated_account, killable_shop
from tests.support.client import Client, eventually
from tests.support.functions import FUNCTIONS
from tests.support.privacy import PRIVACY
from tools import lambda_environment
from tools.first_admin import make_admin
from tools.local.places import APP_PYTHON, ROOT
from tools.runtime_api import Trace
from users.accounts.repository import DynamoUsers

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs prctl and pidfd_open"),
    pytest.mark.timeout(120),
]

_LEVELS: Final = {**getLevelNamesMapping(), "TRACE": 5}
_NOBODY: Final = "no.reader@logs.example"
_DECLINED: Final = {"payment_token": "tok_declined"}


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """The template's resources in an emulator of their own."""
    with emulated_account(tmp_path) as account:
        yield account


@contextmanager
def _x_ray_daemon() -> Iterator[tuple[str, list[str]]]:
    """Its address, and the segments that it has been sent so far."""
    segments: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def receive() -> None:
            while datagram := listener.recv(65_536):
                segments.append(datagram.decode().partition("\n")[2])

        receiver = threading.Thread(target=receive, daemon=True)
        receiver.start()
        host, port = listener.getsockname()
        try:
            yield f"{host}:{port}", segments
        finally:
            # What is under way comes before this.
            listener.sendto(b"", (host, port))
            receiver.join()


def _admin(shop: KillableShop) -> Client:
    admin = Client(shop.http).register(full_name="Ada Admin")
    users = Table(shop.account.names["UsersTable"], shop.account.client("dynamodb"))
    make_admin(DynamoUsers(users), admin.user["email"])
    return admin.log_in()


def _is_told(shop: KillableShop, order: Mapping[str, Any], times: int) -> None:
    """Wait until so many notifications of the order were sent."""

    def sent() -> int:
        told = [n for n in shop.books().notifications if n.get("order_id") == order["id"]]
        return [n["status"] for n in told].count("sent")

    eventually(sent, lambda number: number == times)
    shop.sources.wait_until_idle()


def _use_everything(shop: KillableShop) -> None:
    """Every function does what it is there for, refuses something, and one meets what it cannot read."""
    admin, customer = _admin(shop), Client(shop.http).register()
    mug = admin.add_product(stock=6)
    placed, declined = customer.order((mug, 1)), customer.order((mug, 1), **_DECLINED)
    _is_told(shop, placed, 2)
    _is_told(shop, declined, 2)
    for step in ("ship", "deliver"):
        assert admin.post(f"/api/v1/orders/{placed['id']}/{step}").status_code == 200
    assert customer.try_order((mug, 100)).status_code == 409
    again = {**customer.user, "password": "another-long-password"}
    account = {name: again[name] for name in ("email", "full_name", "password")}
    assert customer.post("/api/v1/users", account).status_code == 409
    guess = {"email": account["email"], "password": "a-wrong-password"}
    assert customer.post("/api/v1/auth/login", guess).status_code == 401
    for path in (
        "/",
        "/api/v1/users/me",
        "/api/v1/notifications",
        f"/api/v1/orders/{placed['id']}",
    ):
        assert customer.get(path).status_code == 200
    _is_told(shop, placed, 4)
    assert customer.delete(f"/api/v1/users/{customer.user['id']}?erase=true").status_code == 200
    shop.sources.wait_until_idle()
    shop.sources.tick()
    # Nobody is told of it, which is a line of level DEBUG.
    sample = (ROOT / "events/notifications-user-registered.json").read_text()
    unheard = sample.replace("user.registered", "user.deactivated")
    assert not shop.service.invoke("NotificationsWorker", unheard.encode()).error
    PRIVACY.remember(_NOBODY)
    image = {"pk": {"S": "p"}, "sk": {"S": "s"}, "unsent": {"S": "0"}, "event": {_NOBODY: "?"}}
    record = {"dynamodb": {"SequenceNumber": "1", "NewImage": image}}
    answer = shop.service.invoke("OrdersRelay", json.dumps({"Records": [record]}).encode())
    assert answer.error
    assert _NOBODY not in answer.payload.decode()
    assert shop.service.invocations.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize(
    ("level", "mode", "trace"),
    [
        ("DEBUG", "Active", Trace.SAMPLED),
        ("DEBUG", "PassThrough", Trace.PASSED_THROUGH),
        ("INFO", "Active", Trace.UNSAMPLED),
        ("WARNING", "PassThrough", Trace.PASSED_THROUGH),
        ("ERROR", "Active", Trace.MISSING),
    ],
)
def test_functions_print_our_lines_and_metrics_only(
    account: Account, tmp_path: Path, level: str, mode: str, trace: Trace
) -> None:
    parameters = {"LogLevel": level, "TracingMode": mode}
    with _x_ray_daemon() as (daemon, segments):
        address = {"AWS_XRAY_DAEMON_ADDRESS": daemon}
        with killable_shop(account, tmp_path, parameters, trace=trace, variables=address) as shop:
            shop.sources.start()
            _use_everything(shop)
    printed = [json.loads(line) for lines in shop.printed().values() for line in lines]
    ours = [line for line in printed if "location" in line]
    metrics = [line for line in printed if "_aws" in line]
    [failure] = [line for line in printed if "errorType" in line]
    assert len(printed) == len(ours) + len(metrics) + 1
    assert failure["errorMessage"].startswith("TypeError at boto3")
    assert any("outbox.py" in frame for frame in failure["stackTrace"])
    assert {metric for line in metrics for metric in line} >= {"OrdersPlaced", "Latency"}
    # No lower level, and at DEBUG and INFO the lowest is there.
    assert all(_LEVELS[line["level"]] >= _LEVELS[level] for line in ours)
    assert level in ("WARNING", "ERROR") or level in {line["level"] for line in ours}
    # Lambda's own filter takes what has no level for INFO.
    passing = _LEVELS[account.variables("OrdersApi", "", parameters)["AWS_LAMBDA_LOG_LEVEL"]]
    assert all(_LEVELS[line.get("level", "INFO")] >= passing for line in printed)
    assert PRIVACY.found_in(segments) == []
    # A message that is put off asks SQS.
    services = {json.loads(segment)["name"] for segment in segments} - {"sqs"}
    sampled = {"dynamodb", "email", "kms", "lambda", "sns"} if trace is Trace.SAMPLED else set()
    assert services == sampled


def test_a_warning_is_not_printed() -> None:
    """Pydantic's repeat values; in the tests every warning is an error."""
    warn = f"import warnings; warnings.warn('unexpected value {_NOBODY}')"
    environment = lambda_environment.whole("OrdersApi", defaultdict(str))
    ended = subprocess.run(
        (APP_PYTHON, "-c", warn), env=environment, capture_output=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")


@pytest.mark.parametrize("name", ["OrdersApi", "NotificationsWorker"])
def test_a_start_prints_nothing(tmp_path: Path, name: str) -> None:
    """A whole one, as Lambda makes it: the other tests' workers are forked from a process that has imported everything."""
    (tmp_path / "python").symlink_to(ROOT / "layers/shared")
    signer = Signer()
    [built] = (one for one in functions(signer, {"LogLevel": "DEBUG"}) if one.name == name)
    subject = replace(built, task=ROOT / "functions", layer=tmp_path)
    with (
        CannedAws(signer.public_key) as aws,
        Environment(subject, aws.endpoint, python=APP_PYTHON) as environment,
    ):
        environment.until_ready()
        assert environment.log() == ""
