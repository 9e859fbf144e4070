"""Environments that start from one snapshot have connections, random numbers and a clock of their
own."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from typing import Any
from weakref import WeakSet

import pytest

from shared.runtime import aws, snapshots
from shared.runtime.entry import Entry
from shared.web import health
from tests.support.aws import pretend_credentials
from tests.support.functions import FUNCTIONS
from tools import lambda_environment
from tools.json_requests import JsonRequests


@pytest.fixture(autouse=True)
def no_clients_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "_clients", WeakSet())


class Server(ThreadingHTTPServer):
    """An AWS service on this machine that counts its connections."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        super().__init__(("127.0.0.1", 0), _Answers)

    def get_request(self) -> tuple[Any, Any]:
        self.connections += 1
        return super().get_request()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(JsonRequests):
    def do_POST(self) -> None:
        self.body()
        self.send(200, b"{}")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pretend_credentials()
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server
        server.shutdown()


@pytest.mark.parametrize("hook", [snapshots.before_snapshot, snapshots.after_restore])
def test_connections_are_not_kept_across_a_snapshot(
    server: Server, hook: Callable[[], None]
) -> None:
    clients = [aws.client("dynamodb"), aws.client("dynamodb", read=1)]

    def call() -> None:
        for client in clients:
            client.get_item(TableName="t", Key={"pk": {"S": "a"}})

    call()
    assert server.connections == 2
    hook()
    call()
    assert server.connections == 4


def test_environments_of_one_snapshot_draw_different_numbers() -> None:
    frozen = random.getstate()
    drawn = []
    for _ in range(2):
        random.setstate(frozen)  # a fork would not do: Python seeds after it
        snapshots.after_restore()
        drawn.append(random.random())
    assert drawn[0] != drawn[1]


def test_uptime_begins_at_the_restore() -> None:
    def uptime() -> float:
        return health.report(health.Health, health.Kept(), dict).uptime_seconds

    since_the_snapshot = uptime()
    snapshots.after_restore()
    assert uptime() < since_the_snapshot


@pytest.fixture
def started(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Starts a function as Lambda does."""

    def start(function: str, **variables: str) -> None:
        # Loaded before it has the variables: with them an entry starts when it is loaded.
        module = FUNCTIONS[function].module
        given = lambda_environment.whole(
            function, defaultdict(lambda: "a-name"), {"TracingMode": "PassThrough"}
        )
        for name, value in (given | variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        Entry(module.build, module.Settings)

    return start


@pytest.mark.parametrize("function", FUNCTIONS)
def test_start_makes_no_call(function: str, started: Callable[..., None], server: Server) -> None:
    started(function)
    assert server.connections == 0


@pytest.mark.parametrize("kind", ["snap-start", "on-demand", "provisioned-concurrency"])
def test_hooks_are_registered_where_lambda_takes_snapshots(
    kind: str, started: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library of Lambda's runtime: elsewhere it comes with awslambdaric, on Linux.
    runtime = pytest.importorskip("snapshot_restore_py")
    before: list[Any] = []
    after: list[Any] = []
    monkeypatch.setattr(runtime, "_before_snapshot_registry", before)
    monkeypatch.setattr(runtime, "_after_restore_registry", after)
    started("UsersDirectory", AWS_LAMBDA_INITIALIZATION_TYPE=kind)
    takes_snapshots = kind == "snap-start"
    assert [hook for hook, *_ in before] == [snapshots.before_snapshot] * takes_snapshots
    assert [hook for hook, *_ in after] == [snapshots.after_restore] * takes_snapshots
