"""`python -m tests.costs`, a part of `make bench`: writes docs/costs.md."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.report import Table, mark, markdown
from tests.costs import flows
from tests.costs.capacity import Units
from tests.costs.meter import Call, MeteredShop, Run, opened
from tools.local.places import ROOT
from tools.progress import step
from tools.template import template

_TARGET = ROOT / "docs/costs.md"
_HEAD = """\
# What an order costs

Written by `make bench`. Calls and request units are counted on the simulated cloud of the
tests, where the code runs from the Lambda entry to botocore's wire.
"""
_PRICES: Final[Mapping[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "prices.toml").read_text()
)
_ASSUMED: Final[Mapping[str, float]] = _PRICES["assumptions"]
_ITEMS: Final = 1_000
_MOST_USD: Final = 25
_MILLION: Final = 1_000_000
_QUEUES: Final = ("OrdersCheckout", "NotificationsWorker")


def _order(shop: MeteredShop) -> list[Table]:
    """The calls of one order, and the price of a million."""
    shop.forget()
    shop.place()
    flows.bring_to_emails(shop)
    total = sum((call.units for call in shop.calls), Units())
    calls = Table(
        "Calls of an order of one line",
        ("", "call", "WRU, table", "WRU, indexes", "RRU"),
        (
            *(
                (str(number), f"{'  ' * call.depth}{call}", *_units(call.units))
                for number, call in enumerate(shop.calls, start=1)
            ),
            ("", f"{len(shop.calls)} calls", *_units(total)),
        ),
        "All functions are warm. Request units follow from DynamoDB's documented rules and the"
        " items before and after (tests/costs/capacity.py): no emulator reports true capacity.",
    )
    return [calls, _price(shop.runs)]


def _units(units: Units) -> tuple[str, str, str]:
    figures = units.written, sum(units.indexes.values()), units.read
    written, indexed, read = (f"{figure:g}" if figure else "" for figure in figures)
    return written, indexed, read


def _price(runs: Sequence[Run]) -> Table:
    costs = [(what, each, unit, each * per) for what, each, unit, per in _bill(runs)]
    total = sum(usd for *_, usd in costs)
    return Table(
        "A million orders of one line, in USD (eu-west-1, on demand)",
        ("", "for one order", "for a million"),
        (
            *((what, f"{each:.4g} {unit}", f"{usd:.2f}") for what, each, unit, usd in costs),
            ("**total**", "", f"**{total:.2f}**"),
            (f"goal: ≤ {_MOST_USD}", "", mark(total, _MOST_USD)),
        ),
        "Not included: API Gateway, SES and the sandbox payment provider's own ledger. Orders that"
        " come at once share batches, which costs less. Prices and assumptions are those of"
        " tests/costs/prices.toml. The duration of an invocation is its assumed computing time, on"
        " the share of a processor that its memory size buys, and the assumed waiting for each"
        " response.",
    )


def _bill(runs: Sequence[Run]) -> Iterator[tuple[str, float, str, float]]:
    """What one order uses: the quantity, its unit, and the price of a million units."""
    calls = [call for run in runs for call in run.calls]
    units = sum((call.units for call in calls if not call.is_payment), Units())
    per_write = _PRICES["dynamodb"]["write_units_per_million"]
    yield "DynamoDB, written to tables", units.written, "WRU", per_write
    yield "DynamoDB, written to indexes", sum(units.indexes.values()), "WRU", per_write
    yield "DynamoDB, read", units.read, "RRU", _PRICES["dynamodb"]["read_units_per_million"]
    yield "Lambda, requests", len(runs), "requests", _PRICES["lambda"]["requests_per_million"]
    gb_seconds = sum(_duration_ms(run) / 1000 * _memory_mb(run.function) / 1024 for run in runs)
    yield "Lambda, time", gb_seconds, "GB-s", _PRICES["lambda"]["gb_second_arm64"] * _MILLION
    published = len([call for call in calls if call.service == "sns"])
    yield "SNS, published", published, "requests", _PRICES["sns"]["publishes_per_million"]
    batches = [run.records for run in runs if run.function in _QUEUES]
    per_request = _PRICES["sqs"]["requests_per_million"]
    yield "SQS, sent by SNS and workers", sum(batches), "requests", per_request
    polled = len(batches) * _ASSUMED["poller_requests_per_batch"]
    yield "SQS, received and deleted by Lambda", polled, "requests", per_request
    logged = [len(line.encode()) for run in runs for line in run.lines]
    logged.append(int(_ASSUMED["access_log_bytes"]))
    kilobytes = (sum(logged) + len(logged) * _ASSUMED["log_event_overhead_bytes"]) / 1000
    yield "CloudWatch, log lines", kilobytes, "KB", _PRICES["logs"]["collected_per_gb"]
    yield "X-Ray", _ASSUMED["traced_share"], "traces", _PRICES["xray"]["traces_per_million"]


def _duration_ms(run: Run) -> float:
    """An invocation's computing time on its share of a processor, and its waiting for responses."""
    share = min(1, _memory_mb(run.function) / _ASSUMED["vcpu_memory_mb"])
    cpu = _ASSUMED["cpu_per_invocation_ms"] + len(run.calls) * _ASSUMED["cpu_per_call_ms"]
    waiting = sum(map(_response_ms, run.calls)) + sum(map(_duration_ms, run.called))
    return max(_ASSUMED["smallest_duration_ms"], cpu / share + waiting)


def _response_ms(call: Call) -> float:
    """The assumed waiting for a response."""
    names = {"lambda": "lambda_invoke_ms", "sns": "sns_ms", "sesv2": "ses_ms", "sqs": "sqs_ms"}
    if call.service == "dynamodb":
        kinds = {"TransactWriteItems": "transaction"}
        kinds |= dict.fromkeys(("PutItem", "UpdateItem", "DeleteItem"), "write")
        return _ASSUMED[f"dynamodb_{kinds.get(call.operation, 'read')}_ms"]
    return _ASSUMED[names[call.service]]


def _memory_mb(function: str) -> int:
    """By the template."""
    declared = template()["Resources"][function]["Properties"]
    return int(declared.get("MemorySize", template()["Globals"]["Function"]["MemorySize"]))


def _flows(shop: MeteredShop) -> Table:
    costs = {name: flows.cost_of(shop, flow) for name, flow in flows.FLOWS.items()}
    return Table(
        "Calls and request units of each flow",
        ("flow", "calls", "WRU", "RRU"),
        tuple(
            (n, str(c), f"{units.write:g}", f"{units.read:g}") for n, (c, units) in costs.items()
        ),
        f"Indexes included, with {_ITEMS:,} items of each kind in the tables."
        " tests/costs/test_volume.py holds that it is the same with fewer, except for"
        " the search by a common word, which reads up to 1,000 products with the word and then"
        " an index of the list's order.",
    )


def main() -> None:
    with step("calls and prices"), opened() as shop:
        order = _order(shop)
        shop.fill(_ITEMS // 2)
        every = _flows(shop)
    sections = markdown("One order", order), markdown("Every flow", [every])
    _TARGET.write_text("\n".join((_HEAD, *sections)))


if __name__ == "__main__":
    main()
