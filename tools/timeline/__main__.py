"""`make order` and `make request`: an order's or a request's timeline.

Reads the open shop on a port of this machine, or with --env a deployed shop, with this machine's
AWS credentials.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from tools.local.arguments import Parser, Where, add_where, where
from tools.progress import Problem, exit_code
from tools.timeline import stored, terminal, traces
from tools.timeline.logs import MOST_LINES, Line, Logs
from tools.timeline.rows import Row
from tools.timeline.stored import StoredOrder, Tables

_ORDER_ID: Final = re.compile(r"[0-9a-f]{32}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
# Before an order is stored its request has begun; what follows its last change ends soon after it.
_BEFORE: Final = timedelta(minutes=5)
_AFTER: Final = timedelta(minutes=15)
# A query pays for what it reads, so a request is looked for in the last hours first.
_WINDOWS: Final = (timedelta(hours=3), timedelta(days=1))
_INGESTION: Final = timedelta(seconds=15)
_REPEATED: Final = re.compile(r"(order is|refund has|return is) ")
_MOST_ORDERS: Final = 10


@dataclass
class Shop:
    """Where a timeline is read from.

    Attributes:
        untraced: why traces could not be read.
    """

    where: Where
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    untraced: str = ""

    @cached_property
    def _resources(self) -> dict[str, dict[str, str]]:
        """Real names by names in the template, by type."""
        found: dict[str, dict[str, str]] = {}
        cloudformation = self.where.client("cloudformation")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(
            StackName=self.where.stack
        )
        for resource in (one for page in pages for one in page["StackResourceSummaries"]):
            if physical := resource.get("PhysicalResourceId"):
                of_type = found.setdefault(resource["ResourceType"], {})
                of_type[resource["LogicalResourceId"]] = physical
        return found

    @cached_property
    def functions(self) -> dict[str, str]:
        """The functions' names in the template by their real names."""
        types = ("AWS::Lambda::Function", "AWS::Serverless::Function")
        made = {k: v for type_ in types for k, v in self._resources.get(type_, {}).items()}
        return {physical: name for name, physical in made.items()}

    @cached_property
    def tables(self) -> Tables:
        tables = self._resources.get("AWS::DynamoDB::Table", {})
        return Tables(self.where.client("dynamodb"), tables)

    @cached_property
    def logs(self) -> Logs:
        groups = list(self._resources.get("AWS::Logs::LogGroup", {}).values())
        return Logs(self.where.client("logs"), groups, self.functions)

    def traced(self, lines: Sequence[Line]) -> Iterator[Row]:
        """The rows of the lines' traces; the emulator has none."""
        if ids := {id_ for line in lines for id_ in line.traces}:
            try:
                yield from traces.rows(self.where.client("xray"), ids, self.functions)
            except ClientError as error:
                self.untraced = error.response["Error"]["Code"]


def show_order(shop: Shop, console: Console, id_: str, *, is_personal: bool) -> None:
    """Print the timeline of an order.

    Raises:
        Problem: there is no such order.
    """
    suffix = shop.where.suffix
    if not id_:
        raise Problem(f"Which order? Its id is in GET /api/v1/orders: make order ID=…{suffix}")
    order = shop.tables.find(id_) if _ORDER_ID.fullmatch(id_) else None
    if order is None:
        raise Problem(
            f"There is no order {_shown(id_)} in {shop.where.stack}. If it is the id of a request, "
            f"an X-Request-ID: make request ID={_shown(id_)}{suffix}"
        )
    lines = _lines_of(shop, order)
    rows = [
        *stored.rows(order, is_personal=is_personal),
        *(line.row(is_personal=is_personal) for line in lines),
        *shop.traced(lines),
    ]
    terminal.show_head(console, f"order {id_}", _head(order, is_personal=is_personal))
    console.print()
    terminal.show_rows(console, rows)
    console.print()
    circuits = shop.tables.circuits().items()
    terminal.show_facts(
        console,
        [
            *stored.facts(order, shop.now, is_personal=is_personal),
            *(("circuit", f"of {service} is {state}") for service, state in circuits),
            *(("request", f"make request ID={id_}{suffix}") for id_ in order.request_ids),
        ],
    )
    terminal.show_notes(console, list(_notes(shop, order.created_at, lines)))


def rows_of(shop: Shop, id_: str) -> list[dict[str, Any]] | None:
    """An order's rows as JSON, without personal data; None if there is no such order."""
    order = shop.tables.find(id_) if _ORDER_ID.fullmatch(id_) else None
    if order is None:
        return None
    lines = _lines_of(shop, order)
    rows = [*stored.rows(order), *(line.row(is_personal=False) for line in lines)]
    return [
        {
            "at": row.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "source": row.where,
            "kind": row.kind,
            "text": row.text,
            "seconds": row.seconds,
            "steps": [{"name": step.name, "seconds": step.seconds} for step in row.steps],
            "request_id": row.request_id,
        }
        for row in sorted(rows, key=lambda row: row.at)
    ]


def show_request(shop: Shop, console: Console, id_: str, *, is_personal: bool) -> None:
    """Print the timeline of a request.

    Raises:
        Problem: nothing is known of it.
    """
    suffix = shop.where.suffix
    if not _REQUEST_ID.fullmatch(id_):
        what = f"{_shown(id_)} is no request's id." if id_ else "Which request?"
        raise Problem(
            f"{what} It is the header X-Request-ID of the response: make request ID=…{suffix}"
        )
    lines: list[Line] = []
    for since in (*(shop.now - window for window in _WINDOWS), shop.logs.kept_since):
        found = shop.logs.lines([id_], since, shop.now)
        if lines := [line for line in found if line.request_id == id_]:
            break
    if not lines:
        if _ORDER_ID.fullmatch(id_) and shop.tables.find(id_):
            raise Problem(f"It is an order's id: make order ID={id_}{suffix}")
        raise Problem(
            f"No log line of {shop.where.stack} has the request {id_}. Lines appear seconds after "
            f"they were written and are kept for {shop.logs.days_kept or 'all'} days; those below "
            "the parameter LogLevel are not written."
        )
    named = sorted({order for line in lines for order in line.orders})[:_MOST_ORDERS]
    orders = [order for order in map(shop.tables.find, named) if order is not None]
    rows = [*(line.row(is_personal=is_personal) for line in lines), *shop.traced(lines)]
    for order in orders:
        part = stored.part_of(order, id_)
        rows += stored.rows(part, is_personal=is_personal)
    has_events = any(row.kind == "event" for row in rows)
    rows = [row for row in rows if not (has_events and _REPEATED.match(row.text))]
    terminal.show_head(console, f"request {id_}", [])
    console.print()
    terminal.show_rows(console, rows)
    console.print()
    terminal.show_facts(
        console, [("order", f"make order ID={order.id}{suffix}") for order in orders]
    )
    terminal.show_notes(console, list(_notes(shop, lines[0].begin, lines)))


def _lines_of(shop: Shop, order: StoredOrder) -> list[Line]:
    """The lines about an order: those that name it, and those of its requests that name nothing
    else."""
    until = shop.now if not order.is_quiet else min(shop.now, order.last_change + _AFTER)
    since = order.created_at - _BEFORE
    texts = [order.id, *order.request_ids]
    found = shop.logs.lines(texts, since, until)
    lines = [line for line in found if order.id in line.aggregates]
    # A message of the sweeper has the id of the sweeper's tick, which is about other orders too:
    # of its lines, those belong to this order that were written while its message was handled.
    windows = [(line.request_id, line.begin, line.end) for line in lines]
    others = {line.request_id for line in lines} - set(order.request_ids)
    found += shop.logs.lines(others, since, until) if others else []
    lines += [
        line
        for line in found
        if not line.aggregates
        and (
            line.request_id in order.request_ids
            or any(
                line.request_id == id_ and begin <= line.end <= end for id_, begin, end in windows
            )
        )
    ]
    # The tables have these as events.
    return [line for line in lines if not _REPEATED.match(str(line.entry.get("message", "")))]


def _head(order: StoredOrder, *, is_personal: bool) -> Iterator[tuple[str, str]]:
    item = order.item
    count = stored.units(item)
    total = stored.money(item["total_minor"], item["currency"])
    yield "status", order.status
    yield "placed", f"{order.created_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "total", f"{total}, {count} unit{'' if count == 1 else 's'}"
    customer = str(item["user_id"])
    if is_personal:
        customer += f"  {item['user_name']} <{item['email']}>"
    yield "customer", customer


def _notes(shop: Shop, begin: datetime, lines: Sequence[Line]) -> Iterator[str]:
    kept = shop.logs.days_kept
    if begin < shop.logs.kept_since:
        yield f"Logs are kept for {kept} days: earlier rows are from the tables only."
    elif not lines:
        yield "No log line of it is left: they were deleted, or LogLevel is above INFO."
    if shop.logs.is_cut:
        yield f"Logs Insights returned its most, {MOST_LINES} lines: later ones are missing."
    if shop.untraced:
        yield f"X-Ray cannot be read: {shop.untraced}."
    if not shop.where.endpoint and lines and shop.now - lines[-1].end < _INGESTION:
        yield "It was busy seconds ago: later lines may be on their way."


def _shown(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:128]


def _parse() -> argparse.Namespace:
    # An empty argument is a variable of make that is not set.
    parser = Parser(prog="python -m tools.timeline", description=__doc__)
    parser.add_argument("of", choices=("order", "request"))
    add_where(parser)
    parser.add_argument("--id", default="")
    parser.add_argument("--show", default="", choices=("", "personal"))
    return parser.parse_args()


def main() -> None:
    options = _parse()
    show: Any = show_order if options.of == "order" else show_request
    console = Console(highlight=False)
    try:
        shop = Shop(where(options))
        show(shop, console, options.id.strip(), is_personal=options.show == "personal")
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"The shop's tables and logs cannot be read: {cause}") from None


if __name__ == "__main__":
    sys.exit(exit_code(main))
