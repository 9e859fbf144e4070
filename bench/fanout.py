"""How long an order's e-mails take, on the emulator, deployed as by `make run`.

The client times its own requests; the emulator notes when each e-mail was handed over.
"""

import re
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import httpx

from bench.report import Progress, Table
from tools.local.places import APP_PYTHON, ROOT
from tools.local.processes import free_port
from tools.local.shop import Shop
from tools.progress import Problem
from tools.seed.__main__ import ADMIN, PASSWORD

TITLE: Final = "From the order to the e-mail"

_WARMING: Final = 12
_ORDERS: Final = 40
_CLIENTS: Final = 4
_GIVE_UP_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.1
# The throttle of the template is for customers.
_PARAMETERS: Final = {"ThrottleRate": "2000", "ThrottleBurst": "4000"}
_SUBJECTS: Final = {
    "We have received your order": "received",
    "Your order is confirmed": "confirmed",
}
_ORDER: Final = re.compile(r"^Order (?P<id>\w+)$", re.MULTILINE)
_SPANS: Final = (
    ("request → 201", "requested", "answered"),
    ("request → first e-mail (order received)", "requested", "received"),
    ("201 → first e-mail", "answered", "received"),
    ("request → second e-mail (order confirmed)", "requested", "confirmed"),
    ("201 → second e-mail", "answered", "confirmed"),
)

type Moments = dict[str, float]
"""Seconds since 1970 of what happened to one order."""


@dataclass
class _Buyers:
    """Place orders and note the moments; client and emulator have the same clock."""

    shop: Shop
    http: httpx.Client
    products: list[str]
    orders: dict[str, Moments] = field(default_factory=dict)
    retries: int = 0

    def order(self, number: int = 0) -> str:
        """Place an order, with the same key until it is taken; returns its id."""
        product = self.products[number % len(self.products)]
        body = {"items": [{"product_id": product, "quantity": 1}]}
        key = {"Idempotency-Key": uuid.uuid4().hex}
        requested = time.time()
        while True:
            answer = self.http.post("/api/v1/orders", json=body, headers=key)
            if answer.status_code == 201:
                id_: str = answer.json()["id"]
                self.orders[id_] = {"requested": requested, "answered": time.time()}
                return id_
            if time.time() - requested > _GIVE_UP_SECONDS:
                raise Problem(f"An order was not taken: {answer.status_code} {answer.text}")
            self.retries += 1
            time.sleep(float(answer.headers.get("Retry-After", "1")))

    def one_by_one(self, number: int) -> list[Moments]:
        """Each after the e-mails of the one before."""
        return [moments for _ in range(number) for moments in self._mailed([self.order()])]

    def at_once(self, number: int) -> list[Moments]:
        with ThreadPoolExecutor(_CLIENTS) as pool:
            return self._mailed(list(pool.map(self.order, range(number))))

    def _mailed(self, ids: list[str]) -> list[Moments]:
        """The moments of these orders, once all their e-mails are handed over."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while True:
            emails = _emails(self.shop)
            found = [self.orders[id_] | emails.get(id_, {}) for id_ in ids]
            if all(moments.keys() >= set(_SUBJECTS.values()) for moments in found):
                return found
            if time.monotonic() > deadline:
                raise Problem(f"An order's e-mails did not come within {_GIVE_UP_SECONDS:.0f} s.")
            time.sleep(_PAUSE_SECONDS)


def _emails(shop: Shop) -> dict[str, Moments]:
    """When each e-mail was handed over, by order."""
    url = f"{shop.endpoint}/_ministack/ses/messages"
    found: dict[str, Moments] = {}
    for messages in httpx.get(url, timeout=30).json()["messages"].values():
        for sent in messages:
            order = _ORDER.search(sent["BodyText"])
            if order and sent["Subject"] in _SUBJECTS:
                moments = found.setdefault(order["id"], {})
                moments[_SUBJECTS[sent["Subject"]]] = float(sent["Timestamp"])
    return found


@contextmanager
def _buying(shop: Shop) -> Iterator[_Buyers]:
    """The seed's admin as a customer, and products that do not run low."""
    command = (APP_PYTHON, "-m", "tools.seed", "--url", shop.url)
    seeded = subprocess.run(
        command, cwd=ROOT, env=shop.environment, capture_output=True, text=True, check=False
    )
    if seeded.returncode:
        raise Problem(f"The shop could not be seeded: {seeded.stderr.strip()}")
    limits = httpx.Limits(max_connections=_CLIENTS)
    with httpx.Client(base_url=shop.url, timeout=60, limits=limits) as http:
        login = http.post("/api/v1/auth/login", json={"email": ADMIN, "password": PASSWORD})
        http.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        product = {"name": "Mug", "price": "10.00", "category": "bench", "stock": 10_000}
        added = [http.post("/api/v1/products", json=product) for _ in range(_CLIENTS)]
        yield _Buyers(shop, http, [answer.json()["id"] for answer in added])


def measure(progress: Progress) -> list[Table]:
    """Order from a shop of its own: one order after another, and many at once."""
    with tempfile.TemporaryDirectory(prefix="bodega-fanout-") as folder:
        shop = Shop(free_port(), Path(folder), parameters=_PARAMETERS)
        with shop.running(), _buying(shop) as buyers:
            with progress("warming"):
                buyers.at_once(_WARMING)
            buyers.retries = 0
            with progress(f"{_ORDERS} orders"):
                alone = buyers.one_by_one(_ORDERS)
            with progress(f"{_ORDERS} orders at once"):
                burst = buyers.at_once(_ORDERS)
    return [_table(alone, burst, buyers.retries)]


def _table(alone: list[Moments], burst: list[Moments], retries: int) -> Table:
    throughput = len(burst) / (
        max(moments["confirmed"] for moments in burst)
        - min(moments["requested"] for moments in burst)
    )
    return Table(
        "An order's e-mails, in milliseconds",
        ("", "p50", "p99", "slowest", "at once: p50", "p99", "slowest"),
        tuple(
            (label, *figures(alone, start, end), *figures(burst, start, end))
            for label, start, end in _SPANS
        ),
        f"{_ORDERS} orders, each placed after the e-mails of the one before; then {_ORDERS} by"
        f" {_CLIENTS} clients at once, with {retries} retries: {throughput:.1f} orders a second to"
        " their last e-mail. The whole shop and its clients share this machine's processors: the"
        " second columns show how it queues, not how Lambda scales.",
    )


def figures(orders: Sequence[Mapping[str, float]], start: str, end: str) -> tuple[str, str, str]:
    """The median, the 99th percentile and the slowest, in milliseconds."""
    took = [1000 * (moments[end] - moments[start]) for moments in orders]
    last = quantiles(took, n=100, method="inclusive")[98]
    return f"{median(took):.0f}", f"{last:.0f}", f"{max(took):.0f}"
