"""What functions print under awslambdaric with the variables that Lambda derives from the template,
and what they send to X-Ray: nothing personal, no line of a library, and every metric."""

import json
import socket
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from logging import getLevelNamesMapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.logs.process_shop import SESSION_TOKEN, FunctionFailed, ProcessShop
from tests.simulation.resources import SCHEDULES
from tests.support import stripe
from tests.support.client import PASSWORD
from tests.support.functions import FUNCTIONS
from tests.support.privacy import PRIVACY
from tools import lambda_environment
from tools.local.places import APP_PYTHON, ROOT
from tools.runtime_api import Trace

_LEVELS: Final = {**getLevelNamesMapping(), "TRACE": 5}
_PERSONAL: Final = "no.reader@logs.example"


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


def _use_everything(shop: ProcessShop) -> None:
    """Every function does its work, refuses something, and one gets an event that it cannot
    read."""
    shop.open()
    admin, customer = shop.admin, shop.customer
    placed = customer.order((shop.mug, 4))  # runs low
    customer.order((shop.mug, 1), payment_token="tok_declined")
    waiting = customer.order((shop.tray, 1), payment_token="tok_action_abandoned")
    shop.settle()
    payment = customer.get(f"/api/v1/orders/{waiting['id']}").json()["payment"]
    assert PRIVACY.found_in([payment["client_secret"]])
    for step in ("ship", "deliver"):
        assert admin.post(f"/api/v1/orders/{placed['id']}/{step}").status_code == 200
    assert customer.try_order((shop.mug, 100)).status_code == 409
    account = {
        "email": customer.user["email"],
        "full_name": "Carl Copy",
        "password": "plums-and-pears",
    }
    assert customer.post("/api/v1/users", account).status_code == 409
    guess = {"email": account["email"], "password": "a-wrong-password"}
    assert customer.post("/api/v1/auth/login", guess).status_code == 401
    order = f"/api/v1/orders/{placed['id']}"
    for path in ("/", "/api/v1/users/me", "/api/v1/notifications", order):
        assert customer.get(path).status_code == 200
    path, own = f"/api/v1/users/{customer.user['id']}", {"current_password": PASSWORD}
    assert customer.delete(f"{path}?erase=true", json=own).status_code == 200
    shop.settle()
    for scheduled in SCHEDULES:
        shop.tick(scheduled)
    body = stripe.report(placed["id"])
    for ago, is_accepted in ((0, True), (600, False)):
        headers = stripe.signed(body, at=datetime.now(UTC) - timedelta(seconds=ago))
        answer = shop.anyone.http.post(stripe.PATH, content=body, headers=headers)
        assert answer.is_success is is_accepted
    # An event without an e-mail, which is a line of level DEBUG.
    sample = (ROOT / "events/notifications-user-registered.json").read_text()
    shop.invoke("NotificationsWorker", json.loads(sample.replace(".registered", ".deactivated")))
    shop.cloud.deployments["d-1"] = ("bodega-UsersApi-1A2B3C4D5E6F", "2")
    shop.invoke(
        "OperationsPreTraffic", {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "1"}
    )
    operations = "/api/v1/operations"
    for path in ("circuits", "alarms", "metrics", "queues", "queues/checkout/dead-letters"):
        assert admin.get(f"{operations}/{path}").status_code == 200
    assert admin.post(f"{operations}/queues/checkout/redrive").status_code == 202
    PRIVACY.remember(_PERSONAL)
    image = {"pk": {"S": "p"}, "sk": {"S": "s"}, "unsent": {"S": "0"}, "event": {_PERSONAL: "?"}}
    record = {"dynamodb": {"SequenceNumber": "1", "NewImage": image}}
    with pytest.raises(FunctionFailed) as failure:
        shop.invoke("OrdersRelay", {"Records": [record]})
    assert _PERSONAL not in str(failure.value)
    assert shop.started == FUNCTIONS.keys()
    # What is stored and never sent, such as a password's hash, is not logged either. The reason for
    # which a notification has failed is one of our words.
    books = shop.books()
    assert all("reason" in item for item in books.notifications if item["status"] == "failed")
    others = [item for item in books.everything if item not in books.notifications]
    notes = [{**item, "reason": ""} for item in books.notifications]
    PRIVACY.body(json.dumps([*others, *notes], default=str))
    PRIVACY.remember(SESSION_TOKEN)


@pytest.mark.parametrize(
    ("level", "mode", "trace"),
    [
        ("DEBUG", "Active", Trace.SAMPLED),
        ("WARNING", "PassThrough", Trace.PASSED_THROUGH),
    ],
)
@pytest.mark.timeout(300)
def test_functions_print_our_lines_and_metrics_only(
    tmp_path: Path, level: str, mode: str, trace: Trace
) -> None:
    parameters = {"LogLevel": level, "TracingMode": mode, "TraceSaga": "on"}
    with _x_ray_daemon() as (daemon, segments):
        variables = {"AWS_XRAY_DAEMON_ADDRESS": daemon}
        with ProcessShop(tmp_path, parameters, trace, variables) as shop:
            _use_everything(shop)
            passing = _LEVELS[shop.variables("OrdersApi")["AWS_LAMBDA_LOG_LEVEL"]]
    lines = shop.printed()
    assert PRIVACY.found_in([*lines, *segments]) == []
    printed: list[dict[str, Any]] = [json.loads(line) for line in lines]
    ours = [line for line in printed if "level" in line and "message" in line]
    metrics = [line for line in printed if "_aws" in line]
    [failure] = [line for line in printed if "errorType" in line]
    assert len(printed) == len(ours) + len(metrics) + 1
    assert failure["errorMessage"].startswith("TypeError at boto3")
    assert any("publishing.py" in frame for frame in failure["stackTrace"])
    assert {metric for line in metrics for metric in line} >= {"OrdersPlaced"}
    # No lower level, and at DEBUG the lowest is there.
    assert all(_LEVELS[line["level"]] >= _LEVELS[level] for line in ours)
    assert level == "WARNING" or level in {line["level"] for line in ours}
    # Lambda's own filter takes a line without a level for INFO.
    assert all(_LEVELS[line.get("level", "INFO")] >= passing for line in printed)
    # Of functions behind the API and of OrdersCheckout only.
    recorded = {json.loads(segment)["name"] for segment in segments} - {"sqs"}
    calls = {"dynamodb", "kms", "lambda", "monitoring", "ssm"}
    steps = {"find_customer", "reserve"}
    saga = {"confirm", "authorize", "capture", "release", "void"}
    assert recorded == (calls | steps | saga if trace is Trace.SAMPLED else set())


def test_a_warning_is_not_printed() -> None:
    """Pydantic's repeat values; in the tests every warning is an error."""
    warn = f"import warnings; warnings.warn('unexpected value {_PERSONAL}')"
    environment = lambda_environment.whole("OrdersApi", defaultdict(str))
    ended = subprocess.run(
        (APP_PYTHON, "-c", warn), env=environment, capture_output=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")
