"""The saved queries find what functions and the gateway log, and the runbook shows them as they
are."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.logs.process_shop import FunctionFailed, ProcessShop
from tests.support import insights
from tests.support.functions import FUNCTIONS
from tests.support.insights import Record
from tools.intrinsics import resolve
from tools.runtime_api import Trace
from tools.template import ROOT, resources

QUERIES: Final[Mapping[str, Mapping[str, Any]]] = {
    query["Name"].partition("/")[2]: query
    for query in resolve(
        list(resources("AWS::Logs::QueryDefinition").values()), ref=str, attribute=str
    )
}
_STREAM: Final = "2026/11/20/bodega-{}-X1[7]0d1e"
_ACCESS_LOG: Final = resources("AWS::Serverless::Api")["Api"]["AccessLogSetting"]["Format"]


@dataclass(frozen=True)
class Logged:
    """What a shop has logged.

    Attributes:
        order: the order's id.
    """

    records: list[Record]
    order: str

    def found(self, name: str, **ids: str) -> list[Record]:
        """What a saved query answers, in which a person has replaced the ids."""
        query = QUERIES[name]
        text = query["QueryString"]
        for placeholder, id_ in ids.items():
            assert placeholder in text
            text = text.replace(placeholder, id_)
        groups = query["LogGroupNames"]
        return insights.run(text, [one for one in self.records if one["@log"] in groups])


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    folder = tmp_path_factory.mktemp("logs")
    with ProcessShop(folder, {"TracingMode": "PassThrough"}, Trace.PASSED_THROUGH, {}) as shop:
        shop.open()
        order = shop.customer.order((shop.mug, 1))
        shop.settle()
        sample = json.loads((ROOT / "events/orders-checkout-placed.json").read_text())
        sample["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
        shop.invoke("OrdersCheckout", sample)
        sample["Records"][0]["messageAttributes"]["type"]["stringValue"] = "user.erased"
        shop.invoke("OrdersCheckout", sample)
        sample["Records"][0]["body"] = "no event"
        shop.invoke("OrdersCheckout", sample)
        unreadable = {"pk": {"S": "p"}, "sk": {"S": "s"}, "unsent": {"S": "0"}, "event": {"?": "?"}}
        record = {"dynamodb": {"SequenceNumber": "1", "NewImage": unreadable}}
        with pytest.raises(FunctionFailed):
            shop.invoke("OrdersRelay", {"Records": [record]})
        shop.customer.order((shop.mug, 1))
        shop.down.add("ProductsInventory")
        shop.settle()  # the order waits
        for _ in range(6):
            assert shop.customer.try_order((shop.mug, 1)).status_code == 503
    return Logged([*_of_functions(folder), *_of_the_gateway()], order["id"])


def _of_functions(folder: Path) -> list[Record]:
    return [
        insights.record(
            line,
            stream=_STREAM.format(log.stem),
            group=f"{FUNCTIONS[log.stem].service.title()}Logs",
        )
        for log in folder.glob("*.log")
        for line in log.read_text().splitlines()
    ]


def _of_the_gateway() -> list[Record]:
    """Its line of each route."""
    routes = [route for function in FUNCTIONS.values() for route in function.routes]
    values = {"identity.sourceIp": "2001:db8:1:2:3:4:5:6", "status": "401", "responseLatency": "7"}
    given = [{**values, "httpMethod": method, "resourcePath": path} for method, path in routes]
    return [
        insights.record(
            re.sub(r"\$context\.([\w.]+)", lambda name: one.get(name[1], "-"), _ACCESS_LOG),  # noqa: B023
            group="ApiAccessLogs",
        )
        for one in given
    ]


def test_runbook_shows_each_saved_query() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text()
    section = runbook.partition("\n## Saved queries\n")[2].partition("\n## ")[0]
    shown = dict(re.findall(r"\*\*(.+?)\.\*\*.*?\n```\n(.*?)\n```\n", section, re.DOTALL))
    assert shown == {name: query["QueryString"] for name, query in QUERIES.items()}


def test_one_orders_lines_are_of_all_functions_that_worked_on_it(logged: Logged) -> None:
    lines = logged.found("One order", ORDER=logged.order)
    functions = {line["@logStream"] for line in lines}
    names = {"OrdersApi", "OrdersRelay", "OrdersCheckout", "NotificationsWorker"}
    assert functions == {_STREAM.format(name) for name in names}


def test_one_requests_lines_are_those_with_its_id(logged: Logged) -> None:
    [placed] = [
        line for line in logged.found("One order", ORDER=logged.order) if "caller_id" in line
    ]
    lines = logged.found("One request", REQUEST=placed["request_id"])
    assert len({line["@logStream"] for line in lines}) == 4
    assert {line["request_id"] for line in lines} == {placed["request_id"]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Slowest routes", {"method": "POST", "path": "/api/v1/orders"}),
        ("Errors by class", {"@log": "OrdersLogs", "class": "TypeError"}),
        ("Errors by class", {"@log": "OrdersLogs", "class": "ValidationError"}),
        ("Retries and redeliveries", {"service": "orders", "what": "handled order.placed"}),
        ("Retries and redeliveries", {"service": "orders", "what": "the order waits"}),
        ("Slowest steps of orders", {"name": "reserve", "error": ""}),
        ("Slowest steps of orders", {"name": "products", "error": "CircuitOpen"}),
        ("Cold starts by function", {"lambda": "bodega-OrdersCheckout-X1"}),
        ("Failed log-ins by network", {"network": "2001:db8:1:2:", "status": "401"}),
        ("Circuits that opened or closed", {"message": "circuit products: CLOSED → OPEN"}),
    ],
)
def test_saved_query_finds_what_is_logged(
    logged: Logged, name: str, expected: dict[str, str]
) -> None:
    assert any(one.items() >= expected.items() for one in logged.found(name))
