"""How long an order's e-mail takes, on the emulator, deployed as by `make run`.

The client times its own requests; the emulator notes when each e-mail was handed over.
"""

import re
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import httpx

from bench.report import Table
from tools.local.mail import EMULATOR_PATH
from tools.local.places import APP_PYTHON, ROOT
from tools.local.processes import free_port
from tools.local.shop import Shop
from tools.progress import Problem, step
from tools.seed.__main__ import ADMIN, PASSWORD

_WARMING: Final = 12
_ORDERS: Final = 30
_GIVE_UP_SECONDS: Final = 30.0
# The throttle of the template is for customers.
_PARAMETERS: Final = {"ThrottleRate": "2000", "ThrottleBurst": "4000"}
_SUBJECT: Final = "Your order is confirmed"
_ORDER: Final = re.compile(r"^Order (?P<id>\w+)$", re.MULTILINE)
_SPANS: Final = (
    ("request → 201", "requested", "answered"),
    ("request → e-mail (order confirmed)", "requested", "confirmed"),
    ("201 → e-mail", "answered", "confirmed"),
)

type Moments = dict[str, float]
"""Seconds since 1970 of what happened to one order."""


@dataclass(frozen=True)
class _Buyer:
    """Places orders and notes the moments; client and emulator have the same clock."""

    shop: Shop
    http: httpx.Client
    product: str

    def one_by_one(self, number: int) -> list[Moments]:
        """Each after the e-mail of the one before."""
        return [self._mailed(*self._order()) for _ in range(number)]

    def _order(self) -> tuple[str, Moments]:
        """The id of a new order, and when it was requested and answered."""
        body = {"items": [{"product_id": self.product, "quantity": 1}]}
        key = {"Idempotency-Key": uuid.uuid4().hex}
        requested = time.time()
        while True:
            answer = self.http.post("/api/v1/orders", json=body, headers=key)
            if answer.status_code == 201:
                return answer.json()["id"], {"requested": requested, "answered": time.time()}
            if time.time() - requested > _GIVE_UP_SECONDS:
                raise Problem(f"An order was not taken: {answer.status_code} {answer.text}")
            time.sleep(float(answer.headers.get("Retry-After", "1")))

    def _mailed(self, order_id: str, moments: Moments) -> Moments:
        """The moments of this order, once its e-mail is handed over."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            if email := self._emails().get(order_id):
                return moments | email
            time.sleep(0.1)
        raise Problem(f"An order's e-mail did not come within {_GIVE_UP_SECONDS:.0f} s.")

    def _emails(self) -> dict[str, Moments]:
        """When each e-mail was handed over, by order."""
        url = f"{self.shop.endpoint}{EMULATOR_PATH}"
        found: dict[str, Moments] = {}
        for messages in httpx.get(url, timeout=30).json()["messages"].values():
            for sent in messages:
                order = _ORDER.search(sent["BodyText"])
                if order and sent["Subject"] == _SUBJECT:
                    found[order["id"]] = {"confirmed": float(sent["Timestamp"])}
        return found


@contextmanager
def _buying(shop: Shop) -> Iterator[_Buyer]:
    """The seed's admin as a customer, and a product that does not run low."""
    seed = (APP_PYTHON, "-m", "tools.seed", "--url", shop.url)
    subprocess.run(seed, cwd=ROOT, env=shop.environment, check=True, stdout=subprocess.DEVNULL)
    with httpx.Client(base_url=shop.url, timeout=60) as http:
        login = http.post("/api/v1/auth/login", json={"email": ADMIN, "password": PASSWORD})
        http.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        product = {"name": "Mug", "price": "10.00", "category": "bench", "stock": 10_000}
        added = http.post("/api/v1/products", json=product)
        yield _Buyer(shop, http, added.json()["id"])


def measure() -> list[Table]:
    """Order from a shop of its own, one order after another."""
    with tempfile.TemporaryDirectory(prefix="bodega-fanout-") as folder:
        shop = Shop(free_port(), Path(folder), parameters=_PARAMETERS)
        with shop.running(), _buying(shop) as buyer:
            with step("warming"):
                buyer.one_by_one(_WARMING)
            with step(f"{_ORDERS} orders"):
                orders = buyer.one_by_one(_ORDERS)
    return [
        Table(
            "An order's e-mail, in milliseconds",
            ("", "p50", "p99", "slowest"),
            tuple((label, *figures(orders, start, end)) for label, start, end in _SPANS),
            f"{_ORDERS} orders, each placed after the e-mail of the one before. The whole shop and"
            " its client share this machine's processors.",
        )
    ]


def figures(orders: Sequence[Mapping[str, float]], start: str, end: str) -> tuple[str, str, str]:
    """The median, the 99th percentile and the slowest, in milliseconds."""
    took = [1000 * (moments[end] - moments[start]) for moments in orders]
    last = quantiles(took, n=100, method="inclusive")[98]
    return f"{median(took):.0f}", f"{last:.0f}", f"{max(took):.0f}"
