"""The shop on this machine, every function in processes of its own that may be killed: emulator, resources, workers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.kills.account import Account
from tests.kills.event_sources import EventSources
from tests.kills.lambda_service import LambdaService
from tests.kills.zygote import Process, Zygote
from tests.simulation.resources import function_at
from tests.support import books
from tests.support.books import Books, HandedOver, Witness
from tests.support.functions import FUNCTIONS
from tests.support.http import rest_event
from tests.support.privacy import PRIVACY
from tools.local import emulator, processes
from tools.local.places import aws_environment


@dataclass
class KillableShop:
    """What a test needs of it. Nothing moves by itself until the event sources' loops are started."""

    account: Account
    service: LambdaService
    sources: EventSources
    witness: Witness
    http: httpx.Client

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
def killable_shop(account: Account, folder: Path) -> Iterator[KillableShop]:
    """Open it; what the workers print goes to the folder."""
    with _zygote(account) as zygote:

        def start(name: str, runtime_api: str) -> Process:
            variables = account.variables(name, service.endpoint)
            return zygote.start(
                FUNCTIONS[name].properties["Handler"],
                variables | {"AWS_LAMBDA_RUNTIME_API": runtime_api},
                folder / f"{name}.log",
            )

        timeouts = {name: function.timeout for name, function in FUNCTIONS.items()}
        witness = Witness()
        with (
            LambdaService(timeouts, start) as service,
            httpx.Client(
                base_url="https://shop.example",
                transport=httpx.MockTransport(lambda request: _gateway(service, request)),
                event_hooks={"response": [witness.saw]},
            ) as http,
        ):
            sources = EventSources(account, service)
            with sources.crew:
                yield KillableShop(account, service, sources, witness, http)
    logs = [folder / f"{name}.log" for name in FUNCTIONS]
    printed = (log.read_text(errors="replace") for log in logs if log.exists())
    assert PRIVACY.found_in(line for text in printed for line in text.splitlines()) == []


def _zygote(account: Account) -> Zygote:
    modules = [f.properties["Handler"].rpartition(".")[0] for f in FUNCTIONS.values()]
    return Zygote(modules, aws_environment(account.endpoint))


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
