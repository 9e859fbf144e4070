"""`make bill`: what a shop costs a month, from recorded calls, a profile of its customers, and
prices.toml."""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.report import mark
from tests.costs import capacity, catalogue, flows, pricing, usage
from tests.costs.flows import Flow
from tests.costs.meter import Exchange, MeteredShop, Run, opened
from tests.costs.pricing import GIGABYTE, RULES, SECONDS, Quantities
from tests.costs.profile import PROFILE, Profile
from tests.outages.alarms import Metric
from tests.simulation.resources import SCHEDULES, SWEEPERS, WORKERS
from tools.intrinsics import is_made, meets_condition
from tools.local.arguments import Parser
from tools.progress import exit_code, step
from tools.template import resources, template

ORDERS: Final = (0, 1_000, 100_000, 1_000_000)
# The most USD a month for so many orders, beside payments.
GOALS: Final[Mapping[int, float]] = {0: 4, 1_000: 6, 100_000: 75, 1_000_000: 450}
_LISTS: Final = (
    {"sort": "newest"},
    {"category": "tests", "sort": "price"},
    {"q": "mug"},
)
_ROWS: Final = (
    "keys",
    "polls of idle queues",
    "alarms",
    "sweepers",
    "orders, with gateway",
    "catalogue",
    "CDN",
    "log-ins and refreshes",
    "e-mails",
    "metrics",
    "X-Ray",
    "logs",
    "data out",
    "tables, a month's",
    "firewall",
)
_RECONCILER: Final = "OperationsReconciler"
_YEAR: Final = 12
_MOST_ORDERS: Final = 1_000_000_000
# 1000000, 1,000,000 or 1_000_000.
_NUMBER: Final = re.compile(r"[0-9]{1,15}|[0-9]{1,3}(?:([,_])[0-9]{3}(?:\1[0-9]{3}){0,4})")


@dataclass
class Recorded:
    """What a flow did.

    Attributes:
        stored: GB of tables after a month of it, once a month; `kept` after a year.
    """

    runs: Sequence[Run]
    exchanges: Sequence[Exchange]
    stored: float = 0
    kept: float = 0


@dataclass
class Month:
    """What a month uses.

    Attributes:
        rows: the rows of the table.
        metrics: how often each is written.
        methods: the API's requests, by method.
        samples: runs for which Lambda itself decides if they are traced, by function.
        kept: the GB that a year of such months leaves in the tables.
        hits: the requests that the CDN answers.
    """

    rows: dict[str, Quantities] = field(default_factory=dict)
    metrics: dict[Metric, float] = field(default_factory=lambda: defaultdict(float))
    methods: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    samples: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    kept: float = 0
    hits: float = 0

    def use(self, row: str, quantities: Quantities) -> None:
        """Add quantities to a row."""
        self.rows[row] = pricing.added(self.rows.get(row, {}), quantities)

    def happen(self, row: str, flow: Recorded, times: float) -> None:
        """Add so many times what a flow did."""
        found = pricing.added(usage.of_runs(flow.runs), usage.of_exchanges(flow.exchanges))
        used = pricing.multiplied(found, times)
        self.use("e-mails", {"email": used.pop("email", 0)})
        self.use("data out", {"data_out_gb": used.pop("data_out_gb", 0)})
        self.use(row, used)
        logs = usage.of_logs(flow.runs, flow.exchanges)
        self.use("logs", pricing.multiplied(logs, times))
        stored = flow.stored * times
        self.use("tables, a month's", {"table_gb": stored, "backup_gb": stored})
        self.kept += flow.kept * times
        for run in flow.runs:
            for metric in usage.metrics_of(run):
                self.metrics[metric] += times
            if usage.is_sampled_by_lambda(run):
                self.samples[run.function] += times
        for exchange in flow.exchanges:
            self.methods[exchange.method] += times

    def deliver(self, flow: Recorded, times: float) -> None:
        """Add so many times what the CDN delivers of it without the API."""
        size = usage.of_exchanges(flow.exchanges)["data_out_gb"] * times
        self.use("data out", {"data_out_gb": size})
        self.hits += len(flow.exchanges) * times

    def pass_through_cdn(self) -> None:
        """All requests come through the CDN, and all responses leave through it."""
        requests = sum(self.methods.values()) + self.hits
        used = {"cdn_request": requests, "cdn_function": requests, "secret": 1}
        self.use("CDN", used)
        size = self.rows["data out"]["data_out_gb"]
        self.rows["data out"] = {"cdn_out_gb": size}

    def close(self) -> None:
        """Add what depends on all that happened."""
        written = sum(map(pricing.metric_months, self.metrics.values()))
        [api] = resources("AWS::Serverless::Api").values()
        if any(settings.get("MetricsEnabled") for settings in api["MethodSettings"]):
            of_methods = sum(map(pricing.metric_months, self.methods.values()))
            written += RULES["api_metrics_per_method"] * of_methods
        self.use("metrics", {"metric": written})
        share, reservoir = usage.traced_share()
        traces = pricing.traces(sum(self.methods.values()), share=share, reservoir=reservoir)
        for runs in self.samples.values():
            traces += pricing.traces(runs, share=RULES["default_share"], reservoir=1)
        self.use("X-Ray", {"trace": traces})

    @property
    def usd(self) -> float:
        return sum(map(pricing.total, self.rows.values()))

    @property
    def usd_of_a_year(self) -> float:
        """What the orders of a year, in its last month, cost more than those of a month."""
        year = pricing.total({"table_gb": self.kept, "backup_gb": self.kept})
        return year - pricing.total(self.rows["tables, a month's"])


def recorded(shop: MeteredShop, flow: Flow) -> Recorded:
    """What a flow does, after its preparation."""
    steps = flow(shop)
    next(steps)
    shop.forget()
    before = _stored(shop)
    next(steps, None)
    after = _stored(shop)
    months = [
        (size, min(_YEAR, left / 86_400 / RULES["days_in_month"]))
        for key, (size, left) in after.items()
        if key not in before
    ]
    months += [(after[key][0] - size, _YEAR) for key, (size, _) in before.items() if key in after]
    return Recorded(
        list(shop.runs),
        list(shop.exchanges),
        sum(size * min(1, life) for size, life in months) / GIGABYTE,
        sum(size * life for size, life in months) / GIGABYTE,
    )


def _stored(shop: MeteredShop) -> dict[tuple[str, object], tuple[float, float]]:
    """The size of each stored item, with its entries in indexes, and for how many seconds it
    stays."""
    found: dict[tuple[str, object], tuple[float, float]] = {}
    for name, table in shop.cloud.dynamodb.tables.items():
        definition = table.definition
        for key, item in table.items.items():
            entries = (
                capacity.entry(definition, index, item)
                for index in definition.get("GlobalSecondaryIndexes", ())
            )
            sizes = [capacity.size(one) for one in (item, *entries) if one is not None]
            left = float(item["ttl"]["N"]) - shop.cloud.now() if "ttl" in item else SECONDS * _YEAR
            found[name, key] = sum(sizes) + len(sizes) * RULES["item_bytes"], left
    return found


def order(products: Sequence[Mapping[str, Any]], *, at_once: int = 1) -> Flow:
    """Orders of one of each product, placed before any relay and any queue goes on, and brought to
    their e-mails."""

    def act(shop: MeteredShop) -> None:
        wanted = [(dict(one), 1) for one in products]
        placed = [
            shop.customer.order(*wanted, key=shop.new_key(), **shop.payment) for _ in range(at_once)
        ]
        shop.settle_by_lanes()
        for one in placed:
            shop.report(one)
        shop.settle_by_lanes()
        shop.pass_time(timedelta(seconds=6))
        shop.settle_by_lanes()

    def flow(shop: MeteredShop) -> Iterator[None]:
        flows.bring_to_emails(shop)
        act(shop)
        yield
        act(shop)

    return flow


def _see(path: str, query: Mapping[str, str]) -> Flow:
    def flow(shop: MeteredShop) -> Iterator[None]:
        answer = shop.anyone.get(path, params=query)
        assert answer.is_success, answer.text
        yield
        shop.anyone.get(path, params=query)

    return flow


type Recordings = Mapping[str, Sequence[Recorded]]


def record(shop: MeteredShop, profile: Profile) -> Recordings:
    """What each part of the profile does; of several flows each has the same share."""
    products = catalogue.add_products(shop, profile.products, length=profile.description)
    shop.come_to_rest()
    see = partial(recorded, shop)
    return {
        "order": [see(order(products[: profile.lines]))],
        "read": [see(_see(f"/api/v1/products/{products[0]['id']}", {}))],
        "list": [see(_see("/api/v1/products", query)) for query in _LISTS],
        "log-in": [see(flows.FLOWS["log in"])],
        "refresh": [see(flows.FLOWS["refresh own tokens"])],
        "shipment": [see(flows.FLOWS["ship an order"]), see(flows.FLOWS["notify of a shipment"])],
        **{
            name: [
                see(
                    flows.FLOWS[f"sweep {name.removesuffix('Sweeper').lower()}, with nothing to do"]
                )
            ]
            for name in SWEEPERS
        },
        _RECONCILER: [see(flows.FLOWS["sweep ten recent orders for disagreements"])],
    }


def month(recordings: Recordings, profile: Profile, orders: int) -> Month:
    """A month with so many orders."""
    if profile.cdn == "auto":
        both = (month(recordings, replace(profile, cdn=cdn), orders) for cdn in (False, True))
        return min(both, key=lambda made: made.usd)
    made = Month()
    made.use("keys", {"key": sum(map(is_made, resources("AWS::KMS::Key")))})
    made.use("polls of idle queues", {"sqs_request": pricing.polls(len(WORKERS))})
    made.use("alarms", monitoring(profile))
    for name, minutes in SCHEDULES.items():
        [sweep] = recordings[name]
        # Each order is compared on two days.
        tens = 2 * orders / 10 if name == _RECONCILER else 0
        made.happen("sweepers", sweep, SECONDS / 60 / minutes + tens)
    parts: tuple[tuple[str, str, float], ...] = (
        ("orders, with gateway", "order", 1),
        ("orders, with gateway", "shipment", profile.shipments),
        ("catalogue", "read", profile.reads),
        ("catalogue", "list", profile.lists),
        ("log-ins and refreshes", "log-in", profile.log_ins),
        ("log-ins and refreshes", "refresh", profile.refreshes),
    )
    for row, part, times in parts:
        found = recordings[part]
        # A shipment is both of its flows.
        share = 1 if part == "shipment" else len(found)
        happened = orders * times
        hits = _hits(part, happened, profile)
        for one in found:
            made.happen(row, one, happened * (1 - hits) / share)
            made.deliver(one, happened * hits / share)
    if profile.cdn:
        made.pass_through_cdn()
    if profile.firewall:
        rules = usage.firewall_rules(behind_cdn=bool(profile.cdn))
        requests = sum(made.methods.values())
        used = {"firewall": 1, "firewall_rule": rules, "firewall_request": requests}
        made.use("firewall", used)
    made.close()
    return made


def monitoring(profile: Profile) -> Quantities:
    """The alarms, incidents and dashboards that a deployment has."""
    parameters = {
        "Monitoring": "full" if profile.monitoring else "auto",
        "Deployments": "Canary10Percent5Minutes" if profile.gradual else "auto",
    }
    return {
        priced: sum(
            meets_condition(template()["Resources"][name], parameters)
            for name in resources(f"AWS::CloudWatch::{type_}")
        )
        for priced, type_ in (
            ("alarm", "Alarm"),
            ("incident", "CompositeAlarm"),
            ("dashboard", "Dashboard"),
        )
    }


def _hits(part: str, requests: float, profile: Profile) -> float:
    """The share of requests that the CDN answers by itself."""
    keys = {"read": profile.products, "list": profile.queries}.get(part, 0)
    if not profile.cdn or not requests or not keys:
        return 0
    seconds, caches = profile.cdn_seconds, profile.cdn_caches
    return pricing.cdn_hits(requests, keys=keys, seconds=seconds, caches=caches)


def cells(months: Mapping[int, Month]) -> Iterator[tuple[str, ...]]:
    """The rows of the table, with a cell for each number of orders."""
    for row in _ROWS:
        found = [pricing.total(made.rows.get(row, {})) for made in months.values()]
        if any(found):
            yield row, *(f"{usd:,.2f}" for usd in found)
    yield "together", *(f"{made.usd:,.2f}" for made in months.values())
    if not GOALS.keys().isdisjoint(months):
        yield (
            "goal",
            *(
                f"≤ {GOALS[orders]:g} {mark(made.usd, GOALS[orders])}" if orders in GOALS else ""
                for orders, made in months.items()
            ),
        )
    yield "tables, in month 12", *(f"{made.usd_of_a_year:+,.2f}" for made in months.values())


def lines(months: Mapping[int, Month]) -> Iterator[str]:
    """The table for a terminal: each row with the prices that it has of prices.toml."""
    heads = ("USD a month, orders:", *(f"{orders:,}" if orders else "idle" for orders in months))
    rows = [heads, *cells(months)]
    width = max(11, *(len(figure) + 2 for _, *figures in rows for figure in figures))
    for name, *figures in rows:
        used = dict.fromkeys(
            price for made in months.values() for price, n in made.rows.get(name, {}).items() if n
        )
        priced = f"  {' '.join(used)}"
        yield f"{name:<22}{''.join(f'{figure:>{width}}' for figure in figures)}{priced}".rstrip()


def numbers(text: str) -> list[int]:
    """Numbers of orders with spaces between them, for argparse; commas and underscores group the
    digits of one."""
    for word in text.split():
        if not _NUMBER.fullmatch(word):
            raise argparse.ArgumentTypeError(
                f"{word} is no number of orders: write whole numbers with spaces between them, such"
                ' as "5000 1,000,000"'
            )
    found = [int(re.sub("[,_]", "", word)) for word in text.split()]
    if max(found, default=0) > _MOST_ORDERS:
        raise argparse.ArgumentTypeError(f"a month has at most {_MOST_ORDERS:,} orders here")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = Parser(prog="make bill", description=__doc__)
    parser.add_argument(
        "--orders", default=[], type=numbers, help="a month, several with spaces between them"
    )
    parser.add_argument("--profile", default="", help="a copy of tests/costs/profile.toml")
    given = parser.parse_args(arguments)
    profile = Profile.read(Path(given.profile or PROFILE))
    orders = given.orders or ORDERS
    with step("calls of each flow"), opened() as shop:
        recordings = record(shop, profile)
    print()
    print("\n".join(lines({count: month(recordings, profile, count) for count in orders})))
    print(
        "\nWithout free tiers, taxes and payments; eu-west-1. Prices, rules and their sources:"
        " tests/costs/prices.toml.\nNext: copy tests/costs/profile.toml, and"
        " `make bill ORDERS=5000 PROFILE=…` for a shop of your own."
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
