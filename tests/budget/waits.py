"""Where an order waits: time-outs and attempts of the functions' clients, and the longest order, as
one document.

`make tables` writes docs/waits.md; test_waits.py fails while the document differs from the code.
Queues, streams, schedules and alarms are in template.yaml.
"""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final
from unittest.mock import patch

from botocore.config import Config

from shared.messaging import workers
from shared.runtime import aws, settings
from tests.support.aws import pretend_credentials
from tests.support.functions import FUNCTIONS, Function
from tools.lambda_environment import variables
from tools.template import ROOT, resources, template

DOCUMENT: Final = ROOT / "docs" / "waits.md"
PARAMETERS: Final = template()["Parameters"]
QUEUED: Final = [f for f in FUNCTIONS.values() if f.events("SQS")]
STREAMED: Final = [f for f in FUNCTIONS.values() if f.events("DynamoDB")]

# Constants of our code, and what each bounds.
_CONSTANTS: Final = {
    "orders.models:SAGA_DEADLINE": "from placing an order until its saga cancels it",
    "orders.payments.stripe_transport:CONNECT_SECONDS": "a connection to Stripe, for a shop that pays through it",
    "orders.payments.stripe_transport:READ_SECONDS": "an answer of Stripe; each request is made once",
    "products.reservations.models:HELD_FOR": "a reservation that is neither confirmed nor released",
    "shared.messaging.publishing:_SWEEP_AFTER": "the stream's time to publish an event, before the sweeper does",
    "shared.messaging.publishing:CALL_SECONDS": "a relay begins no call with less time left",
    "notifications.emails.service:_LEASE": "a worker's claim of a notification",
    "orders.models:FIRST_DUE": "an order's progress, before its event is published again for an e-mail",
    "notifications.emails.service:_SLOW": "the age of an order.placed that is mailed, less by what clocks differ",
    "shared.runtime.waking:_SECONDS": "a wake's connection and its answer; no start waits for it",
    "shared.storage.dynamodb:_CONFLICT_ATTEMPTS": "attempts at a write that meets another transaction",
    "shared.calls.breaker:_RECOVERY_SECONDS": "an open circuit's wait before it tries a call",
}


@dataclass(frozen=True)
class Client:
    """An SDK client of a function."""

    service: str
    connect: float
    read: float
    attempts: int

    @property
    def seconds(self) -> float:
        """Of all attempts at a call that is never answered."""
        return (self.connect + self.read) * self.attempts

    @property
    def pauses(self) -> float:
        """The longest that the SDK pauses between the attempts: at random up to 1 s, then up to 2
        s, doubling to 20 s."""
        return float(sum(min(2**retry, 20) for retry in range(self.attempts - 1)))


@cache
def clients(name: str) -> tuple[Client, ...]:
    """The clients that the function makes, in this order."""
    made: list[Client] = []

    def client(service: str, *, config: Config) -> Any:
        options: Any = config
        attempts = options.retries["total_max_attempts"]
        made.append(Client(service, options.connect_timeout, options.read_timeout, attempts))
        return make(service, config=config)  # type: ignore[call-overload]  # any service

    pretend_credentials()
    function, session = FUNCTIONS[name], aws._session()
    make = session.client
    with patch.object(session, "client", client):
        function.module.build(settings.read(function.module.Settings, _variables(name)))
        if function in QUEUED:
            workers._sqs()
    return tuple(made)


def _variables(name: str) -> dict[str, str]:
    names = {logical: logical for logical in template()["Resources"]}
    defaults = {parameter: str(p["Default"]) for parameter, p in PARAMETERS.items()}
    return variables(name, defaults | names)


def number(value: Any) -> int:
    """A number of the template, or the default of its parameter."""
    return int(PARAMETERS[value["Ref"]]["Default"] if isinstance(value, dict) else value)


def queue_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """The queue of an event source."""
    name = source["Queue"]["Fn::GetAtt"].partition(".")[0]
    return resources("AWS::SQS::Queue")[name]


def rate(function: Function) -> int:
    """Seconds between two ticks of its schedule."""
    [source] = function.events("Schedule")
    count, _, unit = source["Schedule"].removeprefix("rate(").rstrip("s)").partition(" ")
    return int(count) * {"minute": 60, "hour": 3600, "day": 86_400}[unit]


def longest_order(*, acts: bool = False) -> dict[str, int]:
    """The seconds of each part of the longest way from placing an order until it is confirmed or
    cancelled.

    Args:
        acts: whether its customer has to act for the payment.
    """
    sweeper, worker = FUNCTIONS["OrdersSweeper"], FUNCTIONS["OrdersCheckout"]
    deadline: timedelta = _constant("orders.models:SAGA_DEADLINE")
    if acts:
        deadline = timedelta(minutes=number({"Ref": "PaymentActionMinutes"}))
    return {
        "the saga's deadline": int(deadline.total_seconds()),
        "until the sweeper's next tick": rate(sweeper),
        "a run of the sweeper": sweeper.timeout,
        "a run of the worker": worker.timeout,
    }


def _constant(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _functions() -> Iterator[Iterable[object]]:
    yield "function", "Timeout", "client", "connect", "read", "attempts", "pauses", "at most"
    for name, function in FUNCTIONS.items():
        for place, client in enumerate(clients(name)):
            yield (
                "" if place else name,
                "" if place else f"{function.timeout} s",
                client.service,
                f"{client.connect:g} s",
                f"{client.read:g} s",
                client.attempts,
                f"{client.pauses:g} s",
                f"{client.seconds + client.pauses:g} s",
            )


def _constants() -> Iterator[Iterable[object]]:
    yield "constant", "value", "bounds"
    for path, meaning in _CONSTANTS.items():
        value = _constant(path)
        seconds = value.total_seconds() if isinstance(value, timedelta) else value
        unit = "" if path.endswith("ATTEMPTS") else " s"
        yield f"`{path.replace(':', '.')}`", f"{seconds:g}{unit}", meaning


def _longest_order() -> Iterator[Iterable[object]]:
    yield "part", "at most", "if its customer has to act"
    parts, acting = longest_order(), longest_order(acts=True)
    for part, seconds in parts.items():
        yield part, f"{seconds} s", f"{acting[part]} s"
    ends = (f"**{sum(each.values())} s**" for each in (parts, acting))
    yield "**until the order has ended**", *ends


_CHAPTERS: Final = {
    "Functions and their clients\n\nThe SDK pauses between attempts, at random: the longest pauses are counted. "
    "`at most` is one call that is never answered, with all its attempts.": _functions,
    "What the code waits for": _constants,
    "The longest order\n\nConfirmed or cancelled while a service behind it does not answer, the queue delivers, and "
    "Lambda runs. `PaymentActionMinutes` is the deadline of an order whose customer has to act; its stock is sold, and does "
    "not expire.": _longest_order,
}


def document() -> str:
    """The content of docs/waits.md."""
    lines = [
        "# Where an order waits",
        "",
        "Generated from the clients' configuration and the code: `make tables` writes it, and `tests/budget/test_waits.py` fails",
        "while it differs. Queues, streams, schedules and alarms are in `template.yaml`; the relations between all these figures are in",
        "`tests/template/test_limits.py`.",
    ]
    for title, rows in _CHAPTERS.items():
        heading, *more = title.split("\n\n")
        lines += ["", f"## {heading}", "", *(f"{text}\n" for text in more)]
        head, *body = ([str(cell) for cell in row] for row in rows())
        lines += [_row(head), _row(["---"] * len(head)), *map(_row, body)]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
