"""`make order` and `make request`: what they show of an order and of a request, and what they
hide."""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from shared.runtime import aws
from tests.costs.meter import MeteredShop, opened
from tools.local.arguments import Where
from tools.progress import Problem
from tools.timeline import __main__ as timeline
from tools.timeline import terminal, traces
from tools.timeline.logs import Logs
from tools.timeline.rows import Row, Step
from tools.timeline.stored import StoredOrder

_GROUPS: Final = [f"/bodega/shop/{name}" for name in ("api", "users", "products", "orders")]
_GROUPS.append("/bodega/shop/notifications")
_MINUTE: Final = timedelta(minutes=1)


@dataclass
class FakeLogs:
    """CloudWatch Logs with Insights, as far as it is asked.

    Attributes:
        lines: each with its stream and its group.
        since: how far back the queries have looked.
    """

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    days: int | None = 30
    since: list[datetime] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def log(self, group: str, function: str, line: str) -> None:
        stream = f"2026/11/20/shop-{function}-X1[7]0d1e"
        self.lines.append((group, stream if function else "2026/11/20/0d1e", line))

    def get_paginator(self, _operation: str) -> "FakeLogs":
        return self

    def paginate(self, **_: str) -> Iterator[Any]:
        kept = {} if self.days is None else {"retentionInDays": self.days}
        yield {"logGroups": [{"logGroupName": name, **kept} for name in _GROUPS]}

    def start_query(self, **query: Any) -> dict[str, str]:
        self.since.append(datetime.fromtimestamp(query["startTime"], UTC))
        self.queries.append(query["queryString"])
        wanted = re.search(r"like /((?:\\.|[^/])*)/", query["queryString"])
        assert wanted
        self.answers[str(len(self.answers))] = [
            [
                {"field": "@timestamp", "value": "2026-11-20 12:00:00.000"},
                {"field": "@message", "value": line},
                {"field": "@logStream", "value": stream},
                {"field": "@log", "value": f"123456789012:{group}"},
            ]
            for group, stream, line in self.lines
            if group in query["logGroupNames"] and re.search(wanted[1], line)
        ]
        return {"queryId": str(len(self.answers) - 1)}

    def get_query_results(self, *, queryId: str) -> dict[str, Any]:  # noqa: N803  # boto3's name
        return {"status": "Complete", "results": self.answers[queryId]}


class FakeXRay:
    """X-Ray with these segments in each trace."""

    def __init__(self, *segments: Mapping[str, Any]) -> None:
        self._segments = [{"Document": json.dumps(segment)} for segment in segments]

    def get_paginator(self, _operation: str) -> "FakeXRay":
        return self

    def paginate(self, *, TraceIds: Sequence[str]) -> Iterator[Any]:  # noqa: N803  # boto3's name
        yield {"Traces": [{"Id": id_, "Segments": self._segments} for id_ in TraceIds]}


class FakeStack:
    """CloudFormation with the resources of the stack."""

    def get_paginator(self, _operation: str) -> "FakeStack":
        return self

    def paginate(self, **_: str) -> Iterator[Any]:
        tables = ("OrdersTable", "ProductsTable", "NotificationsTable")
        functions = ("OrdersApi", "OrdersCheckout", "OrdersRelay", "NotificationsWorker")
        found = [("AWS::DynamoDB::Table", name, name) for name in tables]
        found += [("AWS::Logs::LogGroup", name, name) for name in _GROUPS]
        found += [("AWS::Lambda::Function", name, f"shop-{name}-X1") for name in functions]
        yield {
            "StackResourceSummaries": [
                {"ResourceType": kind, "LogicalResourceId": name, "PhysicalResourceId": physical}
                for kind, name, physical in found
            ]
        }


@dataclass
class Place:
    """A shop's place whose tables are the simulation's.

    Attributes:
        suffix: make's arguments for the shop.
    """

    logs: FakeLogs
    xray: FakeXRay = field(default_factory=FakeXRay)
    stack: str = "shop"
    suffix: str = " ENV=dev"
    endpoint: str | None = None

    def client(self, service: str) -> Any:
        others = {"logs": self.logs, "xray": self.xray, "cloudformation": FakeStack()}
        return others.get(service) or aws.client("dynamodb")


class Shop:
    """The simulated shop, whose lines are in CloudWatch Logs."""

    def __init__(self, metered: MeteredShop) -> None:
        self.metered = metered
        self.logs = FakeLogs()

    def collect(self) -> None:
        """Have the lines in the logs that functions have printed since."""
        for run in self.metered.runs:
            for line in run.lines:
                service = re.match("[A-Z][a-z]+", run.function)
                assert service
                self.logs.log(f"/bodega/shop/{service[0].lower()}", run.function, line)
        self.metered.forget()

    def shown(self, what: str, id_: str, *, is_personal: bool = False, **more: Any) -> str:
        self.collect()
        place = Place(self.logs, **more)
        now = datetime.now(UTC)
        shop = timeline.Shop(cast("Where", place), now)
        out = io.StringIO()
        show = timeline.show_order if what == "order" else timeline.show_request
        show(shop, Console(file=out, width=80), id_, is_personal=is_personal)
        return out.getvalue()


@pytest.fixture(scope="module")
def metered() -> Iterator[MeteredShop]:
    with opened() as shop:
        yield shop


@pytest.fixture
def shop(metered: MeteredShop) -> Shop:
    metered.come_to_rest()
    metered.forget()
    return Shop(metered)


def request_of(shop: Shop, order: Mapping[str, Any]) -> str:
    events = shop.metered.books().events[order["id"]]
    return events[0].request_id


def test_timeline_of_a_declined_order_has_all_that_happened(shop: Shop) -> None:
    order = shop.metered.place(payment_token="tok_declined")
    shop.metered.come_to_rest()
    shown = shop.shown("order", order["id"])
    assert "cancelled (payment_declined)" in shown
    for where, what in [
        ("OrdersApi", "POST /api/v1/orders 201"),
        ("OrdersTable", "order.placed"),
        ("OrdersRelay", "published order.placed"),
        ("OrdersCheckout", "handled order.placed"),
        ("OrdersTable", "order.cancelled  version 2, payment_declined"),
        ("ProductsTable", "the stock is released: 1 unit"),
        ("NotificationsTable", "e-mail sent: order.cancelled"),
        ("NotificationsWorker", "handled order.cancelled"),
    ]:
        assert re.search(rf"{where} +{re.escape(what)}", shown), what
    for step in ("find_customer", "reserve", "confirm", "authorize", "release", "void", "send"):
        assert re.search(rf" \d+ ms +{step}\n", shown), step
    assert re.search(rf"payment +sandbox-{order['id'][:8]}…  declined\n", shown)
    assert f"make request ID={request_of(shop, order)} ENV=dev" in shown
    # The table has it as an event.
    assert "order is cancelled" not in shown


def test_timeline_shows_who_it_is_about_only_when_asked(shop: Shop) -> None:
    order = shop.metered.place()
    shop.metered.come_to_rest()
    customer = shop.metered.customer.user
    personal = [customer["email"], customer["full_name"], "“Your order is confirmed”"]
    shown = shop.shown("order", order["id"])
    assert not [text for text in personal if text in shown]
    shown = shop.shown("order", order["id"], is_personal=True)
    assert [text for text in personal if text in shown] == personal


def test_timeline_has_refunds_and_what_an_admin_wrote_only_when_asked(shop: Shop) -> None:
    order = shop.metered.place()
    shop.metered.come_to_rest()
    wanted = {"amount": "4.00", "reason": "the handle was loose"}
    key = {"Idempotency-Key": shop.metered.new_key()}
    path = f"/api/v1/orders/{order['id']}/refunds"
    assert shop.metered.admin.post(path, wanted, headers=key).status_code == 201
    shop.metered.come_to_rest()
    shown = shop.shown("order", order["id"])
    assert "order.refunded  version 4, 4.00 EUR" in shown
    assert re.search(r"refund +[0-9a-f]{8}…  4.00 EUR  succeeded\n", shown)
    assert re.search(r" \d+ ms +refund\n", shown)
    assert "“the handle was loose”" in shop.shown("order", order["id"], is_personal=True)


def test_timeline_of_a_waiting_order_has_its_open_circuit_and_what_comes_next(shop: Shop) -> None:
    for _ in range(5):
        shop.metered.place(payment_token="tok_unavailable")
    order = shop.metered.place()
    shop.metered.settle()
    shown = shop.shown("order", order["id"])
    assert re.search(r"OrdersCheckout +the order waits: payment_unavailable\n", shown)
    assert re.search(r"OrdersCheckout +handled order.placed for now: there is more to", shown)
    assert re.search(r" 0 ms +payments  CircuitOpen\n", shown)
    assert re.search(r"due +\d\d:\d\d:\d\d, in \d+ s: the sweeper sends", shown)
    assert re.search(r"payment +none yet\n", shown)
    shop.metered.come_to_rest()
    assert "status        confirmed" in shop.shown("order", order["id"])


def test_timeline_of_a_redelivered_message_has_its_attempt(shop: Shop) -> None:
    metered = shop.metered
    order = metered.place()
    metered.settle()
    [placed, *_] = metered.books().events[order["id"]]
    metered.cloud.put("CheckoutQueue", placed.model_dump_json())
    [message] = metered.cloud.queues["CheckoutQueue"].messages
    message.received = 1
    metered.settle()
    assert re.search(
        r"OrdersCheckout +handled order.placed  attempt 2\n", shop.shown("order", order["id"])
    )


def test_timeline_leaves_out_what_is_about_other_orders(shop: Shop) -> None:
    """A tick of the sweeper is one request for all orders that are due."""
    order, other = (shop.metered.place()["id"] for _ in range(2))
    shop.metered.settle()
    handled = shop.metered.books().orders[order]["updated_at"]
    end = datetime.fromisoformat(handled) + timedelta(seconds=1)

    def log(function: str, message: str, at: datetime, **more: object) -> None:
        line: dict[str, object] = {"message": message, "timestamp": at.isoformat()}
        line |= {"request_id": "tick-1", **more}
        shop.logs.log("/bodega/shop/orders", function, json.dumps(line))

    log("OrdersCheckout", "handled order.due", end, event_id=f"{order}.due", ms=50.1)
    log("ProductsInventory", "refused confirm", end - timedelta(milliseconds=20))
    log("ProductsInventory", "refused release", end + _MINUTE)
    log("OrdersCheckout", "the order waits", end, order_id=other)
    # A client may send the same id with each of its requests.
    same = request_of(shop, {"id": order})
    log("OrdersCheckout", "gave everything back", end, order_id=other, request_id=same)
    shown = shop.shown("order", order)
    assert re.search(r" 50 ms  OrdersCheckout +handled order.due  ·tick-1\n", shown)
    assert "refused confirm" in shown
    assert "refused release" not in shown
    assert "the order waits" not in shown
    assert "gave everything back" not in shown


def test_timeline_of_a_request_has_what_it_caused_and_nothing_else(shop: Shop) -> None:
    order = shop.metered.place()
    shop.metered.come_to_rest()
    shop.metered.customer.post(f"/api/v1/orders/{order['id']}/cancel")
    shop.metered.come_to_rest()
    shown = shop.shown("request", request_of(shop, order))
    for what in (
        "POST /api/v1/orders 201",
        "order.placed",
        "handled order.confirmed",
        "e-mail sent",
    ):
        assert what in shown
    assert "cancelled" not in shown
    assert f"make order ID={order['id']} ENV=dev" in shown


def test_timeline_of_a_request_that_placed_no_order_has_the_error(shop: Shop) -> None:
    metered = shop.metered
    metered.down.add("ProductsInventory")
    answers = [metered.customer.try_order((metered.mug, 1)) for _ in range(6)]
    metered.down.clear()
    refused, cut_off = answers[0], answers[-1]
    assert (refused.status_code, cut_off.status_code) == (503, 503)
    shown = shop.shown("request", refused.headers["X-Request-ID"])
    assert re.search(r"POST /api/v1/orders 503\n", shown)
    assert re.search(r"ms +reserve  CallFailed\n", shown)
    assert "call failed: " in shown
    shown = shop.shown("request", cut_off.headers["X-Request-ID"])
    assert re.search(r" 0 ms +products  CircuitOpen\n", shown)
    metered.pass_time(_MINUTE)
    assert metered.customer.try_order((metered.mug, 1)).status_code == 201


def test_gateways_own_answer_is_found_by_its_id(shop: Shop) -> None:
    line = {"request_id": "gw-1", "ip": "192.0.2.7", "method": "GET", "path": "/api/v1/orders"}
    text = json.dumps({**line, "status": "429", "ms": "3", "error": "THROTTLED"})
    shop.logs.log("/bodega/shop/api", "", text)
    assert re.search(r" 3 ms  api +GET /api/v1/orders 429\n", shop.shown("request", "gw-1"))
    assert "192.0.2.7" in shop.shown("request", "gw-1", is_personal=True)


def test_request_is_searched_in_the_last_hours_first(shop: Shop) -> None:
    with pytest.raises(Problem, match="No log line of shop has the request lost-1"):
        shop.shown("request", "lost-1")
    ages = [(datetime.now(UTC) - since) / timedelta(hours=1) for since in shop.logs.since]
    assert list(map(round, ages)) == [3, 24, 30 * 24]


def test_timeline_of_an_order_older_than_its_logs_has_rows_of_the_tables(shop: Shop) -> None:
    order = shop.metered.place()
    shop.metered.come_to_rest()
    shop.collect()
    shop.logs.lines.clear()
    shop.metered.pass_time(timedelta(days=40))
    shown = shop.shown("order", order["id"])
    assert "order.confirmed  version 2" in shown
    assert "e-mail sent: order.confirmed" in shown
    assert "Logs are kept for 30 days: earlier rows are from the tables only." in shown
    # CloudWatch refuses a query of such a time.
    assert shop.logs.since == []


@pytest.mark.parametrize(
    ("what", "id_", "sentence"),
    [
        ("order", "", r"^Which order\? Its id is in GET /api/v1/orders: make order ID=… ENV=dev$"),
        ("order", "0" * 32, "^There is no order 0{32} in shop. If it is the id of a request"),
        ("order", "x\x1b[2J", r"^There is no order x\[2J in shop"),
        ("request", "", r"^Which request\? It is the header X-Request-ID"),
        ("request", "no id", "^no id is no request's id. It is the header"),
    ],
)
def test_unknown_id_is_answered_by_a_sentence(
    shop: Shop, what: str, id_: str, sentence: str
) -> None:
    with pytest.raises(Problem, match=sentence):
        shop.shown(what, id_)


def test_order_id_that_is_given_as_a_requests_leads_to_the_order(shop: Shop) -> None:
    order = shop.metered.place()
    with pytest.raises(Problem, match=f"^It is an order's id: make order ID={order['id']} ENV=dev"):
        shop.shown("request", order["id"])


def test_trace_of_a_request_is_a_row_for_each_function(shop: Shop) -> None:
    order = shop.metered.place()
    shop.collect()
    line = {"level": "INFO", "message": "traced", "order_id": order["id"], "xray_trace_id": "1-a-b"}
    stamp = datetime.now(UTC).isoformat()
    text = json.dumps({**line, "timestamp": stamp, "request_id": request_of(shop, order)})
    shop.logs.log("/bodega/shop/orders", "OrdersApi", text)
    start = datetime.now(UTC).timestamp()
    ends = {"start_time": start, "end_time": start + 0.1}
    call = {"name": "dynamodb", "namespace": "aws", "aws": {"operation": "GetItem"}, **ends}
    failure = {"fault": True, "cause": {"exceptions": [{"id": "1", "type": "CallFailed"}]}}
    spans = [
        {"name": "Initialization", "start_time": start, "end_time": start + 0.9},
        {
            "name": "Invocation",
            "start_time": start,
            "end_time": start + 0.2,
            "subsegments": [
                {"name": "reserve", **ends, **failure, "subsegments": [call]},
                {**call, "error": True, "cause": "an-id"},
            ],
        },
        {"name": "Overhead", "start_time": start, "in_progress": True},
    ]
    run: dict[str, Any] = {"name": "shop-OrdersApi-X1", "origin": "AWS::Lambda::Function"}
    run |= {"start_time": start, "end_time": start + 1.5, "subsegments": spans}
    gateway = {"name": "shop/live", "origin": "AWS::ApiGateway::Stage", "start_time": start}
    xray = FakeXRay(run, gateway)
    shown = shop.shown("order", order["id"], xray=xray)
    assert re.search(r"1500 ms  OrdersApi +trace 1-a-b", shown)
    assert re.search(r" 900 ms +Initialization\n", shown)
    assert re.search(
        r" 100 ms( +)reserve  CallFailed\n"
        r" +100 ms\1  dynamodb GetItem\n"
        r" +100 ms\1dynamodb GetItem  failed\n",
        shown,
    )
    assert "Invocation" not in shown
    assert "shop/live" not in shown


def test_rows_are_in_the_order_of_time_with_days_and_without_colours_in_a_file() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    rows = [
        Row(noon + timedelta(days=2, hours=3), "OrdersSweeper", "third\x1b[2J", "error"),
        Row(noon, "OrdersApi", "first", seconds=0.25, steps=(Step("reserve", 0.1, "Late"),)),
        Row(noon + timedelta(minutes=3), "OrdersCheckout", "second", "late", seconds=12.04),
    ]
    plain, coloured = io.StringIO(), io.StringIO()
    terminal.show_rows(Console(file=plain, width=80), rows)
    terminal.show_rows(Console(file=coloured, force_terminal=True, width=80), rows)
    lines = [line.rstrip() for line in plain.getvalue().splitlines()]
    assert lines[1:] == [
        "  12:00:00.000   +0.000 s    250 ms  OrdersApi       first",
        "                             100 ms                    reserve  Late",
        "  12:03:00.000   +0:03:00    12.0 s  OrdersCheckout  second",
        "  2026-11-22",
        "  15:00:00.000   +2 d 3 h            OrdersSweeper   third [2J",
    ]
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b[2J" not in coloured.getvalue()


def test_no_trace_is_asked_for_without_an_id() -> None:
    assert list(traces.rows(None, [], {})) == []


def test_order_is_quiet_only_when_nothing_is_under_way() -> None:
    item = {"updated_at": "2026-11-20T12:00:00.000Z", "status": "confirmed#3"}
    assert StoredOrder("a", item).is_quiet
    assert not StoredOrder("a", {**item, "due_at": "2026-11-20T12:00:00.000Z"}).is_quiet
    assert not StoredOrder("a", item, events=[{"unsent": "1"}]).is_quiet
    assert not StoredOrder("a", item, notifications=[{"status": "pending"}]).is_quiet
    assert StoredOrder("a", item).status == "confirmed"


def test_timeline_obeys_nothing_that_people_have_written(shop: Shop) -> None:
    evil = "\x1b]0;owned\x07[red]\u202ename\r\n"
    order = shop.metered.place()
    shop.metered.come_to_rest()
    table = shop.metered.cloud.dynamodb.tables["OrdersTable"]
    key = f"ORDER#{order['id']}", "ORDER"
    table.items[key] = {**table.items[key], "user_name": {"S": evil}, "email": {"S": evil}}
    shop.collect()
    stamp = datetime.now(UTC).isoformat()
    line = {"message": evil, "order_id": order["id"], "timestamp": stamp, "exception": evil}
    line |= {"request_id": evil, "steps": [evil, 7], "attempt": evil, "ms": None, "level": None}
    shop.logs.log("/bodega/shop/orders", "Orders\x1b[2JApi", json.dumps(line))
    shown = shop.shown("order", order["id"], is_personal=True)
    assert "owned" in shown
    assert not [c for c in shown if not (c.isprintable() or c == "\n")]


class DeniedXRay(FakeXRay):
    """X-Ray that the caller may not read."""

    def get_paginator(self, operation: str) -> "FakeXRay":
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)


def test_timeline_without_traces_says_so(shop: Shop) -> None:
    order = shop.metered.place()
    shop.collect()
    line = {"message": "traced", "order_id": order["id"], "xray_trace_id": "1-a-b"}
    text = json.dumps({**line, "timestamp": datetime.now(UTC).isoformat()})
    shop.logs.log("/bodega/shop/orders", "OrdersApi", text)
    shown = shop.shown("order", order["id"], xray=DeniedXRay())
    assert "order.placed  version 1" in shown
    assert "X-Ray cannot be read: AccessDeniedException." in shown


def test_query_of_the_longest_ids_is_one_that_logs_insights_takes(shop: Shop) -> None:
    ids = ["/" * 120 + f"{number:08}" for number in range(200)]
    logs = Logs(cast(Any, shop.logs), _GROUPS, {})
    logs.lines(ids, datetime.now(UTC) - _MINUTE, datetime.now(UTC))
    assert max(map(len, shop.logs.queries)) <= 10_000
