"""The shop on this machine, every function in processes of its own that may be killed: emulator, resources, workers."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.kills.account import SESSION_TOKEN, Account
from tests.kills.event_sources import EventSources
from tests.kills.lambda_service import LambdaService
from tests.kills.zygote import Process, Zygote
from tests.simulation.resources import function_at
from tests.support import books
from tests.support.books import Books, HandedOver, Witness
from tests.support.functions import FUNCTIONS
from tests.support.http import rest_event
from tests.support.privacy import PRIVACY
from tools.intrinsics import NO_OTHERS
from tools.local import emulator, processes
from tools.local.places import aws_environment
from tools.runtime_api import Trace

# There is nobody to send traces to.
_UNTRACED: Final = {"TracingMode": "PassThrough"}


@dataclass
class KillableShop:
    """What a test needs of it. Nothing moves by itself until the event sources' loops are started."""

    account: Account
    service: LambdaService
    sources: EventSources
    witness: Witness
    http: httpx.Client
    folder: Path

    def printed(self) -> dict[str, list[str]]:
        """The lines of every function's standard output and standard error, so far."""
        logs = {name: self.folder / f"{name}.log" for name in FUNCTIONS}
        return {
            name: log.read_text(errors="replace").splitlines()
            for name, log in logs.items()
            if log.exists()
        }

    def books(self) -> Books:
        """All that is stored, and the e-mails that were handed over."""
        tables = {name: self.account.names[name] for name in books.TABLES}
        return books.read(self.account.client("dynamodb"), tables, self._emails())

    def _emails(self) -> list[HandedOver]:
        told = httpx.get(f"{self.account.endpoint}/_ministack/ses/messages", timeout=30).json()
        return [
            HandedOver(sent["To"][0], sent["Subject"], sent["BodyText"])
            for messages in told["messages"].values()
            for sent in messages
        ]


@contextmanager
def emulated_account(folder: Path) -> Iterator[Account]:
    """An emulator of its own, with the template's resources."""
    pid = emulator.start(port := processes.free_port(), folder, enforce_iam=False)
    try:
        yield Account(emulator.endpoint(port))
    finally:
        processes.end(pid, emulator.NAME)
        processes.discard(emulator.scratch(folder))


@contextmanager
def killable_shop(
    account: Account,
    folder: Path,
    parameters: Mapping[str, str] = _UNTRACED,
    *,
    trace: Trace = Trace.PASSED_THROUGH,
    variables: Mapping[str, str] = NO_OTHERS,
) -> Iterator[KillableShop]:
    """Open it; what the workers print goes to the folder.

    Args:
        parameters: the template's, those that differ from their defaults.
        trace: what X-Ray has decided for each invocation.
        variables: more of every worker's, or others.
    """
    with _zygote(account) as zygote:

        def start(name: str, runtime_api: str) -> Process:
            own = account.variables(name, service.endpoint, parameters)
            return zygote.start(
                FUNCTIONS[name].properties["Handler"],
                {**own, **variables, "AWS_LAMBDA_RUNTIME_API": runtime_api},
                folder / f"{name}.log",
            )

        timeouts = {name: function.timeout for name, function in FUNCTIONS.items()}
        witness = Witness()
        with (
            LambdaService(timeouts, start, trace=trace) as service,
            httpx.Client(
                base_url="https://shop.example",
                transport=httpx.MockTransport(lambda request: _gateway(service, request)),
                event_hooks={"response": [witness.saw]},
            ) as http,
        ):
            sources = EventSources(account, service)
            with sources.crew:
                shop = KillableShop(account, service, sources, witness, http, folder)
                yield shop
        # What is stored and never sent, a password's hash say, is not logged either.
        PRIVACY.told(json.dumps(shop.books().everything, default=str))
        PRIVACY.remember(SESSION_TOKEN)
        assert PRIVACY.found_in(line for lines in shop.printed().values() for line in lines) == []


def _zygote(account: Account) -> Zygote:
    modules = [f.properties["Handler"].rpartition(".")[0] for f in FUNCTIONS.values()]
    # Its session of the SDK, which the workers inherit, has read these.
    environment = aws_environment(account.endpoint) | {"AWS_SESSION_TOKEN": SESSION_TOKEN}
    return Zygote(modules, environment)


def _gateway(service: LambdaService, request: httpx.Request) -> httpx.Response:
    """API Gateway: a function that died or broke is a 502."""
    event = rest_event(
        request.method,
        request.url.raw_path.decode(),
        body=request.content.decode() or None,
        headers=dict(request.headers),
    )
    name = function_at(request.method, request.url.path)
    answer = service.invoke(name, json.dumps(event).encode())
    if answer.error:
        return httpx.Response(502, json={"message": "Internal server error"})
    given = answer.json()
    return httpx.Response(given["statusCode"], headers=given["headers"], text=given["body"])
