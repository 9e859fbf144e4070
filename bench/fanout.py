"""How long an order takes to reach its customer's mailbox, and where the time goes: on the emulator, deployed as by
`make run`.

The client times its own requests. What happens behind them is read afterwards from what functions and emulator have
noted: the lines that name an event, how long each invocation took, and when each e-mail was handed over.
"""

import json
import re
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import httpx

from bench.report import Progress, Table
from tools.local import stack
from tools.local.places import APP_PYTHON, ROOT
from tools.local.processes import free_port
from tools.local.shop import Shop
from tools.progress import Problem
from tools.seed.__main__ import ADMIN, PASSWORD

TITLE: Final = "From the order to the e-mail"

_WARMING: Final = 12
_ALONE: Final = 40
_BURST: Final = 40
_CLIENTS: Final = 4
_PATIENCE_SECONDS: Final = 30.0
# Looking costs the emulator time, and nothing is timed by it.
_PAUSE_SECONDS: Final = 0.1
# Requests are throttled by the second, as in the cloud: not here.
_PARAMETERS: Final = {"ThrottleRate": "2000", "ThrottleBurst": "4000"}

_SUBJECTS: Final = {
    "We have received your order": "placed",
    "Your order is confirmed": "confirmed",
}
_LINE: Final = re.compile(r"(?P<done>published|handled) order\.(?P<event>placed|confirmed)")
_REPORT: Final = re.compile(r"REPORT RequestId: .*\tDuration: (?P<ms>[\d.]+) ms")
_ORDER: Final = re.compile(r"^Order (?P<id>\w+)$", re.MULTILINE)
# Who says so of which event: the function that an invocation was of, as the moments below call it.
_WORKERS: Final = {
    ("orders", "published"): "relay",
    ("orders", "handled"): "checkout",
    ("notifications", "handled"): "mailer",
}

# Each stage from one moment to the next one.
_FIRST: Final = (
    ("`POST /orders` until its 201", "clicked", "answered"),
    ("until the relay starts", "answered", "placed relay starts"),
    ("until the event is published", "placed relay starts", "placed relay done"),
    ("until the notifications' worker starts", "placed relay done", "placed mailer starts"),
    ("until the e-mail is handed over", "placed mailer starts", "placed sent"),
)
_SECOND: Final = (
    ("the first event's publication", "clicked", "placed relay done"),
    ("until the checkout starts", "placed relay done", "placed checkout starts"),
    ("until the order is confirmed", "placed checkout starts", "placed checkout done"),
    ("until the relay starts", "placed checkout done", "confirmed relay starts"),
    ("until the event is published", "confirmed relay starts", "confirmed relay done"),
    ("until the notifications' worker starts", "confirmed relay done", "confirmed mailer starts"),
    ("until the e-mail is handed over", "confirmed mailer starts", "confirmed sent"),
)
_WHOLE: Final = (
    ("click → first e-mail (order received)", "clicked", "placed sent"),
    ("201 → first e-mail", "answered", "placed sent"),
    ("click → second e-mail (order confirmed)", "clicked", "confirmed sent"),
    ("201 → second e-mail", "answered", "confirmed sent"),
)

type Moments = dict[str, float]
"""When what happened to one order, in seconds since 1970."""


@dataclass
class _Buyers:
    """Place orders, each of a product of its own, and keep when: their clock is the emulator's too."""

    http: httpx.Client
    products: list[str]
    orders: dict[str, Moments] = field(default_factory=dict)
    sent_away: int = 0

    def order(self, number: int = 0) -> str:
        """A placed order's id. Who is told to come again does, with the same key; time counts from the first click."""
        product = self.products[number % len(self.products)]
        body = {"items": [{"product_id": product, "quantity": 1}]}
        key = {"Idempotency-Key": uuid.uuid4().hex}
        clicked = time.time()
        answer = self.http.post("/api/v1/orders", json=body, headers=key)
        while answer.status_code != 201:
            if time.time() - clicked > _PATIENCE_SECONDS:
                raise Problem(f"An order was not taken: {answer.status_code} {answer.text}")
            self.sent_away += 1
            time.sleep(float(answer.headers.get("Retry-After", "1")))
            answer = self.http.post("/api/v1/orders", json=body, headers=key)
        id_: str = answer.json()["id"]
        self.orders[id_] = {"clicked": clicked, "answered": time.time()}
        return id_

    def one_by_one(self, shop: Shop, number: int) -> list[Moments]:
        """Each after the last one's e-mails."""
        self.orders.clear()
        for _ in range(number):
            _await_emails(shop, [self.order()])
        return _told(shop, self.orders)

    def at_once(self, shop: Shop, number: int) -> list[Moments]:
        self.orders.clear()
        with ThreadPoolExecutor(_CLIENTS) as pool:
            _await_emails(shop, list(pool.map(self.order, range(number))))
        return _told(shop, self.orders)


def measure(progress: Progress) -> list[Table]:
    """Order from a shop of its own: one order after another, and many at once."""
    with tempfile.TemporaryDirectory(prefix="bodega-fanout-") as folder:
        shop = Shop(free_port(), Path(folder), parameters=_PARAMETERS)
        with shop.running(), _buying(shop) as buyers:
            with progress("warming"):
                buyers.at_once(shop, _WARMING)
            buyers.sent_away = 0
            with progress(f"{_ALONE} orders"):
                alone = buyers.one_by_one(shop, _ALONE)
            with progress(f"{_BURST} orders at once"):
                burst = buyers.at_once(shop, _BURST)
    return [_whole(alone, burst, buyers.sent_away), _stages(alone)]


def _whole(alone: list[Moments], burst: list[Moments], sent_away: int) -> Table:
    return Table(
        "An order's e-mails, in milliseconds",
        ("", "p50", "p99", "slowest", "at once: p50", "p99", "slowest"),
        tuple(
            (label, *_figures(alone, start, end), *_figures(burst, start, end))
            for label, start, end in _WHOLE
        ),
        f"{_ALONE} orders, each placed after the last one's e-mails; then {_BURST} by {_CLIENTS} clients at once, who"
        f" were told {sent_away} times to come again in a moment; their time went on. The whole shop and its clients"
        " share this machine's processors: the second columns say how it queues, not how Lambda scales.",
    )


def _stages(alone: list[Moments]) -> Table:
    return Table(
        "Where the time goes, one order at a time, in milliseconds",
        ("", "p50", "p99", "slowest"),
        (
            *((f"first e-mail: {label}", *_figures(alone, *of)) for label, *of in _FIRST),
            *((f"second e-mail: {label}", *_figures(alone, *of)) for label, *of in _SECOND),
        ),
        "Starts are known to 2 ms: they are when an invocation's report was written, less its duration. Between"
        " publication and start are the topic, the queue and the emulator's poller; in the cloud, SQS and Lambda take their place.",
    )


def _figures(orders: list[Moments], start: str, end: str) -> tuple[str, str, str]:
    took = [1000 * (moments[end] - moments[start]) for moments in orders]
    last = quantiles(took, n=100, method="inclusive")[98]
    return f"{median(took):.0f}", f"{last:.0f}", f"{max(took):.0f}"


@contextmanager
def _buying(shop: Shop) -> Iterator[_Buyers]:
    """Customers in the shop, in front of shelves that do not run low."""
    command = (APP_PYTHON, "-m", "tools.seed", "--url", shop.url)
    seeded = subprocess.run(
        command, cwd=ROOT, env=shop.environment, capture_output=True, text=True, check=False
    )
    if seeded.returncode:
        raise Problem(f"The shop could not be filled: {seeded.stderr.strip()}")
    limits = httpx.Limits(max_connections=_CLIENTS)
    with httpx.Client(base_url=shop.url, timeout=60, limits=limits) as http:
        # Who minds the shop may buy there too.
        login = http.post("/api/v1/auth/login", json={"email": ADMIN, "password": PASSWORD})
        http.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        shelf = {"name": "Mug", "price": "10.00", "category": "bench", "stock": 10_000}
        added = [http.post("/api/v1/products", json=shelf) for _ in range(_CLIENTS)]
        yield _Buyers(http, [product.json()["id"] for product in added])


def _await_emails(shop: Shop, orders: list[str]) -> None:
    """Until each order's two e-mails are handed over."""
    wanted = {(order, event) for order in orders for event in _SUBJECTS.values()}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not wanted <= _emails(shop).keys():
        if time.monotonic() > deadline:
            raise Problem(f"An order's e-mails did not come within {_PATIENCE_SECONDS:.0f} s.")
        time.sleep(_PAUSE_SECONDS)


def _emails(shop: Shop) -> dict[tuple[str, str], float]:
    """When each e-mail about an order was handed over, by order and event."""
    kept = httpx.get(f"{shop.endpoint}/_ministack/ses/messages", timeout=30).json()["messages"]
    return {
        (order["id"], _SUBJECTS[sent["Subject"]]): float(sent["Timestamp"])
        for messages in kept.values()
        for sent in messages
        if sent["Subject"] in _SUBJECTS and (order := _ORDER.search(sent["BodyText"]))
    }


def _told(shop: Shop, orders: Mapping[str, Moments]) -> list[Moments]:
    """The orders' moments, with those that functions and emulator have noted."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    needed = {moment for *_, start, end in (*_FIRST, *_SECOND) for moment in (start, end)}
    while True:
        whole = {id_: dict(moments) for id_, moments in orders.items()}
        for (id_, event), at in _emails(shop).items():
            if id_ in whole:
                whole[id_][f"{event} sent"] = at
        for id_, moment, at in _noted(shop):
            if id_ in whole:
                # An event may come twice: the first time is the one that counts.
                whole[id_][moment] = min(at, whole[id_].get(moment, at))
        missing = {moment for moments in whole.values() for moment in needed - moments.keys()}
        if not missing:
            return list(whole.values())
        # Logs are written when an invocation has ended.
        if time.monotonic() > deadline:
            raise Problem(f"The functions' logs do not tell of: {', '.join(sorted(missing))}.")
        time.sleep(1)


def _noted(shop: Shop) -> Iterator[tuple[str, str, float]]:
    """Each order's id, what happened, and when: of all invocations that had to do with an order's events."""
    logs = stack.session().client("logs", endpoint_url=shop.endpoint)
    for group in stack.log_groups(shop.stack()):
        service = group.rpartition("/")[2]
        if service not in {service for service, _ in _WORKERS}:
            continue
        invocations: dict[str, list[tuple[float, str]]] = {}
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            for line in page["events"]:
                # The emulator gives each invocation a stream of its own, and writes it at the end.
                of_stream = invocations.setdefault(line["logStreamName"], [])
                of_stream.append((line["timestamp"] / 1000, line["message"]))
        for lines in invocations.values():
            yield from _of_invocation(service, lines)


def _of_invocation(
    service: str, lines: list[tuple[float, str]]
) -> Iterator[tuple[str, str, float]]:
    """What one invocation tells: its lines, each with when it was written."""
    reports = ((written, report) for written, text in lines if (report := _REPORT.match(text)))
    for written, report in reports:
        started = written - float(report["ms"]) / 1000
        for entry in _entries(lines):
            said = _LINE.match(entry["message"])
            if said and (function := _WORKERS.get((service, said["done"]))):
                id_ = entry["event_id"].rpartition(".")[0]
                done = datetime.fromisoformat(entry["timestamp"]).timestamp()
                yield id_, f"{said['event']} {function} starts", started
                yield id_, f"{said['event']} {function} done", done


def _entries(lines: list[tuple[float, str]]) -> Iterator[dict[str, str]]:
    """The lines that functions log: neither the platform's, nor metrics."""
    for _, text in lines:
        if text.startswith("{") and "message" in (entry := json.loads(text)):
            yield entry
