"""A rush: customers arrive at a rate, whatever becomes of those before them, and each sends one
request."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from products.catalogue.repository.shares import Shares
from products.reservations.repository import DynamoReservations
from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.costs.keys import Key, Load
from tests.rush.partitions import WINDOW_SECONDS
from tests.rush.shop import RushShop
from tests.support.client import PASSWORD, RenewingClient, code
from tests.support.invariants import LOW_STOCK, breaches

# Orders a second of one product, and of one customer: few enough that neither is hot.
_OF_PRODUCT: Final = 5
_OF_CUSTOMER: Final = 100
# The time-out of the API and what its requests may wait for.
_ANSWERED_SECONDS: Final = 40


@dataclass(frozen=True)
class Rush:
    """What happens.

    Attributes:
        rate: requests a second.
        requests: their number.
        what: `orders`, each of some units of a product; `log-ins` or `refreshes`.
        shards: the template's parameter.
        is_flash: whether all orders are for one product.
        is_spread: whether that product is spread over its shares before.
        stock: the units of each product.
        units: how many of them one order is for.
        window: of what moment partitions keep the capacity that is left over, in seconds.
        readers: how many messages of each queue are handled at once; as in the template where it
            does not say.
    """

    rate: float
    requests: int
    what: str = "orders"
    shards: int = 1
    is_flash: bool = False
    is_spread: bool = False
    stock: int = 1_000_000
    units: int = 1
    window: float = WINDOW_SECONDS
    readers: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of a rush.

    Attributes:
        seconds: how long each answer took, by its status, with a problem's code.
        succeeded: when each request succeeded.
        confirmed: seconds from each order that was placed to its confirmation.
        throttled: the requests that each key refused; `conflicts`: those that met a transaction.
        waits: the longest time that a message of each queue waited for a reader.
        ages: the greatest age of events that each relay was given.
        taken: what was taken of each key.
        breaches: of the invariants, once all is over.
    """

    rush: Rush
    seconds: dict[str, list[float]] = field(default_factory=dict)
    succeeded: list[float] = field(default_factory=list)
    confirmed: list[float] = field(default_factory=list)
    throttled: Counter[Key] = field(default_factory=Counter)
    conflicts: Counter[Key] = field(default_factory=Counter)
    waits: dict[str, float] = field(default_factory=dict)
    ages: dict[str, float] = field(default_factory=dict)
    taken: dict[Key, Load] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    def share(self, status: str) -> float:
        """The share of answers that begin so."""
        found = sum(len(of) for name, of in self.seconds.items() if name.startswith(status))
        return found / self.rush.requests

    @property
    def served(self) -> float:
        """Requests a second that succeeded, from the first to the last of them."""
        lasted = max(self.succeeded, default=0) - min(self.succeeded, default=0)
        return len(self.succeeded) / lasted if lasted else 0


def play(rush: Rush) -> Outcome:
    """Let it happen in a new shop, and everything that follows of it."""
    outcome = Outcome(rush)
    with RushShop(rush.shards, rush.window) as shop:
        ask = _prepared(shop, rush)
        shop.read_queues(rush.readers)
        shop.is_limited, began = True, shop.timeline.now
        _rush(shop, outcome, ask)
        shop.is_limited = False
        outcome.throttled, outcome.conflicts = shop.throttled, shop.conflicts
        outcome.waits, outcome.ages, outcome.taken = shop.waits, shop.ages, shop.taken
        outcome.confirmed = _confirmed(shop, began)
        outcome.breaches = breaches(shop.books(), shop.witness)
        shop.timeline.end_threads()
    return outcome


def _prepared(shop: RushShop, rush: Rush) -> Callable[[int], httpx.Response]:
    """Let customers and products come; return the request of a number."""
    shop.open()
    people = 1 + int(rush.rate / _OF_CUSTOMER) if rush.what == "orders" else rush.requests
    customers = [shop.anyone.register(email=f"rush-{n}@example.com") for n in range(people)]
    number = 1 if rush.is_flash else 1 + int(rush.rate / _OF_PRODUCT)
    products = [shop.admin.add_product(name=f"Thing {n}", stock=rush.stock) for n in range(number)]
    shop.come_to_rest()
    _grow(shop, rush)
    for customer in customers:
        customer.log_in()
    if rush.is_spread:
        _spread(products[0]["id"])
    if rush.what == "orders":
        chosen = random.Random(rush.requests)
        return lambda n: customers[n % people].try_order(
            (chosen.choice(products), rush.units), key=f"rush-{n}"
        )
    return lambda n: _log_in(customers[n], is_refresh=rush.what == "refreshes")


def _spread(product_id: str) -> None:
    """Let the product have all of its shares, as it has soon after a rush has begun."""
    table = Table("ProductsTable", aws.client("dynamodb"))
    for _ in range(2):
        _, products = DynamoReservations(table).look_up("-", [product_id])
        Shares(table, threshold=LOW_STOCK).spread(products[product_id], at=datetime.now(UTC))


def _grow(shop: RushShop, rush: Rush) -> None:
    """Streams have the lanes of tables that are used to the rate."""
    shop.is_limited = True
    shop.customer.order((shop.tray, 1))
    shop.come_to_rest()
    writes: dict[str, float] = defaultdict(float)
    for key, load in shop.taken.items():
        if not key.index_name:
            writes[key.table] += load.writes * rush.rate
    shop.grow_streams(writes)
    shop.is_limited = False
    for seen in (shop.taken, shop.throttled, shop.conflicts, shop.waits, shop.ages):
        seen.clear()


def _log_in(customer: RenewingClient, *, is_refresh: bool) -> httpx.Response:
    if is_refresh:
        body = {"refresh_token": customer.refresh_token}
        return customer.http.post("/api/v1/auth/refresh", json=body)
    body = {"email": customer.user["email"], "password": PASSWORD}
    return customer.http.post("/api/v1/auth/login", json=body)


def _rush(shop: RushShop, outcome: Outcome, ask: Callable[[int], httpx.Response]) -> None:
    def send(number: int) -> None:
        begin = shop.timeline.now
        answer = ask(number)
        what = str(answer.status_code)
        if answer.is_success:
            outcome.succeeded.append(shop.timeline.now)
        else:
            is_problem = "problem" in answer.headers.get("content-type", "")
            what += f" {code(answer)}" if is_problem else ""
        outcome.seconds.setdefault(what, []).append(shop.timeline.now - begin)

    arrivals = random.Random(outcome.rush.requests)
    when = shop.timeline.now
    for number in range(outcome.rush.requests):
        when += arrivals.expovariate(outcome.rush.rate)
        shop.at(when, lambda number=number: send(number))  # type: ignore[misc]  # bound at once
    shop.run_until(when + _ANSWERED_SECONDS)
    shop.come_to_rest()


def _confirmed(shop: RushShop, since: float) -> list[float]:
    placed: dict[Any, float] = {}
    found = []
    for change in shop.cloud.dynamodb.tables["OrdersTable"].changes:
        if change.key[1] != "ORDER" or change.after is None or change.at < since:
            continue
        placed.setdefault(change.key, change.at)
        if _status(change.before) != _status(change.after) == "confirmed":
            found.append(change.at - placed[change.key])
    return found


def _status(item: Mapping[str, Any] | None) -> str:
    """Without its shard."""
    return str(item["status"]["S"]).partition("#")[0] if item else ""
