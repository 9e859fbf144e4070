"""How often a second each key can be taken, what breaks first, and the quotas that rates need: all
from recorded calls."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.report import Table
from tests.costs import flows, keys
from tests.costs.keys import KeyedShop, Share
from tests.costs.meter import Call, Run, opened_as
from tools.template import template

RATES: Final = (100, 1_000, 10_000)
# Flows whose rate has no end by itself.
_FLOWS: Final = ("log in", "refresh own tokens", "see a product", "list the newest products")
_QUOTAS: Final[Mapping[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "quotas.toml").read_text()
)
_ASSUMED: Final[Mapping[str, float]] = tomllib.loads(
    (Path(keys.__file__).parent / "prices.toml").read_text()
)["assumptions"]
# An answer of the payment provider takes as long in tests/simulation/timed.py.
_PROVIDER_MS: Final = 300
_WAITS: Final = {"lambda": "lambda_invoke_ms", "sns": "sns_ms", "sesv2": "ses_ms", "sqs": "sqs_ms"}


def tables(shards: int) -> list[Table]:
    """The ceilings with so many shards, and the quotas that each rate needs."""
    one = _shares(1, _FLOWS)
    two = {share.key: share.values for share in _shares(2, ()) if share.is_of_all}
    rows = sorted(
        (_spread(share, two.get(share.key, share.values), shards) for share in one),
        key=lambda row: (row[0].flow != keys.ORDER, row[0].flow, row[1]),
    )
    return [_ceilings(rows, shards), _quotas()]


def _shares(shards: int, names: Sequence[str]) -> list[Share]:
    found = keys.shares(keys.recorded(shards, names))
    return [share for share in found if share.is_of_all or share.load.writes]


def _spread(share: Share, values_of_two: int, shards: int) -> tuple[Share, float, int]:
    """The share, its ceiling with so many shards, and over how many values it is spread then. Each
    shard adds as many values as the second one did."""
    values = share.values + (shards - 1) * max(0, values_of_two - share.values)
    return share, share.load.ceiling * values / share.values, values


def _ceilings(rows: Sequence[tuple[Share, float, int]], shards: int) -> Table:
    return Table(
        f"Ceilings of single keys with Shards = {shards}",
        ("flow", "key", "of", "WRU for all", "RRU for all", "values", "a second"),
        tuple(
            (
                share.flow,
                str(share.key),
                "all" if share.is_of_all else "one",
                f"{share.load.writes * share.values:.3g}",
                f"{share.load.reads * share.values:.3g}",
                str(values),
                f"{ceiling:,.0f}",
            )
            for share, ceiling, values in rows
        ),
        "A partition takes 1,000 write units and 3,000 read units a second. `all`: every run of the"
        " flow takes of it; `one`: those of one product, or of one customer. Conflicts of"
        " transactions, bursts and splits for heat are left out.",
    )


def _quotas() -> Table:
    with opened_as(KeyedShop) as shop:
        shop.place()
        flows.bring_to_emails(shop)
        shop.forget()
        before = len(shop.cloud.published)
        shop.place()
        flows.bring_to_emails(shop)
        order = list(_of_order(shop, len(shop.cloud.published) - before))
    rates = [f"{rate:,}/s" for rate in RATES]
    return Table(
        "What orders need at rates",
        ("", "for one", *rates, "by default", "source"),
        tuple(
            (
                what,
                f"{each:.3g}",
                *(_needed(rate * each, _QUOTAS[quota]["limit"]) for rate in RATES),
                f"{_QUOTAS[quota]['limit']:,}",
                _QUOTAS[quota]["source"] + ("" if _QUOTAS[quota]["seen"] else " (not compared)"),
            )
            for what, each, quota in order
        ),
        "Bold: more than the default. An invocation waits for its responses and computes as"
        " tests/costs/prices.toml assumes, and waits 0.3 s for each answer of the payment provider."
        " Of one order of one line; reads of the catalogue come on top.",
    )


def _needed(figure: float, limit: float) -> str:
    text = f"{figure:,.0f}"
    return f"**{text}**" if figure > limit else text


def _of_order(shop: KeyedShop, published: int) -> Iterator[tuple[str, float, str]]:
    """What one order takes: the quantity, and its quota."""
    waited: dict[str, float] = defaultdict(float)
    for run in shop.runs:
        waited[run.function] += _seconds(run)
    yield "requests of the API", 1, "api_requests"
    yield "Lambda, all functions at once", sum(waited.values()), "lambda_concurrency"
    for function, quota in (
        ("OrdersCheckout", "queue_readers"),
        ("NotificationsWorker", "queue_readers"),
    ):
        yield f"{function} at once", waited[function], quota
    written: dict[str, float] = defaultdict(float)
    for key, load in shop.taken.items():
        written[f"{key.table} {key.index_name}".strip()] += load.writes
    for name, units in sorted(written.items()):
        if units:
            yield f"write units, {name}", units, "table_writes"
    yield "messages published", published, "published"
    emails = sum(call.service == "sesv2" for call in shop.calls)
    yield "e-mails", emails, "emails"


def _seconds(run: Run) -> float:
    """How long an invocation takes."""
    declared = template()["Resources"][run.function]["Properties"]
    memory = int(declared.get("MemorySize", template()["Globals"]["Function"]["MemorySize"]))
    cpu = _ASSUMED["cpu_per_invocation_ms"] + len(run.calls) * _ASSUMED["cpu_per_call_ms"]
    computing = cpu / min(1, memory / _ASSUMED["vcpu_memory_mb"])
    waiting = sum(map(_waited_ms, run.calls)) + sum(_seconds(one) * 1000 for one in run.called)
    return float(computing + waiting) / 1000


def _waited_ms(call: Call) -> float:
    if call.is_payment:
        return _PROVIDER_MS
    if call.service != "dynamodb":
        return _ASSUMED.get(_WAITS.get(call.service, ""), 10)
    is_transaction = call.operation == "TransactWriteItems"
    is_read = call.operation in ("GetItem", "BatchGetItem", "Query")
    return _ASSUMED[
        f"dynamodb_{'transaction' if is_transaction else 'read' if is_read else 'write'}_ms"
    ]
