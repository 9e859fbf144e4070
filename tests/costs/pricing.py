"""Prices of invocations: calls, units, log lines and computing time, by prices.toml."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.costs.capacity import Units
from tests.costs.meter import Call, Run
from tools.template import template

PRICES: Final[Mapping[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "prices.toml").read_text()
)
_MILLION: Final = 1_000_000
_GB: Final = 1_000_000_000
_QUEUES: Final = ("OrdersCheckout", "NotificationsWorker")


@dataclass(frozen=True)
class Cost:
    """A line of the bill: the quantity for one order, and USD for a million."""

    what: str
    quantity: float
    unit: str
    usd: float


def bill(runs: Sequence[Run], orders: int) -> list[Cost]:
    """The cost of an order, from the invocations of so many, without what no design changes."""
    costs = [*_dynamodb(runs), *_lambda(runs), *_messages(runs), *_logs(runs, orders)]
    costs.append(_traces(orders))
    return [Cost(c.what, c.quantity / orders, c.unit, c.usd / orders) for c in costs]


def beside(runs: Sequence[Run], orders: int) -> list[Cost]:
    """What the bill leaves out: what every design costs, and the payment provider's own part."""
    prices = PRICES["apart"]
    emails = len([c for c in _calls(runs) if c.service == "sesv2"])
    payments = sum((c.units for c in _calls(runs) if c.is_payment), Units())
    gateway = prices["gateway_rest_requests_per_million"]
    ses = emails * prices["ses_emails_per_thousand"] * 1000
    return [
        Cost("API Gateway, REST", 1, "request", gateway),
        Cost("SES", emails / orders, "e-mails", ses / orders),
        Cost(
            "the sandbox payment provider's own ledger",
            payments.write / orders,
            "WRU",
            payments.write / orders * PRICES["dynamodb"]["write_units_per_million"],
        ),
    ]


def _calls(runs: Sequence[Run]) -> Iterator[Call]:
    for run in runs:
        yield from run.calls


def _dynamodb(runs: Sequence[Run]) -> Iterator[Cost]:
    units = sum((c.units for c in _calls(runs) if not c.is_payment), Units())
    prices = PRICES["dynamodb"]
    written, indexed = units.written, sum(units.indexes.values())
    per_write = prices["write_units_per_million"]
    yield Cost("DynamoDB, written to tables", written, "WRU", written * per_write)
    yield Cost("DynamoDB, written to indexes", indexed, "WRU", indexed * per_write)
    yield Cost("DynamoDB, read", units.read, "RRU", units.read * prices["read_units_per_million"])


def _lambda(runs: Sequence[Run]) -> Iterator[Cost]:
    prices = PRICES["lambda"]
    per_request = prices["requests_per_million"]
    yield Cost("Lambda, requests", len(runs), "requests", len(runs) * per_request)
    gb_seconds = sum(duration_ms(run) / 1000 * memory_mb(run.function) / 1024 for run in runs)
    usd = gb_seconds * prices["gb_second_arm64"] * _MILLION
    yield Cost("Lambda, time", gb_seconds, "GB-s", usd)


def duration_ms(run: Run) -> float:
    """An invocation's computing time on its share of a processor, and its waiting for responses."""
    assumed: Mapping[str, float] = PRICES["assumptions"]
    share = min(1, memory_mb(run.function) / assumed["vcpu_memory_mb"])
    cpu = run.cpu_seconds * 1000 + len(run.calls) * assumed["cpu_per_call_ms"]
    waiting = sum(answer_ms(call.service, call.operation) for call in run.calls) + sum(
        map(duration_ms, run.called)
    )
    return max(assumed["smallest_duration_ms"], cpu / share + waiting)


def answer_ms(service: str, operation: str) -> float:
    """The assumed waiting for a response."""
    if service == "dynamodb":
        is_write = operation in ("PutItem", "UpdateItem", "DeleteItem")
        kind = "write" if is_write else "read"
        name = f"dynamodb_{'transaction' if operation == 'TransactWriteItems' else kind}_ms"
    else:
        name = {"lambda": "lambda_invoke_ms", "sns": "sns_ms", "sesv2": "ses_ms"}[service]
    return float(PRICES["assumptions"][name])


def memory_mb(function: str) -> int:
    """By the template."""
    declared = template()["Resources"][function]["Properties"]
    return int(declared.get("MemorySize", template()["Globals"]["Function"]["MemorySize"]))


def _messages(runs: Sequence[Run]) -> Iterator[Cost]:
    published = len([c for c in _calls(runs) if c.service == "sns"])
    usd = published * PRICES["sns"]["publishes_per_million"]
    yield Cost("SNS, published", published, "requests", usd)
    batches = [run for run in runs if run.function in _QUEUES]
    brought = sum(run.records for run in batches)
    polled = len(batches) * PRICES["assumptions"]["poller_requests_per_batch"]
    per_request = PRICES["sqs"]["requests_per_million"]
    yield Cost("SQS, brought by SNS", brought, "requests", brought * per_request)
    yield Cost("SQS, received and deleted by Lambda", polled, "requests", polled * per_request)


def _logs(runs: Sequence[Run], orders: int) -> Iterator[Cost]:
    assumed, per_byte = PRICES["assumptions"], PRICES["logs"]["collected_per_gb"] / _GB
    overhead = assumed["log_event_overhead_bytes"]
    lines = [line for run in runs for line in run.lines]
    said = sum(len(line.encode()) + overhead for line in lines)
    said += orders * (assumed["access_log_bytes"] + overhead)
    yield Cost("CloudWatch, lines of functions and API", said, "bytes", said * per_byte * _MILLION)
    # Lambda's own lines of an invocation that went well are of level INFO.
    logging = template()["Globals"]["Function"].get("LoggingConfig", {})
    is_written = logging.get("SystemLogLevel", "INFO") in ("DEBUG", "INFO")
    platform = assumed["platform_log_bytes"] + assumed["platform_log_events"] * overhead
    written = len(runs) * platform if is_written else 0
    usd = written * per_byte * _MILLION
    yield Cost("CloudWatch, Lambda's own lines", written, "bytes", usd)


def _traces(orders: int) -> Cost:
    traced = orders * PRICES["assumptions"]["traced_share"]
    return Cost("X-Ray", traced, "traces", traced * PRICES["xray"]["traces_per_million"])
